//! Trace fields: what each server wrote about the hop before it (RFC 5321 §4.4).
//!
//! Servers agree on the words of the standard and put what matters most, the address they saw, into comments of their own
//! form. Read here: Postfix, Sendmail, Exim, qmail, Exchange, Gmail and those that write alike.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use super::{Field, Header, date, value};
use crate::{Defect, Defects, Domain, Host, Limits, Timestamp};

/// One `Received` field.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hop {
    /// What the client called itself (EHLO).
    pub ehlo: Option<Host>,
    /// The address the server saw.
    pub client_address: Option<IpAddr>,
    /// The reverse name the server found for the address; servers write `unknown` when they found none or could not
    /// tell, which is none here.
    pub reverse_name: Option<Host>,
    /// The server that wrote the field.
    pub by: Option<Host>,
    /// The protocol as registered (`ESMTPS`, `LMTP`, …), in upper case.
    pub with: Option<String>,
    /// The TLS version the server noted, if any: `TLSv1.3`.
    pub tls: Option<String>,
    /// The recipient named in the field.
    pub recipient: Option<String>,
    /// When.
    pub date: Option<Timestamp>,
}

/// The trace fields of a message. They are read when someone asks for them: most mail is judged without them, and has many.
pub(super) struct Hops {
    read: OnceLock<Vec<Hop>>,
    /// So many of them, at most.
    limit: usize,
}

impl Hops {
    /// Those of a header section, as many as the limits allow.
    pub(super) fn new(header: &Header<'_>, limits: &Limits, defects: &mut Defects) -> Self {
        if header.all(FIELD).nth(limits.hops).is_some() {
            defects.record(Defect::HopLimit);
        }
        Self { read: OnceLock::new(), limit: limits.hops }
    }

    /// All of them, of the same header section.
    pub(super) fn of(&self, header: &Header<'_>) -> &[Hop] {
        self.read.get_or_init(|| self.fields(header).map(|field| Hop::parse(field.raw_value())).collect())
    }

    /// The newest of them, of the same header section.
    pub(super) fn newest_of(&self, header: &Header<'_>) -> Option<Hop> {
        match self.read.get() {
            Some(read) => read.first().cloned(),
            None => self.fields(header).next().map(|field| Hop::parse(field.raw_value())),
        }
    }

    fn fields<'h, 'a>(&self, header: &'h Header<'a>) -> impl Iterator<Item = &'h Field<'a>> {
        header.all(FIELD).take(self.limit)
    }
}

impl fmt::Debug for Hops {
    /// The same before and after someone asked; what they hold stands in the header section.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hops").field("limit", &self.limit).finish_non_exhaustive()
    }
}

const FIELD: &str = "received";

/// Bytes of a trace field that are read. They stay below 1 KiB.
const MAX_BYTES: usize = 4 << 10;

impl Hop {
    /// Reads the value of a `Received` field. What cannot be read is none.
    pub(super) fn parse(raw: &[u8]) -> Self {
        let text = value::lossy(raw.get(..MAX_BYTES).unwrap_or(raw));
        let (clauses, date) = match memchr::memrchr(b';', text.as_bytes()) {
            Some(end) => text.split_at(end),
            None => (&*text, ""),
        };
        let date = date.strip_prefix(';').and_then(|date| date::read(date.as_bytes())).map(|date| date.moment);
        let mut hop = Self { tls: tls_version(clauses), date, ..Self::default() };
        let mut from = From::default();
        let mut in_from = false;
        let mut tokens = Tokens { rest: clauses };
        while let Some(token) = tokens.next() {
            match token {
                Token::Comment(comment) if in_from => from.comment(comment),
                Token::Comment(_) => {}
                Token::Word(word) => match Keyword::parse(word) {
                    Some(Keyword::From) if !from.named => {
                        in_from = true;
                        from.named = true;
                        from.name = tokens.word().unwrap_or_default();
                    }
                    Some(keyword) => {
                        in_from = false;
                        hop.clause(keyword, &mut tokens);
                    }
                    // `from helo [192.0.2.1]`, without parentheses.
                    None if in_from && from.address.is_none() => from.address = bracketed_address(word),
                    None => {}
                },
            }
        }
        from.finish(&mut hop);
        hop
    }

    fn clause(&mut self, keyword: Keyword, tokens: &mut Tokens<'_>) {
        match keyword {
            Keyword::By if self.by.is_none() => self.by = tokens.word().and_then(host),
            Keyword::For if self.recipient.is_none() => self.recipient = tokens.word().and_then(recipient),
            Keyword::With if self.with.is_none() => {
                let mut word = tokens.word().unwrap_or_default();
                if word.eq_ignore_ascii_case("microsoft") {
                    // `with Microsoft SMTP Server`
                    word = tokens.word().unwrap_or_default();
                }
                let end = word.bytes().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(word.len());
                self.with = word.get(..end).filter(|word| !word.is_empty()).map(str::to_ascii_uppercase);
            }
            Keyword::Id | Keyword::Via => _ = tokens.word(),
            Keyword::By | Keyword::For | Keyword::From | Keyword::With => {}
        }
    }
}

/// A word that begins a clause.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Keyword {
    By,
    For,
    From,
    Id,
    Via,
    With,
}

impl Keyword {
    fn parse(word: &str) -> Option<Self> {
        // Most words are longer.
        if word.len() > 4 {
            return None;
        }
        const KEYWORDS: [(&str, Keyword); 6] = [
            ("by", Keyword::By),
            ("for", Keyword::For),
            ("from", Keyword::From),
            ("id", Keyword::Id),
            ("via", Keyword::Via),
            ("with", Keyword::With),
        ];
        KEYWORDS.iter().find(|(text, _)| text.eq_ignore_ascii_case(word)).map(|&(_, keyword)| keyword)
    }
}

/// A word outside comments, or a comment without its outer parentheses.
#[derive(Clone, Copy, Debug)]
enum Token<'t> {
    Comment(&'t str),
    Word(&'t str),
}

#[derive(Debug)]
struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    fn next(&mut self) -> Option<Token<'t>> {
        let rest = self.rest.trim_ascii_start();
        let first = rest.bytes().next()?;
        if first == b'(' {
            let mut depth = 0_usize;
            for at in memchr::memchr2_iter(b'(', b')', rest.as_bytes()) {
                if rest.as_bytes().get(at) == Some(&b'(') {
                    depth += 1;
                    continue;
                }
                depth -= 1;
                if depth == 0 {
                    self.rest = rest.get(at + 1..).unwrap_or_default();
                    return rest.get(1..at).map(Token::Comment);
                }
            }
            self.rest = "";
            return rest.get(1..).map(Token::Comment);
        }
        let end = rest.bytes().skip(1).position(|b| is_blank(b) || b == b'(').map_or(rest.len(), |end| end + 1);
        let (word, tail) = rest.split_at(end);
        self.rest = tail;
        Some(Token::Word(word))
    }

    /// The next token if it is a word; a comment stays.
    fn word(&mut self) -> Option<&'t str> {
        let before = self.rest;
        match self.next() {
            Some(Token::Word(word)) => Some(word),
            _ => {
                self.rest = before;
                None
            }
        }
    }
}

/// What the `from` clause and its comments say.
#[derive(Debug, Default)]
struct From<'t> {
    named: bool,
    /// The word after `from`: what the client called itself, or, where a comment says that, its reverse name.
    name: &'t str,
    greeting: Option<&'t str>,
    reverse_name: Option<&'t str>,
    address: Option<IpAddr>,
}

impl<'t> From<'t> {
    /// Reads one comment: `rdns [address]`, `HELO name`, `[address] helo=name`, `ident@rdns [address]`, `address`.
    fn comment(&mut self, comment: &'t str) {
        let mut words = words(comment);
        let mut last: Option<&str> = None;
        while let Some(word) = words.next() {
            if let Some(greeting) = value_of(word, &["helo=", "ehlo="]) {
                self.greeting.get_or_insert(greeting);
            } else if word.eq_ignore_ascii_case("helo") || word.eq_ignore_ascii_case("ehlo") {
                // `HELO name`, and `account name HELO name`.
                if let Some(greeting) = words.next() {
                    self.greeting.get_or_insert(greeting);
                }
            } else if self.address.is_none() {
                let host = memchr::memrchr(b'@', word.as_bytes()).and_then(|at| word.get(at + 1..)).unwrap_or(word);
                // `rdns[address]`, without a blank.
                let bracket = host.bytes().position(|byte| byte == b'[').filter(|at| *at > 0);
                let (host, glued) = bracket.map_or((host, ""), |at| host.split_at(at));
                if let Some(address) = bracketed_address(glued) {
                    self.address = Some(address);
                    self.reverse_name = Some(host);
                    last = None;
                } else if let Some(address) = bracketed_address(host).or_else(|| bare_address(host)) {
                    self.address = Some(address);
                    self.reverse_name = last;
                    last = None;
                } else {
                    last = Some(host).filter(|host| !host.is_empty() && !word.contains('='));
                }
            }
        }
    }

    fn finish(self, hop: &mut Hop) {
        let named_address = bracketed_address(self.name).or_else(|| bare_address(self.name));
        hop.client_address = self.address.or(named_address);
        match self.greeting {
            // qmail and Exim: the name is the one they looked up.
            Some(greeting) => {
                hop.ehlo = host(greeting);
                let name = if named_address.is_some() { self.reverse_name } else { Some(self.name) };
                hop.reverse_name = name.and_then(reverse_name);
            }
            None => {
                hop.ehlo = host(self.name);
                hop.reverse_name = self.reverse_name.and_then(reverse_name);
            }
        }
    }
}

/// The words of a comment.
fn words(comment: &str) -> impl Iterator<Item = &str> {
    let parts = |byte: &u8| is_blank(*byte) || matches!(byte, b'(' | b')' | b',' | b'"');
    let mut rest = comment;
    std::iter::from_fn(move || {
        let start = rest.bytes().position(|byte| !parts(&byte))?;
        let from = rest.get(start..)?;
        let (word, after) = from.split_at_checked(from.bytes().position(|byte| parts(&byte)).unwrap_or(from.len()))?;
        rest = after;
        Some(word)
    })
}

/// As [`u8::is_ascii_whitespace`], in fewer steps.
fn is_blank(byte: u8) -> bool {
    byte <= b' ' && byte.is_ascii_whitespace()
}

fn value_of<'t>(word: &'t str, names: &[&str]) -> Option<&'t str> {
    names.iter().find_map(|name| {
        let (start, value) = word.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// `[192.0.2.1]`, `[IPv6:2001:db8::1]`, `[192.0.2.1]:25`.
fn bracketed_address(word: &str) -> Option<IpAddr> {
    let inside = word.strip_prefix('[')?;
    let (inside, _) = inside.split_once(']')?;
    bare_address(value_of(inside, &["ipv6:"]).unwrap_or(inside))
}

/// Also `192.0.2.1:25`, with the port of the client.
fn bare_address(word: &str) -> Option<IpAddr> {
    // Most words are names, and most names begin with another letter.
    if !word.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':') {
        return None;
    }
    let with_port = word.split_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let address = if let Some(address) = with_port.and_then(|(address, _)| address.parse::<Ipv4Addr>().ok()) {
        IpAddr::V4(address)
    } else if word.contains(':') {
        // A scope names an interface of the server.
        IpAddr::V6(word.split('%').next().unwrap_or(word).parse::<Ipv6Addr>().ok()?)
    } else {
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        IpAddr::V4(word.parse::<Ipv4Addr>().ok()?)
    };
    Some(address.to_canonical())
}

fn host(word: &str) -> Option<Host> {
    let word = word.trim_matches(|c| matches!(c, '<' | '>' | '"' | ','));
    if let Some(address) = bracketed_address(word).or_else(|| bare_address(word)) {
        return Some(Host::Address(address));
    }
    Domain::parse(word.trim_matches(|c| matches!(c, '[' | ']'))).ok().map(Host::Domain)
}

fn reverse_name(word: &str) -> Option<Host> {
    let known = !["unknown", "unverified", "nodns", "softdnserr"].iter().any(|none| none.eq_ignore_ascii_case(word));
    if known { host(word).filter(|host| host.domain().is_some()) } else { None }
}

/// `<a@example.com>`, `a@example.com`, `<rfc822;a@example.com>`.
fn recipient(word: &str) -> Option<String> {
    let word = word.trim_matches(|c| matches!(c, '<' | '>' | ',' | '"'));
    let address = word.rsplit_once(';').map_or(word, |(_, address)| address);
    address.contains('@').then(|| address.to_owned())
}

fn version(name: &str, number: &[u8]) -> String {
    let mut version = String::with_capacity(8);
    version.push_str(name);
    version.push('v');
    version.extend(number.iter().copied().map(char::from));
    version
}

/// The first TLS or SSL version, in one spelling: `TLSv1.2`, `TLS1_2` and `TLS1.2` are the same.
fn tls_version(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    // Of the letters in both names the rarest.
    for at in memchr::memchr_iter(b'L', bytes) {
        let (name, rest) = match bytes.split_at(at) {
            ([.., b'T'], [b'L', b'S', rest @ ..]) => ("TLS", rest),
            ([.., b'S', b'S'], [b'L', rest @ ..]) => ("SSL", rest),
            _ => continue,
        };
        match rest.strip_prefix(b"v").unwrap_or(rest) {
            [major @ b'1'..=b'9', b'.' | b'_', minor @ b'0'..=b'9', ..] => {
                return Some(version(name, &[*major, b'.', *minor]));
            }
            [major @ b'1'..=b'9', ..] => return Some(version(name, &[*major])),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hop as `ehlo|address|reverse name|by|with|tls|recipient`.
    fn summary(raw: &str) -> String {
        let hop = Hop::parse(raw.as_bytes());
        let none = || "-".to_owned();
        let host = |host: &Option<Host>| host.as_ref().map_or_else(none, ToString::to_string);
        let text = |text: &Option<String>| text.clone().unwrap_or_else(none);
        let address = hop.client_address.map_or_else(none, |address| address.to_string());
        let parts = [
            host(&hop.ehlo),
            address,
            host(&hop.reverse_name),
            host(&hop.by),
            text(&hop.with),
            text(&hop.tls),
            text(&hop.recipient),
        ];
        parts.join("|")
    }

    #[test]
    fn forms_of_servers() {
        let cases = [
            // Postfix.
            (
                "from mail.example.org (mail.example.org [192.0.2.1])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 \
                 (256/256 bits)\r\n\t key-exchange X25519)\r\n\t(No client certificate requested)\r\n\tby mx.example.com (Postfix) \
                 with ESMTPS id 4XyZ\r\n\tfor <a@example.com>; Mon, 1 Jan 2024 00:00:00 +0000 (UTC)",
                "mail.example.org|192.0.2.1|mail.example.org|mx.example.com|ESMTPS|TLSv1.3|a@example.com",
            ),
            (
                "from friend (unknown [IPv6:2001:db8::1]) by mx.example.com (Postfix) with SMTP id 1",
                "friend|2001:db8::1|-|mx.example.com|SMTP|-|-",
            ),
            ("by mx.example.com (Postfix, from userid 500) id 7D45; now", "-|-|-|mx.example.com|-|-|-"),
            // Sendmail.
            (
                "from helo.example (root@rdns.example [192.0.2.1] (may be forged)) by mx.example.com (8.11.6/8.11.6) with ESMTP id g9; x",
                "helo.example|192.0.2.1|rdns.example|mx.example.com|ESMTP|-|-",
            ),
            (
                "from helo.example ([192.0.2.1]) by mx.example.com (8.9) with ESMTP id 1",
                "helo.example|192.0.2.1|-|mx.example.com|ESMTP|-|-",
            ),
            (
                "from helo.example(rdns.example[192.0.2.1]) by mx.example.com (IBM OS/400) with TCP",
                "helo.example|192.0.2.1|rdns.example|mx.example.com|TCP|-|-",
            ),
            // Exim.
            (
                "from rdns.example ([192.0.2.1]:4242 helo=helo.example) by mx.example.com with esmtps (TLS1.2:ECDHE:256) (Exim 4.9) \
                 (envelope-from <b@x>) id 1 for a@example.com; y",
                "helo.example|192.0.2.1|rdns.example|mx.example.com|ESMTPS|TLSv1.2|a@example.com",
            ),
            (
                "from [192.0.2.1] (helo=helo.example) by mx.example.com with esmtp id 1",
                "helo.example|192.0.2.1|-|mx.example.com|ESMTP|-|-",
            ),
            ("from [192.0.2.1] (port=4242 helo=[10.0.0.1])\n by mx.example.com", "10.0.0.1|192.0.2.1|-|mx.example.com|-|-|-"),
            ("from ([192.0.2.1:4242] helo=helo.example) by mx.example.com", "helo.example|192.0.2.1|-|mx.example.com|-|-|-"),
            ("from helo.example (192.0.2.1:4242) by mx.example.com", "helo.example|192.0.2.1|-|mx.example.com|-|-|-"),
            (
                "from [192.0.2.1] (account a@example.com HELO [10.0.0.1]) by mx.example.com",
                "10.0.0.1|192.0.2.1|-|mx.example.com|-|-|-",
            ),
            // qmail.
            (
                "from unknown (HELO helo.example) (192.0.2.1)\n by mx.example.com with SMTP; 1 Jan 2024 00:00:00 -0000",
                "helo.example|192.0.2.1|-|mx.example.com|SMTP|-|-",
            ),
            (
                "from rdns.example (HELO helo.example) (user@192.0.2.1) by mx.example.com with SMTP",
                "helo.example|192.0.2.1|rdns.example|mx.example.com|SMTP|-|-",
            ),
            ("(qmail 1234 invoked from network); 1 Jan 2024 00:00:00 -0000", "-|-|-|-|-|-|-"),
            // Exchange.
            (
                "from A.prod.outlook.com (2603:10b6:510:1d0::13) by B.prod.outlook.com (2603:10b6:930::20) with Microsoft SMTP \
                 Server (version=TLS1_2, cipher=TLS_ECDHE) id 15.20; Mon",
                "a.prod.outlook.com|2603:10b6:510:1d0::13|-|b.prod.outlook.com|SMTP|TLSv1.2|-",
            ),
            (
                "from A.prod.outlook.com ([fe80::1]) by A.prod.outlook.com ([fe80::1%4]) with mapi id 15.20",
                "a.prod.outlook.com|fe80::1|-|a.prod.outlook.com|MAPI|-|-",
            ),
            // Gmail.
            (
                "from mail.example.org (mail.example.org. [192.0.2.1])\n by mx.google.com with ESMTPS id x.53 for <a@example.com> \
                 (version=TLS1_3 cipher=TLS_AES bits=256/256); Fri",
                "mail.example.org|192.0.2.1|mail.example.org|mx.google.com|ESMTPS|TLSv1.3|a@example.com",
            ),
            ("by 2002:a05:6512:6d4:: with SMTP id u20; Fri", "-|-|-|[2002:a05:6512:6d4::]|SMTP|-|-"),
            // ZMailer.
            (
                "from helo.example ([192.0.2.1]:39454 \"EHLO\n\thelo.example\" rhost-flags-OK) by mx.example.com with ESMTP\n\tid S1 \
                 (ORCPT <rfc822;a@example.com>); x",
                "helo.example|192.0.2.1|helo.example|mx.example.com|ESMTP|-|-",
            ),
            // Nothing.
            ("", "-|-|-|-|-|-|-"),
            ("from", "-|-|-|-|-|-|-"),
            ("from (((((", "-|-|-|-|-|-|-"),
            ("hello there", "-|-|-|-|-|-|-"),
        ];
        for (raw, expected) in cases {
            assert_eq!(summary(raw), expected, "{raw}");
        }
    }

    #[test]
    fn the_date_follows_the_last_semicolon() {
        let date = |raw: &str| Hop::parse(raw.as_bytes()).date.map(Timestamp::unix);
        assert_eq!(date("by a; b; Mon, 1 Jan 2024 00:00:00 +0000"), Some(1_704_067_200));
        assert_eq!(date("by a; soon"), None);
        assert_eq!(date("by a"), None);
    }
}
