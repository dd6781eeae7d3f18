//! The parameters of MAIL and RCPT: SIZE, BODY, SMTPUTF8, RET, ENVID, AUTH; NOTIFY, ORCPT.
//!
//! RFC 1870, 6152, 6531, 3461, 4954; the syntax of all is RFC 5321 §4.1.2.

use super::{Body, MailParameters, Notify, Path, PathError, PathSyntax, RcptParameters, Ret, command, path};

/// What of the extensions holds in this session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// The client said EHLO or LHLO: parameters may be used.
    pub(super) extended: bool,
    /// AUTH is offered.
    pub(super) auth: bool,
    pub(super) paths: PathSyntax,
}

/// Why an argument of MAIL or RCPT is wrong. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ParameterError {
    Path(PathError),
    /// The value of this parameter, or that it stands twice.
    Value(&'static str),
    /// A parameter that is not known or not offered.
    Unknown,
}

/// Octets of an envelope identifier (RFC 3461 §4.4), encoded.
const ENVID_MAX: usize = 100;
/// Octets of an original recipient (RFC 3461 §4.2).
const ORCPT_MAX: usize = 500;

/// Reads what follows `MAIL FROM:`; also whether the content is announced as BINARYMIME, for which DATA is no way (RFC 3030 §3).
pub(super) fn mail(argument: &[u8], allowed: Allowed) -> Result<(MailParameters, bool), ParameterError> {
    // SMTPUTF8 stands behind the path whose reading it decides, and may be a word of a quoted local part: what is read with it is
    // checked against the parameter below.
    let utf8 = allowed.extended && !argument.is_ascii() && words(argument).any(|word| word.eq_ignore_ascii_case(b"SMTPUTF8"));
    let (reverse_path, rest) = path::parse(argument, allowed.paths, utf8).map_err(ParameterError::Path)?;
    // Only a recipient may be a bare `postmaster`.
    if !reverse_path.is_null() && reverse_path.domain().is_none() {
        return Err(ParameterError::Path(PathError::Syntax));
    }
    let mut mail = MailParameters { reverse_path, ..MailParameters::default() };
    let (mut body, mut binary, mut auth) = (None, false, false);
    for word in words(rest) {
        let (key, value) = split(word, allowed)?;
        let is = |name: &str| key.eq_ignore_ascii_case(name.as_bytes());
        if is("SIZE") {
            let octets = value.and_then(command::number).ok_or(ParameterError::Value("SIZE"))?;
            once(&mut mail.size, octets, "SIZE")?;
        } else if is("BODY") {
            once(&mut body, declared(value).ok_or(ParameterError::Value("BODY"))?, "BODY")?;
            binary = value.is_some_and(|value| value.eq_ignore_ascii_case(b"BINARYMIME"));
        } else if is("SMTPUTF8") {
            if value.is_some() || mail.smtputf8 {
                return Err(ParameterError::Value("SMTPUTF8"));
            }
            mail.smtputf8 = true;
        } else if is("RET") {
            let ret = match value {
                Some(value) if value.eq_ignore_ascii_case(b"FULL") => Ret::Full,
                Some(value) if value.eq_ignore_ascii_case(b"HDRS") => Ret::Headers,
                _ => return Err(ParameterError::Value("RET")),
            };
            once(&mut mail.ret, ret, "RET")?;
        } else if is("ENVID") {
            let envid = value.filter(|value| value.len() <= ENVID_MAX).and_then(xtext).ok_or(ParameterError::Value("ENVID"))?;
            once(&mut mail.envid, envid.into(), "ENVID")?;
        } else if is("AUTH") && allowed.auth {
            // RFC 4954 §5: who submitted it first. Nobody here is trusted to say so; the syntax is checked all the same.
            if auth || value.and_then(xtext).is_none() {
                return Err(ParameterError::Value("AUTH"));
            }
            auth = true;
        } else {
            return Err(ParameterError::Unknown);
        }
    }
    if !mail.smtputf8 && !mail.reverse_path.as_str().is_ascii() {
        return Err(ParameterError::Path(PathError::NotAscii));
    }
    mail.body = body.unwrap_or_default();
    Ok((mail, binary))
}

/// Reads what follows `RCPT TO:`.
pub(super) fn rcpt(argument: &[u8], allowed: Allowed, utf8: bool) -> Result<RcptParameters, ParameterError> {
    let (forward_path, rest) = path::parse(argument, allowed.paths, utf8).map_err(ParameterError::Path)?;
    if forward_path.is_null() {
        return Err(ParameterError::Path(PathError::Syntax));
    }
    let mut rcpt = RcptParameters { forward_path, ..RcptParameters::default() };
    let mut wanted = None;
    for word in words(rest) {
        let (key, value) = split(word, allowed)?;
        if key.eq_ignore_ascii_case(b"NOTIFY") {
            once(&mut wanted, value.and_then(notify).ok_or(ParameterError::Value("NOTIFY"))?, "NOTIFY")?;
        } else if key.eq_ignore_ascii_case(b"ORCPT") {
            let original = value.filter(|value| value.len() <= ORCPT_MAX);
            let original = original.and_then(|value| orcpt(value, utf8)).ok_or(ParameterError::Value("ORCPT"))?;
            once(&mut rcpt.orcpt, original.into(), "ORCPT")?;
        } else {
            return Err(ParameterError::Unknown);
        }
    }
    rcpt.notify = wanted.unwrap_or_default();
    Ok(rcpt)
}

impl Path {
    /// The path that an argument begins with, as far as it can be read; for records of refusals.
    pub(super) fn of_argument(argument: &[u8]) -> Self {
        path::parse(argument, PathSyntax::Lenient, true).map(|(path, _)| path).unwrap_or_default()
    }
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b' ').filter(|word| !word.is_empty())
}

fn split(word: &[u8], allowed: Allowed) -> Result<(&[u8], Option<&[u8]>), ParameterError> {
    let (key, value) = match memchr::memchr(b'=', word) {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    };
    let is_keyword = key.first().is_some_and(u8::is_ascii_alphanumeric)
        && key.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-');
    // RFC 5321 §4.1.1.11: what HELO began has no extensions.
    if is_keyword && allowed.extended { Ok((key, value)) } else { Err(ParameterError::Unknown) }
}

fn once<T>(place: &mut Option<T>, value: T, name: &'static str) -> Result<(), ParameterError> {
    if place.replace(value).is_some() { Err(ParameterError::Value(name)) } else { Ok(()) }
}

fn declared(value: Option<&[u8]>) -> Option<Body> {
    let value = value?;
    if value.eq_ignore_ascii_case(b"7BIT") {
        Some(Body::SevenBit)
    // BINARYMIME is not offered. Who uses it all the same is heard: content that turns out to be lines of 8-bit text is that.
    } else if value.eq_ignore_ascii_case(b"8BITMIME") || value.eq_ignore_ascii_case(b"BINARYMIME") {
        Some(Body::EightBitMime)
    } else {
        None
    }
}

/// xtext, as it stands (RFC 3461 §4): printable but for `+` and `=`, which like all else are `+` and two upper-case hex digits.
fn xtext(value: &[u8]) -> Option<&str> {
    is_encoded(value, false).then(|| std::str::from_utf8(value).ok()).flatten()
}

fn is_encoded(value: &[u8], utf8: bool) -> bool {
    let is_hex = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        at += match byte {
            b'+' if is_hex(value.get(at + 1)) && is_hex(value.get(at + 2)) => 3,
            b'+' | b'=' => return false,
            b'!'..=b'~' => 1,
            128.. if utf8 => 1,
            _ => return false,
        };
    }
    !value.is_empty()
}

/// Type `;` address, as it stands (RFC 3461 §4.2); where SMTPUTF8 was asked for, the address may be UTF-8 (RFC 6533 §3).
fn orcpt(value: &[u8], utf8: bool) -> Option<&str> {
    let semicolon = memchr::memchr(b';', value)?;
    let (kind, address) = (&value[..semicolon], &value[semicolon + 1..]);
    let is_atom = !kind.is_empty() && kind.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_atom && is_encoded(address, utf8) { std::str::from_utf8(value).ok() } else { None }
}

fn notify(value: &[u8]) -> Option<Notify> {
    if value.eq_ignore_ascii_case(b"NEVER") {
        return Some(Notify { never: true, ..Notify::default() });
    }
    let mut notify = Notify::default();
    for word in value.split(|&byte| byte == b',') {
        let place = if word.eq_ignore_ascii_case(b"SUCCESS") {
            &mut notify.success
        } else if word.eq_ignore_ascii_case(b"FAILURE") {
            &mut notify.failure
        } else if word.eq_ignore_ascii_case(b"DELAY") {
            &mut notify.delay
        } else {
            return None;
        };
        *place = true;
    }
    Some(notify)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Allowed = Allowed { extended: true, auth: true, paths: PathSyntax::Strict };

    #[test]
    fn all_parameters_of_mail_together() {
        let line = "<ä@example.com> SIZE=10 body=8bitmime SMTPUTF8 RET=HDRS ENVID=a+2Bb AUTH=<>";
        let (mail, _) = mail(line.as_bytes(), ALLOWED).unwrap();
        assert_eq!(mail.reverse_path.as_str(), "ä@example.com");
        assert_eq!((mail.size, mail.body, mail.smtputf8), (Some(10), Body::EightBitMime, true));
        assert_eq!((mail.ret, mail.envid.as_deref()), (Some(Ret::Headers), Some("a+2Bb")));
    }

    #[test]
    fn wrong_values_name_their_parameter() {
        for (parameters, name) in [
            ("SIZE", "SIZE"),
            ("SIZE=", "SIZE"),
            ("SIZE=x", "SIZE"),
            ("SIZE=1 SIZE=1", "SIZE"),
            ("BODY", "BODY"),
            ("BODY=9BIT", "BODY"),
            ("SMTPUTF8=1", "SMTPUTF8"),
            ("RET=ALL", "RET"),
            ("ENVID=a+2b", "ENVID"),
            ("ENVID=", "ENVID"),
            ("AUTH=a=b", "AUTH"),
        ] {
            let line = format!("<a@example.com> {parameters}");
            assert_eq!(mail(line.as_bytes(), ALLOWED), Err(ParameterError::Value(name)), "{line}");
        }
        let envid = |length| mail(format!("<> ENVID={}", "a".repeat(length)).as_bytes(), ALLOWED);
        assert!(envid(ENVID_MAX).is_ok());
        assert_eq!(envid(ENVID_MAX + 1), Err(ParameterError::Value("ENVID")));
    }

    #[test]
    fn what_is_not_offered_is_not_known() {
        for line in ["<> FOO=BAR", "<> =", "<> -A=1", "<> NOTIFY=NEVER", "<> \"SIZE\"=1"] {
            assert_eq!(mail(line.as_bytes(), ALLOWED), Err(ParameterError::Unknown), "{line}");
        }
        assert_eq!(mail(b"<> SIZE=1", Allowed { extended: false, ..ALLOWED }), Err(ParameterError::Unknown));
        assert_eq!(mail(b"<> AUTH=<>", Allowed { auth: false, ..ALLOWED }), Err(ParameterError::Unknown));
    }

    #[test]
    fn parameters_of_rcpt() {
        let rcpt = |line: &str| rcpt(line.as_bytes(), ALLOWED, false);
        let read = rcpt("<a@example.com> NOTIFY=success,DELAY ORCPT=rfc822;a+2B@example.com").unwrap();
        assert_eq!(read.notify, Notify { success: true, delay: true, ..Notify::default() });
        assert_eq!(read.orcpt.as_deref(), Some("rfc822;a+2B@example.com"));
        for line in [
            "<a@b> NOTIFY=NEVER,DELAY",
            "<a@b> NOTIFY=",
            "<a@b> NOTIFY",
            "<a@b> ORCPT=a",
            "<a@b> ORCPT=;a",
            "<a@b> ORCPT=rfc822;",
            "<a@b> ORCPT=rfc822;a ORCPT=rfc822;a",
            "<a@b> NOTIFY=DELAY NOTIFY=DELAY",
        ] {
            assert!(matches!(rcpt(line), Err(ParameterError::Value(_))), "{line}");
        }
        assert_eq!(rcpt("<>"), Err(ParameterError::Path(PathError::Syntax)));
        let orcpt = |length: usize| rcpt(&format!("<a@b> ORCPT=rfc822;{}", "a".repeat(length - "rfc822;".len())));
        assert!(orcpt(ORCPT_MAX).is_ok());
        assert!(orcpt(ORCPT_MAX + 1).is_err());
    }
}
