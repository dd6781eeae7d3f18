//! Texts with macros (RFC 7208 §7.1): their grammar, read once to find errors and again to expand them.
//!
//! Nothing is kept of a text but the text itself: reading it costs less than a list of its pieces would.

use super::SyntaxError;

/// Where a text with macros stands: what may be in it depends on that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// In a record: visible characters, and no macros that tell of the receiver.
    Record,
    /// In the text of an explanation: spaces too, and all macros.
    Explanation,
}

/// A part of such a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Piece<'a> {
    /// What `%%`, `%_` and `%-` stand for.
    Escape(&'static str),
    /// Characters that stand for themselves.
    Literal(&'a str),
    /// `%{…}`.
    Macro(Macro<'a>),
}

/// A macro and how its value is to be changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Macro<'a> {
    pub(super) letter: Letter,
    /// An upper-case letter asks that what is not unreserved in a URL is escaped.
    pub(super) is_escaped: bool,
    /// How many parts from the right are kept; none means all.
    pub(super) keep: Option<usize>,
    pub(super) is_reversed: bool,
    /// What the value is split at; none means dots.
    pub(super) delimiters: &'a str,
}

/// Which value a macro has (RFC 7208 §7.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Letter {
    /// `c`: the client address as people write it.
    Client,
    /// `d`: the domain whose record is evaluated.
    Domain,
    /// `h`: the EHLO domain.
    Ehlo,
    /// `i`: the client address, its parts separated by dots.
    Address,
    /// `l`: the local part.
    Local,
    /// `o`: the domain of the reverse-path.
    Origin,
    /// `p`: a name of the client that leads back to it.
    Ptr,
    /// `r`: the name of the receiving host.
    Receiver,
    /// `s`: the reverse-path.
    Sender,
    /// `t`: seconds since 1970.
    Time,
    /// `v`: `in-addr` or `ip6`.
    Version,
}

/// The pieces of a text; an error is the last of them.
#[derive(Clone, Debug)]
pub(super) struct Pieces<'a> {
    rest: &'a str,
    place: Place,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(text: &'a str, place: Place) -> Self {
        Self { rest: text, place }
    }

    fn percent(&mut self) -> Result<Piece<'a>, SyntaxError> {
        let escape = match self.rest.as_bytes().get(1) {
            Some(b'%') => "%",
            Some(b'_') => " ",
            Some(b'-') => "%20",
            Some(b'{') => {
                let (inside, rest) = self.rest.get(2..).and_then(|rest| rest.split_once('}')).ok_or(SyntaxError::Macro)?;
                self.rest = rest;
                return Macro::parse(inside, self.place).map(Piece::Macro);
            }
            _ => return Err(SyntaxError::Percent),
        };
        self.rest = self.rest.get(2..).unwrap_or_default();
        Ok(Piece::Escape(escape))
    }

    fn literal(&mut self) -> Result<Piece<'a>, SyntaxError> {
        let (literal, rest) = self.rest.split_at(self.rest.find('%').unwrap_or(self.rest.len()));
        self.rest = rest;
        let may_stand = |byte: u8| byte.is_ascii_graphic() || (byte == b' ' && self.place == Place::Explanation);
        if literal.bytes().all(may_stand) { Ok(Piece::Literal(literal)) } else { Err(SyntaxError::Character) }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = match self.rest.as_bytes().first()? {
            b'%' => self.percent(),
            _ => self.literal(),
        };
        if piece.is_err() {
            self.rest = "";
        }
        Some(piece)
    }
}

impl<'a> Macro<'a> {
    /// Reads what stands between the braces.
    fn parse(inside: &'a str, place: Place) -> Result<Self, SyntaxError> {
        let letter = *inside.as_bytes().first().ok_or(SyntaxError::Macro)?;
        let (value, is_told_everywhere) = match letter.to_ascii_lowercase() {
            b'c' => (Letter::Client, false),
            b'd' => (Letter::Domain, true),
            b'h' => (Letter::Ehlo, true),
            b'i' => (Letter::Address, true),
            b'l' => (Letter::Local, true),
            b'o' => (Letter::Origin, true),
            b'p' => (Letter::Ptr, true),
            b'r' => (Letter::Receiver, false),
            b's' => (Letter::Sender, true),
            b't' => (Letter::Time, false),
            b'v' => (Letter::Version, true),
            _ => return Err(SyntaxError::Macro),
        };
        // RFC 7208 §7.2: "c", "r" and "t" are allowed only in "exp" text.
        if !is_told_everywhere && place == Place::Record {
            return Err(SyntaxError::MacroPlace);
        }
        let rest = inside.get(1..).unwrap_or_default();
        let (digits, rest) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
        let keep = match digits {
            "" => None,
            // RFC 7208 §7.3: a number must not be zero. One too large for any integer keeps all there is.
            digits => match digits.parse().unwrap_or(usize::MAX) {
                0 => return Err(SyntaxError::Macro),
                keep => Some(keep),
            },
        };
        let delimiters = rest.strip_prefix(['r', 'R']);
        let (is_reversed, delimiters) = (delimiters.is_some(), delimiters.unwrap_or(rest));
        if !delimiters.bytes().all(|byte| DELIMITERS.contains(&byte)) {
            return Err(SyntaxError::Macro);
        }
        Ok(Self { letter: value, is_escaped: letter.is_ascii_uppercase(), keep, is_reversed, delimiters })
    }
}

/// RFC 7208 §7.1: `delimiter`.
const DELIMITERS: &[u8] = b".-+,/_=";

/// A domain that may hold macros (RFC 7208 §7.1: `domain-spec`): its syntax is right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DomainSpec<'a>(&'a str);

impl<'a> DomainSpec<'a> {
    /// Reads a domain with macros.
    ///
    /// # Errors
    /// When a macro or a character is not allowed, or it ends in neither a macro nor a top-level label. Whether what comes of it
    /// can be asked for is seen only when it is expanded.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let mut last = None;
        for piece in Pieces::of(text, Place::Record) {
            last = Some(piece?);
        }
        match last {
            Some(Piece::Escape(_) | Piece::Macro(_)) => Ok(Self(text)),
            Some(Piece::Literal(end)) if ends_in_top_label(end) => Ok(Self(text)),
            _ => Err(SyntaxError::DomainEnd),
        }
    }

    /// The text as it stands in the record.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    pub(super) fn pieces(self) -> Pieces<'a> {
        Pieces::of(self.0, Place::Record)
    }
}

/// RFC 7208 §7.1: `"." toplabel [ "." ]`, and a top-level label is not only digits, and neither begins nor ends with `-`.
fn ends_in_top_label(literal: &str) -> bool {
    let Some((_, top)) = literal.strip_suffix('.').unwrap_or(literal).rsplit_once('.') else { return false };
    let (Some(first), Some(last)) = (top.bytes().next(), top.bytes().next_back()) else { return false };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && top.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !top.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_end_in_a_macro_or_a_top_level_label() {
        for good in ["a.example", "a.example.", "%{d}", "x%%", "%{d2}.example", "a:b/c.example", "x.xn--p1ai", "..example"] {
            assert!(DomainSpec::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "example", "example.", "%{d}.", "a.123", "a.-b", "a.b-", "%{h}bar", "192.0.2.1", "a.example:25", "a.example/"]
        {
            assert_eq!(DomainSpec::parse(bad), Err(SyntaxError::DomainEnd), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_with_macros() {
        for (text, error) in [
            ("%{d", SyntaxError::Macro),
            ("%{}", SyntaxError::Macro),
            ("%{x}", SyntaxError::Macro),
            ("%{d0}", SyntaxError::Macro),
            ("%{d00r}", SyntaxError::Macro),
            ("%{dr2}", SyntaxError::Macro),
            ("%{d!}", SyntaxError::Macro),
            ("%", SyntaxError::Percent),
            ("%a.example", SyntaxError::Percent),
            ("%(d).example", SyntaxError::Percent),
            ("%{t}", SyntaxError::MacroPlace),
            ("a b.example", SyntaxError::Character),
            ("\u{e9}.example", SyntaxError::Character),
        ] {
            assert_eq!(DomainSpec::parse(text), Err(error), "{text}");
        }
        assert!(Pieces::of("at %{t}, %{c}", Place::Explanation).all(|piece| piece.is_ok()));
    }

    #[test]
    fn numbers_of_any_length_are_read() {
        let spec = format!("%{{L{}R-+}}", "9".repeat(60));
        let expected =
            Macro { letter: Letter::Local, is_escaped: true, keep: Some(usize::MAX), is_reversed: true, delimiters: "-+" };
        assert_eq!(DomainSpec::parse(&spec).unwrap().pieces().next(), Some(Ok(Piece::Macro(expected))));
    }
}
