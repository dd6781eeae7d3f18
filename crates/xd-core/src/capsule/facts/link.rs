//! Links in bytes. What the text of a link gives by itself – its scheme, its host – is not written again.

use std::net::IpAddr;

use crate::capsule::wire::{DecodeError, Reader, Wire, Writer};
use crate::{Domain, Host, Link, LinkOrigin, LinkTrick, LinkTricks};

/// Where links stand, by number; new ones go to the end.
const ORIGINS: [LinkOrigin; 6] =
    [LinkOrigin::Anchor, LinkOrigin::Text, LinkOrigin::Image, LinkOrigin::Resource, LinkOrigin::Form, LinkOrigin::File];

/// Tricks, by bit; new ones go to the end.
const TRICKS: [LinkTrick; 10] = [
    LinkTrick::Defanged,
    LinkTrick::Userinfo,
    LinkTrick::NumericHost,
    LinkTrick::EscapedHost,
    LinkTrick::International,
    LinkTrick::Confusable,
    LinkTrick::InnerBlank,
    LinkTrick::Backslash,
    LinkTrick::Port,
    LinkTrick::Redirect,
];

/// How a piece of a link is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Piece {
    None = 0,
    /// It follows from what is written elsewhere.
    Given = 1,
    Written = 2,
}

impl Piece {
    fn of<T: PartialEq>(value: Option<&T>, given: Option<&T>) -> Self {
        match value {
            None => Self::None,
            value if value == given => Self::Given,
            Some(_) => Self::Written,
        }
    }

    fn read(bits: u64, at: usize) -> Result<Self, DecodeError> {
        match bits & 3 {
            0 => Ok(Self::None),
            1 => Ok(Self::Given),
            2 => Ok(Self::Written),
            _ => Reader::wrong(at, "there is no such piece of a link"),
        }
    }
}

/// The scheme that the text of a link begins with.
fn scheme_of(url: &str) -> &str {
    url.split_once(':').map_or("", |(scheme, _)| scheme)
}

/// The host that the text of a link names, in the plain form that nearly all have.
fn host_of(url: &str) -> Option<Host> {
    let (_, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest.get(..end)?;
    match host.parse::<IpAddr>() {
        Ok(address) => Some(Host::Address(address)),
        Err(_) => Domain::parse(host).ok().filter(|domain| domain.as_str() == host).map(Host::Domain),
    }
}

impl Wire for Link {
    fn write(&self, out: &mut Writer) {
        let Self { origin, url, scheme, host, inner_host, shown, shown_host, tricks, hidden } = self;
        let given = host_of(url);
        let pieces = [
            Piece::of(host.as_ref(), given.as_ref()),
            Piece::of(shown.as_ref(), Some(url)),
            Piece::of(shown_host.as_ref(), host.as_ref()),
            Piece::of(inner_host.as_ref(), None),
            if scheme == scheme_of(url) { Piece::Given } else { Piece::Written },
        ];
        let origin = match origin {
            LinkOrigin::Anchor => 0,
            LinkOrigin::Text => 1,
            LinkOrigin::Image => 2,
            LinkOrigin::Resource => 3,
            LinkOrigin::Form => 4,
            LinkOrigin::File => 5_u64,
        };
        let mut bits = pieces.iter().rev().fold(0, |bits, &piece| bits << 2 | piece as u64);
        bits = bits << 3 | origin;
        bits = bits << 1 | u64::from(*hidden);
        bits = bits << 1 | u64::from(!tricks.is_empty());
        out.number(bits);
        out.text(url);
        if !tricks.is_empty() {
            let set = TRICKS.iter().rev().fold(0, |bits, &trick| bits << 1 | u64::from(tricks.contains(trick)));
            out.number(set);
        }
        let written = |piece: usize| pieces[piece] == Piece::Written;
        if let Some(host) = host.as_ref().filter(|_| written(0)) {
            host.write(out);
        }
        if let Some(shown) = shown.as_ref().filter(|_| written(1)) {
            shown.write(out);
        }
        if let Some(host) = shown_host.as_ref().filter(|_| written(2)) {
            host.write(out);
        }
        if let Some(host) = inner_host {
            host.write(out);
        }
        if written(4) {
            scheme.write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = from.at();
        let bits = from.number()?;
        let (tricky, hidden) = (bits & 1 != 0, bits & 2 != 0);
        let Some(&origin) = ORIGINS.get((bits >> 2 & 7) as usize) else {
            return Reader::wrong(at, "there is no such place of a link");
        };
        let piece = |index: u32| Piece::read(bits >> (5 + 2 * index), at);
        let pieces = [piece(0)?, piece(1)?, piece(2)?, piece(3)?, piece(4)?];
        let url = String::read(from)?;
        let tricks = if tricky { read_tricks(from)? } else { LinkTricks::default() };
        let given = host_of(&url);
        let host = told(pieces[0], given, at, || Host::read(from))?;
        let shown = told(pieces[1], Some(url.clone()), at, || String::read(from))?;
        let shown_host = told(pieces[2], host.clone(), at, || Host::read(from))?;
        let inner_host = told(pieces[3], None, at, || Host::read(from))?;
        let scheme = told(pieces[4], Some(scheme_of(&url).to_owned()), at, || String::read(from))?;
        match scheme {
            Some(scheme) if bits < 1 << 15 => {
                Ok(Self { origin, url, scheme, host, inner_host, shown, shown_host, tricks, hidden })
            }
            _ => Reader::wrong(at, "there is no such link"),
        }
    }
}

/// A piece, from where it is told. One spelling: what is given is not written.
fn told<T: PartialEq>(
    piece: Piece,
    given: Option<T>,
    at: usize,
    read: impl FnOnce() -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    match (piece, given) {
        (Piece::None, _) => Ok(None),
        (Piece::Given, Some(given)) => Ok(Some(given)),
        (Piece::Given, None) => Reader::wrong(at, "a link does not give what it should"),
        (Piece::Written, given) => match read()? {
            value if given.as_ref() == Some(&value) => Reader::wrong(at, "a piece of a link is written twice"),
            value => Ok(Some(value)),
        },
    }
}

fn read_tricks(from: &mut Reader<'_>) -> Result<LinkTricks, DecodeError> {
    let at = from.at();
    let set = from.number()?;
    if set == 0 || set >> TRICKS.len() != 0 {
        return Reader::wrong(at, "there are no such tricks of a link");
    }
    Ok(TRICKS.iter().enumerate().filter(|(bit, _)| set & 1 << bit != 0).map(|(_, &trick)| trick).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Message};

    #[test]
    fn links_come_back() {
        let raw = "Content-Type: text/html\n\n<a href='https://Example.com/x'>https://example.com/x</a> <a href=\"http://b@192.0.2.1:81/?u=http://c.example/\">www.example.net</a>\
            <img src=//i.example/a.png><a href=mailto:a@example.com>x</a><a href='http://[2001:db8::1]/'>http://example.com</a><a href=page.html>p</a>";
        let message = Message::parse(raw.as_bytes(), &Limits::default());
        assert!(message.links().len() >= 6, "{:?}", message.links());
        for link in message.links() {
            let mut out = Writer::default();
            link.write(&mut out);
            assert_eq!(Link::read(&mut Reader::new(&out.bytes)).as_ref(), Ok(link));
        }
    }

    #[test]
    fn every_trick_and_place_has_its_number() {
        assert!(LinkTrick::ALL.iter().all(|trick| TRICKS.contains(trick)));
        let link = |origin| Link {
            origin,
            url: String::new(),
            scheme: String::new(),
            host: None,
            inner_host: None,
            shown: None,
            shown_host: None,
            tricks: LinkTricks::default(),
            hidden: false,
        };
        for origin in ORIGINS {
            let mut out = Writer::default();
            link(origin).write(&mut out);
            assert_eq!(Link::read(&mut Reader::new(&out.bytes)), Ok(link(origin)));
        }
    }
}
