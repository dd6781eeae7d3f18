//! Command lines: verb and argument, and nothing that merely looks like them (RFC 5321 §4.1.1).
//!
//! A line comes without its CRLF. What is wrong with an argument is told apart from what is no command at all, because their
//! replies differ; whether a command may be given now is for the session to say.

use super::path;

/// A command with its argument.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Command<'a> {
    /// RFC 4954: mechanism and initial response.
    Auth(&'a str, Option<&'a str>),
    /// RFC 3030: octets that follow, and whether they are the last.
    Bdat(u64, bool),
    Data,
    Ehlo(&'a str),
    /// RFC 1985: the domain.
    Etrn(&'a str),
    Expn,
    /// A verb of another protocol: someone makes a browser or a proxy talk to us.
    Foreign,
    Helo(&'a str),
    Help,
    /// RFC 2033
    Lhlo(&'a str),
    /// What follows `FROM:`.
    Mail(&'a [u8]),
    Noop,
    Quit,
    /// What follows `TO:`.
    Rcpt(&'a [u8]),
    Rset,
    /// RFC 3207
    StartTls,
    Vrfy,
    /// The attributes.
    Xclient(&'a str),
}

/// Why a line is no command. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CommandError {
    /// The verb is known, its argument is not what it takes: the command, and how it is written.
    Argument(&'static str, &'static str),
    /// The verb is not known.
    Unknown,
    /// It holds control characters or octets above 127 where text must stand.
    Unreadable,
}

/// Octets of a command line with its CRLF (RFC 5321 §4.5.3.1.4).
const LINE_MAX: usize = 512;
/// What extensions add to MAIL: SIZE 26 (RFC 1870), BODY 17 (RFC 6152), SMTPUTF8 10 (RFC 6531), RET and ENVID 115 (RFC 3461),
/// AUTH 500 (RFC 4954); and addresses in UTF-8 may double. To RCPT: NOTIFY and ORCPT 528.
const PATH_LINE_MAX: usize = 2_048;
/// Octets of AUTH and of the client's answers to it (RFC 4954 §4).
const AUTH_LINE_MAX: usize = 12_288;

/// How many octets a line that begins like this may have, CRLF included.
pub(super) fn line_max(line: &[u8]) -> usize {
    match line.get(..5) {
        Some(verb) if verb.eq_ignore_ascii_case(b"AUTH ") => AUTH_LINE_MAX,
        Some(verb) if verb.eq_ignore_ascii_case(b"MAIL ") || verb.eq_ignore_ascii_case(b"RCPT ") => PATH_LINE_MAX,
        _ => LINE_MAX,
    }
}

/// How many octets a line inside of an AUTH exchange may have, CRLF included.
pub(super) const RESPONSE_MAX: usize = AUTH_LINE_MAX;

/// Reads a line without its CRLF.
pub(super) fn parse(line: &[u8]) -> Result<Command<'_>, CommandError> {
    // RFC 5321 §4.1.1: servers should tolerate trailing blanks.
    let line = &line[..line.iter().rposition(|&byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1)];
    let end = memchr::memchr(b' ', line).unwrap_or(line.len());
    let (verb, argument) = (&line[..end], line[end..].trim_ascii_start());
    if line.iter().any(|&byte| byte < b' ' || byte == 127) || !verb.is_ascii() {
        return Err(CommandError::Unreadable);
    }
    let is = |name: &str| verb.eq_ignore_ascii_case(name.as_bytes());
    let text = || std::str::from_utf8(argument).ok().filter(|text| text.is_ascii()).ok_or(CommandError::Unreadable);
    let alone = |name, command| if argument.is_empty() { Ok(command) } else { Err(CommandError::Argument(name, name)) };

    // The commands of a message first: they are nearly all.
    if is("RCPT") {
        behind(argument, b"TO:").map(Command::Rcpt).ok_or(CommandError::Argument("RCPT", "RCPT TO:<address>"))
    } else if is("MAIL") {
        behind(argument, b"FROM:").map(Command::Mail).ok_or(CommandError::Argument("MAIL", "MAIL FROM:<address>"))
    } else if is("DATA") {
        alone("DATA", Command::Data)
    } else if is("BDAT") {
        bdat(argument).ok_or(CommandError::Argument("BDAT", "BDAT octets [LAST]"))
    } else if is("RSET") {
        alone("RSET", Command::Rset)
    } else if is("QUIT") {
        alone("QUIT", Command::Quit)
    } else if is("EHLO") {
        name(text()?).map(Command::Ehlo).ok_or(CommandError::Argument("EHLO", "EHLO name"))
    } else if is("HELO") {
        name(text()?).map(Command::Helo).ok_or(CommandError::Argument("HELO", "HELO name"))
    } else if is("LHLO") {
        name(text()?).map(Command::Lhlo).ok_or(CommandError::Argument("LHLO", "LHLO name"))
    } else if is("STARTTLS") {
        alone("STARTTLS", Command::StartTls)
    } else if is("AUTH") {
        auth(text()?).ok_or(CommandError::Argument("AUTH", "AUTH mechanism [initial-response]"))
    } else if is("NOOP") {
        Ok(Command::Noop)
    } else if is("VRFY") {
        if argument.is_empty() { Err(CommandError::Argument("VRFY", "VRFY address")) } else { Ok(Command::Vrfy) }
    } else if is("EXPN") {
        Ok(Command::Expn)
    } else if is("HELP") {
        Ok(Command::Help)
    } else if is("ETRN") {
        etrn(text()?).map(Command::Etrn).ok_or(CommandError::Argument("ETRN", "ETRN domain"))
    } else if is("XCLIENT") {
        Ok(Command::Xclient(text()?))
    } else if is("GET") || is("POST") || is("PUT") || is("CONNECT") || is("OPTIONS") || is("PRI") {
        Ok(Command::Foreign)
    } else {
        Err(CommandError::Unknown)
    }
}

/// What follows a keyword, in any case.
fn behind<'a>(argument: &'a [u8], keyword: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = argument.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword).then_some(rest)
}

/// The name that a client gives itself: a domain or an address literal.
///
/// Names in use break the grammar in ways that harm nobody (underscores, no dots, a final dot, an address without brackets), so
/// that any run of their characters passes; what reads them again as a log or a header field does cannot be led astray.
fn name(argument: &str) -> Option<&str> {
    let length_is_right = (1..=path::DOMAIN_MAX).contains(&argument.len());
    let is_name = argument.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'));
    let is_literal = || {
        let inner = argument.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.is_some_and(|inner| path::is_literal(inner.as_bytes()))
    };
    (length_is_right && (is_name || is_literal())).then_some(argument)
}

fn bdat(argument: &[u8]) -> Option<Command<'_>> {
    let mut words = argument.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let octets = number(words.next()?)?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"LAST") => true,
        Some(_) => return None,
    };
    words.next().is_none().then_some(Command::Bdat(octets, last))
}

/// Digits alone, as many as the standards allow (RFC 1870 §4, RFC 3030 §2); a number too large for any machine is the largest.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if !(1..=20).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum: u64, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
}

fn auth(argument: &str) -> Option<Command<'_>> {
    let mut words = argument.split(' ').filter(|word| !word.is_empty());
    let mechanism = words.next()?;
    let initial = words.next();
    words.next().is_none().then_some(Command::Auth(mechanism, initial))
}

fn etrn(argument: &str) -> Option<&str> {
    let domain = argument.strip_prefix('@').unwrap_or(argument);
    let is_domain = !domain.starts_with('[') && path::domain_length(domain.as_bytes(), false) == Ok(domain.len());
    (is_domain && !domain.is_empty()).then_some(argument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_known_in_any_case_and_with_trailing_blanks() {
        assert_eq!(parse(b"quit \t"), Ok(Command::Quit));
        assert_eq!(parse(b"mAiL fRoM:<>"), Ok(Command::Mail(b"<>")));
        assert_eq!(parse(b"bdat 10 last"), Ok(Command::Bdat(10, true)));
        assert_eq!(parse(b"NOOP anything"), Ok(Command::Noop));
        assert_eq!(parse(b"Auth PLAIN ="), Ok(Command::Auth("PLAIN", Some("="))));
    }

    #[test]
    fn arguments_are_held_to_their_syntax() {
        for line in [
            "DATA x",
            "RSET x",
            "QUIT x",
            "STARTTLS x",
            "HELO",
            "EHLO a b",
            "EHLO [x]",
            "EHLO <a>",
            "MAIL",
            "MAIL TO:<a@b>",
            "RCPT <a@b>",
            "BDAT",
            "BDAT x",
            "BDAT -1",
            "BDAT 1 2",
            "BDAT 1 LAST x",
            "AUTH",
            "AUTH A B C",
            "VRFY",
            "ETRN",
            "ETRN a b",
            "ETRN -",
            "BDAT 000000000000000000001",
        ] {
            assert!(matches!(parse(line.as_bytes()), Err(CommandError::Argument(..))), "{line}");
        }
    }

    #[test]
    fn what_is_no_text_is_no_command() {
        for line in [b"\x80FAIL".as_slice(), b"NOOP \0", b"EHLO \xff", b"MAIL\tFROM:<>", b"NOOP a\rb"] {
            assert_eq!(parse(line), Err(CommandError::Unreadable), "{line:?}");
        }
        for line in ["", " ", "FOO", "MAILFROM:<>", " QUIT", "250 ok"] {
            assert_eq!(parse(line.as_bytes()), Err(CommandError::Unknown), "{line}");
        }
    }

    #[test]
    fn numbers_do_not_wrap() {
        assert_eq!(number(b"99999999999999999999"), Some(u64::MAX));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"007"), Some(7));
        assert_eq!(number(b""), None);
        assert_eq!(number(b"+1"), None);
    }
}
