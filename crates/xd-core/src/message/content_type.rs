//! Values with parameters: `Content-Type` and `Content-Disposition` (RFC 2045 §5.1, RFC 2183, RFC 2231).
//!
//! Where one parameter stands in several forms or with several values, mail programs choose differently; all values are given,
//! the one that current programs prefer first.

use std::borrow::Cow;

use super::part::MediaType;
use super::{charset, encoded_word, transfer, value};
use crate::{Defect, Defects};

/// A value up to its first parameter, and the parameters.
#[derive(Debug, Default)]
pub(super) struct Parameterized<'b> {
    /// `text/html` of `text/html; charset=utf-8`.
    pub(super) value: &'b [u8],
    parameters: Vec<Parameter<'b>>,
}

#[derive(Debug)]
struct Parameter<'b> {
    /// Without the suffix of RFC 2231.
    name: &'b [u8],
    /// The number after the first asterisk (RFC 2231 §3).
    piece: Option<u32>,
    /// Whether the name ends in an asterisk (RFC 2231 §4).
    extended: bool,
    value: Cow<'b, [u8]>,
}

/// The values of one parameter.
#[derive(Debug, Default)]
struct Forms {
    /// In RFC 2231 form, whole or in pieces.
    extended: Vec<Vec<u8>>,
    plain: Vec<Vec<u8>>,
}

impl<'b> Parameterized<'b> {
    /// Reads a field value. Missing semicolons, blanks around `=`, comments and values without quotes are tolerated.
    pub(super) fn parse(raw: &'b [u8]) -> Self {
        let raw = skip_blanks(raw);
        let end = raw.iter().position(|b| is_blank(*b) || matches!(b, b';' | b'(')).unwrap_or(raw.len());
        let (value, mut rest) = raw.split_at(end);
        let mut parameters = Vec::new();
        // `text / html`: blanks around the slash are comments' due (RFC 2045 §5.1), and some programs write them.
        while !rest.is_empty() {
            rest = skip_separators(rest);
            let name_end = rest.iter().position(|b| is_blank(*b) || matches!(b, b'=' | b';' | b'(')).unwrap_or(rest.len());
            let (name, tail) = rest.split_at(name_end);
            let tail = skip_blanks(tail);
            let Some(tail) = tail.strip_prefix(b"=") else {
                rest = tail;
                continue;
            };
            let (value, tail) = read_value(skip_blanks(tail));
            rest = tail;
            if !name.is_empty() {
                parameters.push(Parameter::new(name, value));
            }
        }
        Self { value, parameters }
    }

    /// The values of a parameter as bytes, the RFC 2231 form first; no value twice.
    pub(super) fn bytes(&self, name: &str, defects: &mut Defects) -> Vec<Vec<u8>> {
        let forms = self.forms(name, defects, |bytes| bytes);
        let mut values = Vec::new();
        for value in forms.extended.into_iter().chain(forms.plain) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    /// The values of a parameter as text, the RFC 2231 form first; no value twice. Encoded words are decoded though RFC 2047 §5
    /// forbids them here, since programs write and read them.
    pub(super) fn texts(&self, name: &str, defects: &mut Defects) -> Vec<String> {
        let mut word_defects = Defects::default();
        let forms = self.forms(name, defects, |bytes| {
            let text = value::lossy(&bytes);
            let text = value::unfold(&text);
            if encoded_word::may_be_in(&text) {
                return encoded_word::decode(&text, &mut word_defects).into_bytes();
            }
            text.into_owned().into_bytes()
        });
        defects.record_all(word_defects);
        let mut values = Vec::new();
        for value in forms.extended.into_iter().chain(forms.plain) {
            let text = value::lossy(&value).into_owned();
            if !values.contains(&text) {
                values.push(text);
            }
        }
        values
    }

    /// The values of one parameter by form. Values of the extended form are UTF-8.
    fn forms(&self, name: &str, defects: &mut Defects, mut plain: impl FnMut(Vec<u8>) -> Vec<u8>) -> Forms {
        let mut forms = Forms::default();
        let mut pieces: Vec<&Parameter<'_>> = Vec::new();
        for parameter in self.parameters.iter().filter(|p| p.name.eq_ignore_ascii_case(name.as_bytes())) {
            match parameter {
                Parameter { piece: Some(_), .. } => pieces.push(parameter),
                Parameter { extended: true, value, .. } => forms.extended.push(decode_extended(value)),
                Parameter { value, .. } => forms.plain.push(plain(value.to_vec())),
            }
        }
        if !pieces.is_empty() {
            // The order in the field does not matter (RFC 2231 §3).
            pieces.sort_by_key(|piece| piece.piece);
            if pieces.iter().zip(0..).any(|(piece, number)| piece.piece != Some(number)) {
                defects.record(Defect::ParameterGap);
            }
            forms.extended.push(join(&pieces));
        }
        let differ = |values: &[Vec<u8>]| values.windows(2).any(|pair| pair.first() != pair.last());
        if differ(&forms.extended) || differ(&forms.plain) {
            defects.record(Defect::DuplicateParameter);
        }
        if let (Some(extended), Some(plain)) = (forms.extended.first(), forms.plain.first())
            && extended != plain
        {
            defects.record(Defect::ParameterForms);
        }
        forms
    }
}

impl<'b> Parameter<'b> {
    fn new(name: &'b [u8], value: Cow<'b, [u8]>) -> Self {
        let (name, extended) = name.strip_suffix(b"*").map_or((name, false), |name| (name, true));
        if let Some(star) = memchr::memchr(b'*', name)
            && let Some(number) = name.get(star + 1..).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        {
            return Self { name: name.get(..star).unwrap_or_default(), piece: Some(number), extended, value };
        }
        Self { name, piece: None, extended, value }
    }
}

impl MediaType {
    /// Reads `text/html`; none when it is no type.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let (kind, subtype) = text.split_once('/')?;
        let is_token = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
        (is_token(kind) && is_token(subtype)).then(|| Self::new(kind, subtype))
    }

    /// A media type of two texts in any case.
    pub(super) fn new(kind: &str, subtype: &str) -> Self {
        Self { kind: kind.to_ascii_lowercase().into(), subtype: subtype.to_ascii_lowercase().into() }
    }
}

/// The charset that a `Content-Type` names.
pub(super) fn charset_of(content_type: &[u8]) -> Option<String> {
    Parameterized::parse(content_type).texts("charset", &mut Defects::default()).into_iter().next()
}

/// RFC 2045 §5.1: a token holds no blanks, controls or specials.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

fn skip_blanks(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_start()
}

/// Past blanks, semicolons and comments.
fn skip_separators(mut bytes: &[u8]) -> &[u8] {
    loop {
        match bytes {
            [b'(', ..] => bytes = skip_comment(bytes),
            [b';' | b' ' | b'\t' | b'\r' | b'\n' | b'\x0C' | b'=' | b')', tail @ ..] => bytes = tail,
            _ => return bytes,
        }
    }
}

/// Past a comment; one without an end lasts until the next semicolon.
fn skip_comment(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|b| matches!(b, b')' | b';')).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

/// One value, quoted or not, and what follows it.
fn read_value(bytes: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let Some(quoted) = bytes.strip_prefix(b"\"") else {
        let (value, tail) = bytes.split_at(end_of_bare_value(bytes));
        return (Cow::Borrowed(value.trim_ascii_end()), tail);
    };
    match quoted.iter().position(|b| matches!(b, b'"' | b'\\')) {
        None => (Cow::Borrowed(quoted.trim_ascii_end()), &[]),
        Some(end) if quoted.get(end) == Some(&b'"') => {
            let (value, tail) = quoted.split_at(end);
            (Cow::Borrowed(value), tail.get(1..).unwrap_or_default())
        }
        Some(first_escape) => {
            let (plain, mut rest) = quoted.split_at(first_escape);
            let mut value = plain.to_vec();
            loop {
                match rest {
                    [] | [b'\\'] => return (Cow::Owned(value), &[]),
                    [b'"', tail @ ..] => return (Cow::Owned(value), tail),
                    [b'\\', byte, tail @ ..] => {
                        // `name="C:\file"` holds no escape, whoever wrote it.
                        if !matches!(byte, b'"' | b'\\') {
                            value.push(b'\\');
                        }
                        value.push(*byte);
                        rest = tail;
                    }
                    [byte, tail @ ..] => {
                        value.push(*byte);
                        rest = tail;
                    }
                }
            }
        }
    }
}

/// Where a value without quotes ends: at a semicolon, a comment, or the next parameter.
///
/// By the standard it ends at a blank; file names without quotes hold blanks in life.
fn end_of_bare_value(bytes: &[u8]) -> usize {
    let mut blank: Option<usize> = None;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b';' => return at,
            b'(' if blank.is_some_and(|blank| blank + 1 == at) => return at,
            b'=' if blank.is_some() => return blank.unwrap_or(at),
            byte if is_blank(*byte) => blank = Some(at),
            _ => {}
        }
    }
    bytes.len()
}

/// `charset'language'text` with percent escapes, as UTF-8 (RFC 2231 §4).
fn decode_extended(value: &[u8]) -> Vec<u8> {
    let mut sections = value.splitn(3, |b| *b == b'\'');
    match (sections.next(), sections.next(), sections.next()) {
        (Some(label), Some(_), Some(text)) => to_utf8(&unescape(text), label),
        _ => unescape(value),
    }
}

/// The pieces joined; the first names the charset of all extended ones.
fn join(pieces: &[&Parameter<'_>]) -> Vec<u8> {
    let mut label: &[u8] = b"";
    let mut joined = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let mut value = piece.value.as_ref();
        if piece.extended {
            let mut sections = value.splitn(3, |b| *b == b'\'');
            if index == 0
                && let (Some(first), Some(_), Some(text)) = (sections.next(), sections.next(), sections.next())
            {
                (label, value) = (first, text);
            }
            joined.extend_from_slice(&unescape(value));
        } else {
            joined.extend_from_slice(value);
        }
    }
    to_utf8(&joined, label)
}

fn to_utf8(bytes: &[u8], label: &[u8]) -> Vec<u8> {
    let encoding = std::str::from_utf8(label).ok().and_then(charset::find);
    match encoding {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned().into_bytes(),
        None => value::lossy(bytes).into_owned().into_bytes(),
    }
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match transfer::hex_pair(tail).filter(|_| *byte == b'%') {
            Some(value) => {
                bytes.push(value);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => bytes.push(*byte),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_in_every_form() {
        let cases: &[(&str, &[&str], &[Defect])] = &[
            ("a; name=x.pdf", &["x.pdf"], &[]),
            ("a; NAME = \"x y.pdf\" ; b=c", &["x y.pdf"], &[]),
            ("a; name=\"x\\\"y\\\\z\"", &["x\"y\\z"], &[]),
            ("a; name=\"C:\\file\"", &["C:\\file"], &[]),
            ("a; name=\"no end", &["no end"], &[]),
            ("a; name=my file.pdf; b=c", &["my file.pdf"], &[]),
            ("a; name=x.pdf charset=utf-8", &["x.pdf"], &[]),
            ("a; name=x.pdf (a comment)", &["x.pdf"], &[]),
            ("a (;b) ; (c) name=x", &["x"], &[]),
            ("a name=x", &["x"], &[]),
            ("a; name", &[], &[]),
            ("a; name=", &[""], &[]),
            ("a; name=\"=?utf-8?q?=C3=BC?=\"", &["ü"], &[]),
            ("a; name=ü", &["ü"], &[]),
            ("a; name=x; name=x", &["x"], &[]),
            ("a; name=x; name=y", &["x", "y"], &[Defect::DuplicateParameter]),
            // RFC 2231 §3 and §4.
            ("a; name*0=x; name*1=y", &["xy"], &[]),
            ("a; name*1=y; name*0=x", &["xy"], &[]),
            ("a; name*=iso-8859-1'de'%FC%27", &["ü'"], &[]),
            ("a; name*0*=utf-8''%C3; name*1*=%BC; name*2=%20", &["ü%20"], &[]),
            ("a; name*=broken%2", &["broken%2"], &[]),
            ("a; name*0=x; name*2=y", &["xy"], &[Defect::ParameterGap]),
            ("a; name*1=x", &["x"], &[Defect::ParameterGap]),
            ("a; name*=utf-8''%C3%BC; name=\"=?utf-8?b?w7w=?=\"", &["ü"], &[]),
            ("a; name=x.txt; name*=utf-8''x.exe", &["x.exe", "x.txt"], &[Defect::ParameterForms]),
        ];
        for (raw, values, faults) in cases {
            let mut defects = Defects::default();
            let got = Parameterized::parse(raw.as_bytes()).texts("name", &mut defects);
            let got: Vec<_> = got.iter().map(String::as_str).collect();
            assert_eq!(got, *values, "{raw}");
            assert_eq!(defects.iter().collect::<Vec<_>>(), *faults, "{raw}");
        }
    }

    #[test]
    fn media_types() {
        for (raw, expected) in [
            ("text/plain", Some(("text", "plain"))),
            (" TEXT/Html;x=y", Some(("text", "html"))),
            ("text/plain(comment)", Some(("text", "plain"))),
            ("text", None),
            ("text/", None),
            ("/plain", None),
            ("te xt/plain", None),
            ("text/pl@in", None),
            ("", None),
        ] {
            let media = MediaType::parse(Parameterized::parse(raw.as_bytes()).value);
            let media = media.as_ref().map(|media| (&*media.kind, &*media.subtype));
            assert_eq!(media, expected, "{raw}");
        }
    }
}
