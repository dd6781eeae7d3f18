//! Paths of an envelope: the grammar of RFC 5321 §4.1.2, and of RFC 6531 §3.3 for addresses in UTF-8.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::PathSyntax;

/// A mailbox as the client wrote it, without angle brackets and source route; a bare `postmaster`; or empty: the null
/// reverse-path.
///
/// # Example: what is left of a path with a source route?
/// ```
/// use xd_smtpd::session::Path;
///
/// let path: Path = "<@relay.example.org:\"a b\"@example.com>".parse().unwrap();
/// assert_eq!(path.as_str(), "\"a b\"@example.com");
/// assert_eq!(path.domain(), Some("example.com"));
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Path(Box<str>);

/// Why a path is none. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum PathError {
    /// More octets than a path may have.
    #[error("a path has at most 256 octets")]
    Long,
    /// Octets above 127 where SMTPUTF8 was not asked for.
    #[error("an address that is not ASCII needs SMTPUTF8")]
    NotAscii,
    /// It does not follow the grammar.
    #[error("the syntax is <local-part@domain>")]
    Syntax,
}

/// Octets of a path with its angle brackets (RFC 5321 §4.5.3.1.3). No limit of its own holds for the local part: the 64 octets
/// of §4.5.3.1.1 are a floor for receivers, and reverse-paths that encode a recipient are often longer.
pub const PATH_MAX: usize = 256;
/// Octets of a domain (RFC 5321 §4.5.3.1.2).
pub const DOMAIN_MAX: usize = 255;
/// Octets of a label (RFC 1035 §2.3.4).
const LABEL_MAX: usize = 63;

impl Path {
    /// Reads a path with nothing behind it; UTF-8 is allowed.
    ///
    /// # Errors
    /// When the text is no path of this syntax.
    pub fn read(text: &str, syntax: PathSyntax) -> Result<Self, PathError> {
        match parse(text.as_bytes(), syntax, true)? {
            (path, []) => Ok(path),
            _ => Err(PathError::Syntax),
        }
    }

    /// The address as text, as a next hop wants it between angle brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the null reverse-path.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands before the domain, quotes included.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(&self.0, |(local, _)| local)
    }

    /// The domain or the address literal; a bare `postmaster` and the null reverse-path have none.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        // A domain holds no `@`, whatever a quoted local part does.
        self.0.rsplit_once('@').map(|(_, domain)| domain)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.0.into()
    }
}

impl std::str::FromStr for Path {
    type Err = PathError;

    /// As [`Path::read`] with the syntax of the standard.
    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::read(text, PathSyntax::Strict)
    }
}

/// Reads a path at the start of `input`; what is left begins with a blank or is empty.
pub(super) fn parse(input: &[u8], syntax: PathSyntax, utf8: bool) -> Result<(Path, &[u8]), PathError> {
    let input = match syntax {
        PathSyntax::Lenient => input.trim_ascii_start(),
        PathSyntax::Strict => input,
    };
    let Some(inner) = input.strip_prefix(b"<") else {
        return match syntax {
            PathSyntax::Lenient => bare(input, utf8),
            PathSyntax::Strict => Err(PathError::Syntax),
        };
    };
    // RFC 5321 §4.1.1.3: a source route is accepted and ignored.
    let mailbox = if inner.starts_with(b"@") { behind_route(inner, utf8)? } else { inner };
    if mailbox.len() == inner.len()
        && let Some(rest) = inner.strip_prefix(b">")
    {
        return ended(Path::default(), rest);
    }
    let length = mailbox_length(mailbox, syntax, utf8)?;
    let Some(rest) = mailbox[length..].strip_prefix(b">") else { return Err(PathError::Syntax) };
    if input.len() - rest.len() > PATH_MAX {
        return Err(PathError::Long);
    }
    ended(path(&mailbox[..length])?, rest)
}

/// A mailbox without angle brackets.
fn bare(input: &[u8], utf8: bool) -> Result<(Path, &[u8]), PathError> {
    let length = mailbox_length(input, PathSyntax::Lenient, utf8)?;
    if length + 2 > PATH_MAX {
        return Err(PathError::Long);
    }
    ended(path(&input[..length])?, &input[length..])
}

fn ended(path: Path, rest: &[u8]) -> Result<(Path, &[u8]), PathError> {
    if rest.first().is_none_or(|&byte| byte == b' ') { Ok((path, rest)) } else { Err(PathError::Syntax) }
}

fn path(bytes: &[u8]) -> Result<Path, PathError> {
    // Bytes above 127 were let through only where UTF-8 is allowed; that they are UTF-8 is seen here.
    std::str::from_utf8(bytes).map(|text| Path(text.into())).map_err(|_| PathError::Syntax)
}

/// What follows `@a,@b:`.
fn behind_route(mut input: &[u8], utf8: bool) -> Result<&[u8], PathError> {
    loop {
        let Some(domain) = input.strip_prefix(b"@") else { return Err(PathError::Syntax) };
        let length = domain_length(domain, utf8)?;
        match domain[length..].split_first() {
            Some((b',', rest)) => input = rest,
            Some((b':', rest)) => return Ok(rest),
            _ => return Err(PathError::Syntax),
        }
    }
}

/// The octets of the mailbox that `input` begins with.
fn mailbox_length(input: &[u8], syntax: PathSyntax, utf8: bool) -> Result<usize, PathError> {
    let local = if input.first() == Some(&b'"') { quoted_length(input, utf8)? } else { dotted_length(input, syntax, utf8)? };
    match input.get(local) {
        Some(b'@') => Ok(local + 1 + domain_length(&input[local + 1..], utf8)?),
        // RFC 5321 §4.5.1: `postmaster` without a domain is an address of every server.
        Some(b'>' | b' ') | None if input[..local].eq_ignore_ascii_case(b"postmaster") => Ok(local),
        _ => Err(PathError::Syntax),
    }
}

fn dotted_length(input: &[u8], syntax: PathSyntax, utf8: bool) -> Result<usize, PathError> {
    let length = run(input, utf8, |byte| is_atext(byte) || byte == b'.')?;
    let local = &input[..length];
    let regular = !local.starts_with(b".") && !local.ends_with(b".") && !local.windows(2).any(|pair| pair == b"..");
    if length == 0 || !(regular || syntax == PathSyntax::Lenient) { Err(PathError::Syntax) } else { Ok(length) }
}

fn quoted_length(input: &[u8], utf8: bool) -> Result<usize, PathError> {
    let mut at = 1;
    loop {
        match input.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => match input.get(at + 1) {
                Some(b' '..=b'~') => at += 2,
                _ => return Err(PathError::Syntax),
            },
            Some(b' '..=b'~') => at += 1,
            Some(128..) if utf8 => at += 1,
            Some(128..) => return Err(PathError::NotAscii),
            _ => return Err(PathError::Syntax),
        }
    }
}

/// The octets of the domain or address literal that `input` begins with.
pub(super) fn domain_length(input: &[u8], utf8: bool) -> Result<usize, PathError> {
    if input.first() == Some(&b'[') {
        let Some(end) = memchr::memchr(b']', input) else { return Err(PathError::Syntax) };
        return if is_literal(&input[1..end]) { Ok(end + 1) } else { Err(PathError::Syntax) };
    }
    // Underscores are in no grammar and in many host names.
    let length = run(input, utf8, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))?;
    let is_label = |label: &[u8]| (1..=LABEL_MAX).contains(&label.len()) && !label.starts_with(b"-") && !label.ends_with(b"-");
    if length > DOMAIN_MAX {
        return Err(PathError::Long);
    }
    if input[..length].split(|&byte| byte == b'.').all(is_label) { Ok(length) } else { Err(PathError::Syntax) }
}

/// The contents of an address literal (RFC 5321 §4.1.3). Tags other than `IPv6` are not registered.
pub(super) fn is_literal(inner: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(inner) else { return false };
    match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => text[5..].parse::<Ipv6Addr>().is_ok(),
        _ => text.parse::<Ipv4Addr>().is_ok(),
    }
}

fn run(input: &[u8], utf8: bool, allowed: impl Fn(u8) -> bool) -> Result<usize, PathError> {
    let length = input.iter().position(|&byte| !(allowed(byte) || utf8 && byte > 127)).unwrap_or(input.len());
    match input.get(length) {
        Some(128..) => Err(PathError::NotAscii),
        _ => Ok(length),
    }
}

fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, syntax: PathSyntax) -> Result<String, PathError> {
        parse(text.as_bytes(), syntax, false).map(|(path, _)| path.into())
    }

    #[test]
    fn addresses_of_the_standard_are_taken_as_they_stand() {
        for address in [
            "a@example.com",
            "a.b-c+d@example.com",
            "\"a b\"@example.com",
            "\"\"@example.com",
            "\"\\\"\"@example.com",
            "\"a@b>\"@example.com",
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
            "a@ipv4_host.example",
            "a@127.0.0.1",
            "PostMaster",
        ] {
            assert_eq!(read(&format!("<{address}>"), PathSyntax::Strict).as_deref(), Ok(address));
        }
        assert_eq!(read("<>", PathSyntax::Strict).as_deref(), Ok(""));
    }

    #[test]
    fn what_the_grammar_does_not_know_is_no_path() {
        for text in [
            "",
            "<",
            "<a",
            "<a>",
            "<a@",
            "<a@>",
            "<@>",
            "<@a:>",
            "<a@b",
            "a@b>",
            "<a@b>>",
            "<a@b>c",
            "<a b@c>",
            "<a@b c>",
            "<a..b@c>",
            "<.a@b>",
            "<a.@b>",
            "<a\"b\"@c>",
            "<\"a@b>",
            "<a@-b>",
            "<a@b->",
            "<a@b..c>",
            "<a@b.>",
            "<a@[::1]>",
            "<a@[IPv6::1]>",
            "<a@[x:y]>",
            "<a@b@c>",
            "<a(c)@b>",
            "<a\0@b>",
            " <a@b>",
            "<\"a\0\"@b>",
        ] {
            assert_eq!(read(text, PathSyntax::Strict), Err(PathError::Syntax), "{text}");
        }
    }

    #[test]
    fn own_networks_may_write_sloppily() {
        for (text, address) in [("a@b", "a@b"), (" <a@b>", "a@b"), ("<a..b@c>", "a..b@c"), (" a@b SIZE=1", "a@b")] {
            assert_eq!(read(text, PathSyntax::Lenient).as_deref(), Ok(address), "{text}");
        }
        for text in ["a@b>", "<a@b", "a b@c", ""] {
            assert_eq!(read(text, PathSyntax::Lenient), Err(PathError::Syntax), "{text}");
        }
    }

    #[test]
    fn utf8_needs_smtputf8() {
        assert_eq!(read("<ä@example.com>", PathSyntax::Strict), Err(PathError::NotAscii));
        assert_eq!(read("<a@exämple.com>", PathSyntax::Strict), Err(PathError::NotAscii));
        assert_eq!("<ä@exämple.com>".parse::<Path>().unwrap().domain(), Some("exämple.com"));
        assert_eq!(parse(b"<\xff@example.com>", PathSyntax::Strict, true), Err(PathError::Syntax));
    }

    #[test]
    fn lengths_are_held_at_their_edges() {
        let path = |local: usize| read(&format!("<{}@example.com>", "a".repeat(local)), PathSyntax::Strict);
        assert!(path(PATH_MAX - "<@example.com>".len()).is_ok());
        assert_eq!(path(PATH_MAX - "<@example.com>".len() + 1), Err(PathError::Long));
        assert!(read(&format!("<a@{}>", "a".repeat(63)), PathSyntax::Strict).is_ok());
        assert_eq!(read(&format!("<a@{}>", "a".repeat(64)), PathSyntax::Strict), Err(PathError::Syntax));
    }
}
