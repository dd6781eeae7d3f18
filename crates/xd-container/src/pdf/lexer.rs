//! Objects of PDF (ISO 32000-2 §7.2 and §7.3), read as readers read them: what is out of place is passed over.

/// Arrays and dictionaries within one another.
pub(super) const MAX_DEPTH: usize = 32;
/// Values in one object; a page tree of a thousand pages has a thousand.
const MAX_ITEMS: usize = 50_000;
/// The longest string or name that is kept, in bytes.
const MAX_STRING: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    Array(Vec<Self>),
    Dictionary(Dictionary),
    Name(String),
    /// Anything else, too.
    Null,
    Number(i64),
    Reference(u32),
    Text(Vec<u8>),
}

/// Keys and values in the order of the file. A key may stand twice; readers differ on which counts, so all are looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Dictionary(Vec<(String, Object)>);

impl Dictionary {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Object)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The last value of a key, as most readers take it.
    pub(super) fn value(&self, key: &str) -> Option<&Object> {
        self.0.iter().rev().find(|(one, _)| one == key).map(|(_, value)| value)
    }

    pub(super) fn name(&self, key: &str) -> Option<&str> {
        match self.value(key)? {
            Object::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn number(&self, key: &str) -> Option<i64> {
        match self.value(key)? {
            Object::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// What stands at a place.
enum Token {
    Object(Object),
    ArrayEnd,
    DictionaryEnd,
    /// A word that ends an object: `endobj`, `stream`, the `obj` of another.
    End,
    /// A word without meaning here.
    Word,
}

/// Reads objects one after the other.
pub(super) struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    items: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()), items: 0 }
    }

    /// Where the next byte stands.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn has_more(&mut self) -> bool {
        self.skip_blanks();
        self.at < self.bytes.len()
    }

    /// The next object; null where something else stands.
    pub(super) fn object(&mut self) -> Object {
        self.items = 0;
        loop {
            match self.token(0) {
                Some(Token::Object(object)) => return object,
                Some(Token::Word | Token::ArrayEnd | Token::DictionaryEnd) => {}
                Some(Token::End) | None => return Object::Null,
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(b) = self.peek(0) {
            if is_blank(b) {
                self.at += 1;
            } else if b == b'%' {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            } else {
                break;
            }
        }
    }

    fn token(&mut self, depth: usize) -> Option<Token> {
        self.skip_blanks();
        self.items += 1;
        if self.items > MAX_ITEMS {
            return None;
        }
        let object = match (self.peek(0)?, self.peek(1)) {
            (b'/', _) => {
                self.at += 1;
                Object::Name(self.name())
            }
            (b'(', _) => Object::Text(self.string()),
            (b'<', Some(b'<')) => {
                self.at += 2;
                self.dictionary(depth)
            }
            (b'<', _) => Object::Text(self.hex_string()),
            (b'>', Some(b'>')) => {
                self.at += 2;
                return Some(Token::DictionaryEnd);
            }
            (b'[', _) => {
                self.at += 1;
                self.array(depth)
            }
            (b']', _) => {
                self.at += 1;
                return Some(Token::ArrayEnd);
            }
            (b'0'..=b'9' | b'+' | b'-' | b'.', _) => self.number(),
            (b')' | b'>' | b'{' | b'}', _) => {
                self.at += 1;
                return Some(Token::Word);
            }
            _ => return Some(self.word()),
        };
        Some(Token::Object(object))
    }

    fn word(&mut self) -> Token {
        let start = self.at;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest.iter().position(|b| is_blank(*b) || is_delimiter(*b)).unwrap_or(rest.len()).max(1);
        match rest.get(..length).unwrap_or_default() {
            // These are left for whoever asked.
            b"stream" | b"endobj" | b"endstream" | b"xref" | b"startxref" | b"trailer" | b"obj" => Token::End,
            b"true" | b"false" | b"null" => {
                self.at += length;
                Token::Object(Object::Null)
            }
            // The line end behind `stream` may be missing.
            word if word.starts_with(b"stream") => Token::End,
            _ => {
                self.at += length;
                Token::Word
            }
        }
    }

    /// A name behind its slash, with `#xx` as the bytes they stand for.
    fn name(&mut self) -> String {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|b| is_blank(*b) || is_delimiter(*b)).unwrap_or(rest.len());
        self.at += length;
        let raw = rest.get(..length.min(MAX_STRING)).unwrap_or_default();
        if !raw.contains(&b'#') {
            return String::from_utf8_lossy(raw).into_owned();
        }
        let mut name = Vec::with_capacity(raw.len());
        let mut at = 0;
        while let Some(&b) = raw.get(at) {
            let pair = raw.get(at + 1).copied().and_then(hex).zip(raw.get(at + 2).copied().and_then(hex));
            match pair {
                Some((high, low)) if b == b'#' => {
                    name.push(high << 4 | low);
                    at += 3;
                }
                _ => {
                    name.push(b);
                    at += 1;
                }
            }
        }
        String::from_utf8_lossy(&name).into_owned()
    }

    /// A number, or the reference that begins with it: `12 0 R`.
    fn number(&mut self) -> Object {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|b| !matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.')).unwrap_or(rest.len());
        let text = std::str::from_utf8(rest.get(..length).unwrap_or_default()).unwrap_or_default();
        let number = text.split('.').next().unwrap_or_default().parse().unwrap_or(0);
        self.at += length;
        let reference = self.bytes.get(self.at..).and_then(|rest| rest.get(..rest.len().min(24))).and_then(|behind| {
            let blanks = behind.iter().take_while(|b| is_blank(**b)).count();
            let digits = behind.get(blanks..)?.iter().take_while(|b| b.is_ascii_digit()).count();
            let more = behind.get(blanks + digits..)?.iter().take_while(|b| is_blank(**b)).count();
            let end = blanks + digits + more;
            let is_reference = blanks > 0
                && digits > 0
                && more > 0
                && behind.get(end) == Some(&b'R')
                && behind.get(end + 1).is_none_or(|b| is_blank(*b) || is_delimiter(*b));
            is_reference.then_some(end + 1)
        });
        match (reference, u32::try_from(number)) {
            (Some(length), Ok(number)) if !text.contains(['.', '+', '-']) => {
                self.at += length;
                Object::Reference(number)
            }
            _ => Object::Number(number),
        }
    }

    fn string(&mut self) -> Vec<u8> {
        self.at += 1;
        let (mut text, mut depth) = (Vec::new(), 1_usize);
        while let Some(b) = self.peek(0) {
            self.at += 1;
            let byte = match b {
                b'(' => {
                    depth += 1;
                    b
                }
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                    b
                }
                b'\\' => {
                    let Some(escaped) = self.peek(0) else { break };
                    self.at += 1;
                    match escaped {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'b' => 8,
                        b'f' => 12,
                        b'0'..=b'7' => {
                            let mut code = u16::from(escaped - b'0');
                            for _ in 0..2 {
                                let Some(digit @ b'0'..=b'7') = self.peek(0) else { break };
                                code = code << 3 | u16::from(digit - b'0');
                                self.at += 1;
                            }
                            code.to_le_bytes()[0]
                        }
                        b'\r' => {
                            self.at += usize::from(self.peek(0) == Some(b'\n'));
                            continue;
                        }
                        b'\n' => continue,
                        other => other,
                    }
                }
                b => b,
            };
            text.push(byte);
            if text.len() >= MAX_STRING {
                break;
            }
        }
        text
    }

    fn hex_string(&mut self) -> Vec<u8> {
        self.at += 1;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let rest = rest.get(..2 * MAX_STRING).unwrap_or(rest);
        let length = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        self.at += (length + 1).min(rest.len());
        let mut digits = rest.get(..length).unwrap_or_default().iter().copied().filter_map(hex);
        let mut text = Vec::new();
        while let Some(high) = digits.next() {
            text.push(high << 4 | digits.next().unwrap_or(0));
        }
        text
    }

    fn array(&mut self, depth: usize) -> Object {
        let mut items = Vec::new();
        if depth < MAX_DEPTH {
            loop {
                match self.token(depth + 1) {
                    Some(Token::Object(object)) => items.push(object),
                    // A dictionary that ends here ends the array, too, and is missed by whoever opened it; files do that.
                    Some(Token::ArrayEnd | Token::End) | None => break,
                    Some(Token::DictionaryEnd | Token::Word) => {}
                }
            }
        }
        Object::Array(items)
    }

    fn dictionary(&mut self, depth: usize) -> Object {
        let mut entries = Vec::new();
        let mut key: Option<String> = None;
        if depth < MAX_DEPTH {
            loop {
                match (self.token(depth + 1), key.take()) {
                    (Some(Token::Object(Object::Name(name))), None) => key = Some(name),
                    (Some(Token::Object(value)), Some(name)) => entries.push((name, value)),
                    (Some(Token::Word | Token::ArrayEnd), held) => key = held,
                    (Some(Token::Object(_)), None) => {}
                    (Some(Token::DictionaryEnd | Token::End) | None, _) => break,
                }
            }
        }
        Object::Dictionary(Dictionary(entries))
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex(b: u8) -> Option<u8> {
    char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Blanks of PDF: NUL is one, the vertical tab is none.
pub(super) fn is_blank(b: u8) -> bool {
    matches!(b, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_delimiter(b: u8) -> bool {
    matches!(b, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Object {
        Parser::new(text, 0).object()
    }

    #[test]
    fn values_of_every_kind() {
        let object = parse(b"<< /A#42 (a\\)\\101\\\n(b)) /C [1 -2.5 3 0 R true] /D <4 1 4> % note\n/E <</F/G>> /H 7 >> endobj");
        let Object::Dictionary(dictionary) = object else { panic!("a dictionary") };
        assert_eq!(dictionary.value("AB"), Some(&Object::Text(b"a)A(b)".to_vec())));
        let items = vec![Object::Number(1), Object::Number(-2), Object::Reference(3), Object::Null];
        assert_eq!(dictionary.value("C"), Some(&Object::Array(items)));
        assert_eq!(dictionary.value("D"), Some(&Object::Text(b"A@".to_vec())));
        assert_eq!(dictionary.number("H"), Some(7));
        assert!(matches!(dictionary.value("E"), Some(Object::Dictionary(inner)) if inner.name("F") == Some("G")));
    }

    #[test]
    fn what_is_broken_ends() {
        let deep = b"[".repeat(100_000);
        assert!(matches!(parse(&deep), Object::Array(_)));
        let many = b"[".iter().copied().chain(b"0 ".repeat(MAX_ITEMS * 2)).collect::<Vec<_>>();
        assert!(matches!(parse(&many), Object::Array(items) if items.len() < MAX_ITEMS));
        for text in [&b"<<"[..], b"<< /A", b"(", b"(\\", b"<4", b"/", b"", b"%", b"<< /A endobj", b"1 0", b"]", b">>"] {
            let mut parser = Parser::new(text, 0);
            let _ = parser.object();
            assert!(parser.at() <= text.len());
        }
        assert_eq!(parse(b"<< /A 1 endobj /B 2 >>"), parse(b"<< /A 1 >>"));
    }
}
