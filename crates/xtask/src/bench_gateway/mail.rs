//! Mail that looks like what people send: no two alike, the same in every run.
//!
//! Each has the fields of its journey, a text and its HTML with links; what is larger than such a letter is a base64 attachment. Fixed text
//! would measure caches.

use std::fmt::Write as _;

/// Contents of one size, with their final dots, to be sent one after another.
pub(super) struct Mail(Vec<Vec<u8>>);

/// Different contents; each one sent gets a `Message-ID` of its own besides.
const DIFFERENT: usize = 256;
/// Bytes in memory of all contents of one size.
const MEMORY: usize = 64 << 20;
/// Up to here a letter is text; beyond, it has an attachment.
const TEXT_MAX: usize = 48 << 10;

impl Mail {
    pub(super) fn new(bytes: usize) -> Self {
        let different = DIFFERENT.min(MEMORY / bytes).max(1);
        Self((0..different).map(|number| Letter::new(number as u64).write(bytes)).collect())
    }

    pub(super) fn content(&self, number: usize) -> &[u8] {
        &self.0[number % self.0.len()]
    }
}

/// A letter being written.
struct Letter {
    random: u64,
    text: String,
}

impl Letter {
    fn new(number: u64) -> Self {
        Self { random: (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15), text: String::new() }
    }

    fn write(mut self, bytes: usize) -> Vec<u8> {
        let (person, colleague, day) = (self.name(), self.name(), 1 + self.below(28));
        let (host, boundary, key) = (self.word(), self.letters(24), self.letters(300));
        let subject = format!("{} {} {}", self.capital(), self.word(), self.word());
        let _ = write!(
            self.text,
            "Received: from {host}.example.org ({host}.example.org [192.0.2.{day}])\r\n\tby mx.example.org with ESMTPS id {id}\r\n\t\
             for <b@example.com>; {date}\r\nDKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s={host};\r\n\t\
             h=from:to:subject:date; bh={hash}=;\r\n\tb={key}==\r\nFrom: {from} {family} <{mailbox}@example.org>\r\n\
             To: {to} <b@example.com>\r\nSubject: {subject}\r\nDate: {date}\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n\
             Content-Type: multipart/alternative; boundary=\"{boundary}-a\"\r\n\r\n--{boundary}-a\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
            id = &key[..10],
            date = format_args!("Tue, {day:02} Jan 2030 08:{day:02}:{day:02} +0000"),
            hash = &key[..43],
            from = person,
            family = self.word_at(day),
            mailbox = person.to_lowercase(),
            to = colleague,
        );
        let letter = bytes.min(TEXT_MAX);
        let half = self.text.len() + letter.saturating_sub(self.text.len() + 300) * 2 / 5;
        let _ = write!(self.text, "Hello {colleague},\r\n\r\n");
        self.paragraphs(half, "", "\r\n\r\n");
        let _ = write!(
            self.text,
            "Best regards\r\n{person}\r\n\r\n--{boundary}-a\r\nContent-Type: text/html; charset=utf-8\r\n\
             Content-Transfer-Encoding: 8bit\r\n\r\n<html><body><p>Hello {colleague},</p>\r\n"
        );
        self.paragraphs(letter.saturating_sub(200), "<p>", "</p>\r\n");
        let _ = write!(self.text, "<p>Best regards<br>{person}</p></body></html>\r\n--{boundary}-a--\r\n");
        if bytes > self.text.len() + 1_000 {
            let _ = write!(
                self.text,
                "--{boundary}\r\nContent-Type: application/pdf; name=\"{host}.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\
                 Content-Disposition: attachment; filename=\"{host}.pdf\"\r\n\r\n"
            );
            while self.text.len() + 200 < bytes {
                let line = self.letters(76);
                self.text.push_str(&line);
                self.text.push_str("\r\n");
            }
        }
        let _ = write!(self.text, "--{boundary}--\r\n.\r\n");
        self.text.into_bytes()
    }

    /// Sentences until so many bytes are written; now and then a link.
    fn paragraphs(&mut self, until: usize, begin: &str, end: &str) {
        while self.text.len() < until {
            self.text.push_str(begin);
            for _ in 0..3 {
                let mut sentence = self.capital();
                for _ in 0..5 + self.below(9) {
                    sentence.push(' ');
                    sentence.push_str(self.word());
                }
                sentence.push_str(".\r\n");
                self.text.push_str(&sentence);
            }
            if self.below(3) == 0 {
                let (host, page) = (self.word(), self.word());
                let link = match begin {
                    "" => format!("https://{host}.example.org/{page}\r\n"),
                    _ => format!("<a href=\"https://{host}.example.org/{page}\">{page}</a>\r\n"),
                };
                self.text.push_str(&link);
            }
            self.text.push_str(end);
        }
    }

    /// A number below another, by a linear congruential generator: good enough to tell letters apart.
    fn below(&mut self, limit: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % limit
    }

    fn word(&mut self) -> &'static str {
        let index = self.below(WORDS.len());
        WORDS[index]
    }

    fn word_at(&self, index: usize) -> &'static str {
        WORDS[index % WORDS.len()]
    }

    fn capital(&mut self) -> String {
        let word = self.word();
        word[..1].to_uppercase() + &word[1..]
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.below(NAMES.len())]
    }

    fn letters(&mut self, count: usize) -> String {
        const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..count).map(|_| char::from(LETTERS[self.below(LETTERS.len())])).collect()
    }
}

const NAMES: [&str; 12] =
    ["Alice", "Bruno", "Carla", "David", "Elena", "Farid", "Greta", "Hugo", "Irene", "Jakob", "Katja", "Liam"];
const WORDS: [&str; 64] = [
    "about", "after", "agenda", "always", "answer", "autumn", "before", "between", "bridge", "budget", "button", "change",
    "coffee", "contract", "corner", "country", "design", "document", "evening", "figure", "finally", "garden", "general",
    "harbour", "holiday", "invoice", "kitchen", "language", "letter", "library", "little", "machine", "market", "meeting",
    "morning", "mountain", "needed", "notice", "number", "office", "order", "paper", "people", "picture", "planned", "please",
    "project", "question", "quiet", "report", "river", "schedule", "second", "server", "simple", "station", "summer", "table",
    "together", "travel", "update", "version", "weather", "window",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_their_size_and_differ() {
        for bytes in [4 << 10, 64 << 10, 1 << 20] {
            let mail = Mail::new(bytes);
            for number in [0, 1] {
                let content = mail.content(number);
                assert!(content.len().abs_diff(bytes) < bytes / 10 + 200, "{} of {bytes}", content.len());
                assert!(content.ends_with(b"\r\n.\r\n"));
                assert!(!content[..content.len() - 3].windows(3).any(|window| window == b"\n.\r" || window == b"\n.."));
            }
            assert_ne!(mail.content(0), mail.content(1));
        }
    }
}
