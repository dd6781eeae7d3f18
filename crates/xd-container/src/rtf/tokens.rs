//! RTF cut into tokens, as Word 2003's specification (RTF 1.9.1) has them. Every input gives tokens: what fits nothing is text.

use crate::bytes::Bytes;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// `\word` and its number.
    Word(&'a [u8], Option<i32>),
    /// `\*` and other signs behind a backslash.
    Symbol(u8),
    /// `\'hh`.
    Hex(u8),
    /// What `\bin` announced.
    Binary(&'a [u8]),
    /// Bytes that mean themselves; ends of lines mean nothing.
    Text(&'a [u8]),
}

#[derive(Debug)]
pub(super) struct Tokens<'a> {
    bytes: Bytes<'a>,
    /// Bytes behind `\bin` that come next.
    binary: Option<usize>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: Bytes::new(bytes), binary: None }
    }

    fn word(&mut self) -> Token<'a> {
        let rest = self.bytes.rest();
        // Word reads names of 32 letters and numbers of 10 digits at most.
        let letters = rest.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let name = self.bytes.take(letters).unwrap_or_default();
        let rest = self.bytes.rest();
        let is_negative = rest.first() == Some(&b'-') && rest.get(1).is_some_and(u8::is_ascii_digit);
        let digits = rest.iter().skip(usize::from(is_negative)).take(10).take_while(|byte| byte.is_ascii_digit()).count();
        let digits = self.bytes.take(usize::from(is_negative) + digits).unwrap_or_default();
        let number = digits.iter().filter(|byte| byte.is_ascii_digit());
        let number = number.fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'));
        let number = i32::try_from(if is_negative { -number } else { number }).unwrap_or(i32::MAX);
        if self.bytes.rest().first() == Some(&b' ') {
            let _ = self.bytes.u8();
        }
        if name == b"bin" {
            self.binary = usize::try_from(number).ok();
        }
        Token::Word(name, (!digits.is_empty()).then_some(number))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if let Some(length) = self.binary.take() {
            let length = length.min(self.bytes.rest().len());
            return self.bytes.take(length).map(Token::Binary);
        }
        let rest = self.bytes.rest();
        let length = memchr::memchr3(b'{', b'}', b'\\', rest).unwrap_or(rest.len());
        if length > 0 {
            return self.bytes.take(length).map(Token::Text);
        }
        Some(match self.bytes.u8()? {
            b'{' => Token::Open,
            b'}' => Token::Close,
            _ => match self.bytes.rest().first() {
                Some(letter) if letter.is_ascii_alphabetic() => self.word(),
                Some(b'\'') => {
                    let digit = |byte: u8| char::from(byte).to_digit(16);
                    let digits = self.bytes.rest().get(1..3).and_then(|hex| match hex {
                        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
                        _ => None,
                    });
                    let _ = self.bytes.take(if digits.is_some() { 3 } else { 1 });
                    digits.map_or(Token::Symbol(b'\''), Token::Hex)
                }
                Some(symbol) => {
                    let _ = self.bytes.u8();
                    Token::Symbol(*symbol)
                }
                None => Token::Text(b"\\"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        let tokens: Vec<_> = Tokens::new(b"{\\rtf1\\u-10 ab\\'e4\\*\\bin3 }{\\x\\~}\\").collect();
        let expected = [
            Token::Open,
            Token::Word(b"rtf", Some(1)),
            Token::Word(b"u", Some(-10)),
            Token::Text(b"ab"),
            Token::Hex(0xE4),
            Token::Symbol(b'*'),
            Token::Word(b"bin", Some(3)),
            Token::Binary(b"}{\\"),
            Token::Text(b"x"),
            Token::Symbol(b'~'),
            Token::Close,
            Token::Text(b"\\"),
        ];
        assert_eq!(tokens, expected);
    }
}
