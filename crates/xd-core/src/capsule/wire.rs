//! Numbers, texts and lists as bytes: what encoding and decoding of a capsule are made of.
//!
//! Every value has one spelling. A reader refuses all others, so that what decodes encodes to the same bytes again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Domain, Host, Known, Unknown};

/// Why bytes are no capsule, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("byte {at}: {fault}")]
pub struct DecodeError {
    /// The offset of the byte at which reading stopped.
    pub at: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with the bytes of a capsule.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end in the middle.
    #[error("the capsule ends in the middle")]
    End,
    /// More bytes follow than the capsule has.
    #[error("bytes follow the end of the capsule")]
    Rest,
    /// A newer program wrote it, or it is no capsule.
    #[error("capsules of version {0} are not known")]
    Version(u64),
    /// A newer program wrote it.
    #[error("contributions of a model of version {0} are not known")]
    Model(u64),
    /// A value that does not exist, or is not spelled in the one way that is written.
    #[error("{0}")]
    Value(&'static str),
}

/// Takes bytes.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    /// How many items of lists were announced: as many as a reader will count.
    pub(super) items: usize,
}

/// Gives values from bytes.
#[derive(Debug)]
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    /// How many items of lists were announced.
    items: usize,
}

/// The most items that all lists of a capsule have together, written or read. What is recorded of one message stays far below: 10,000 header
/// fields, 5,000 links, 2,000 parts, the tests of its engine.
pub(super) const ITEMS_MAX: usize = 500_000;

type Read<T> = Result<T, DecodeError>;

/// A value with a form in bytes.
pub(super) trait Wire: Sized {
    fn write(&self, out: &mut Writer);
    fn read(from: &mut Reader<'_>) -> Read<Self>;
}

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Seven bits a byte, the least first; the highest bit says that more follow.
    pub(super) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// How many items of a list follow, see [`Reader::count`].
    pub(super) fn count(&mut self, value: usize) {
        self.items = self.items.saturating_add(value);
        self.number(value as u64);
    }

    /// Small magnitudes of either sign are short: 0, −1, 1, −2, …
    pub(super) fn signed(&mut self, value: i64) {
        self.number(zigzag(value));
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn list<T: Wire>(&mut self, items: &[T]) {
        self.count(items.len());
        items.iter().for_each(|item| item.write(self));
    }
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0, items: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.byte_at(self.at)
    }

    pub(super) fn byte_at(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// What was read since some place.
    pub(super) fn since(&self, start: usize) -> &'b [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn fault<T>(&self, fault: Fault) -> Read<T> {
        Err(DecodeError { at: self.at, fault })
    }

    /// A value that is wrong at a place already read.
    pub(super) fn wrong<T>(at: usize, what: &'static str) -> Read<T> {
        Err(DecodeError { at, fault: Fault::Value(what) })
    }

    pub(super) fn finish(self) -> Read<()> {
        if self.at == self.bytes.len() { Ok(()) } else { self.fault(Fault::Rest) }
    }

    pub(super) fn take(&mut self, count: usize) -> Read<&'b [u8]> {
        let end = self.at.checked_add(count);
        match end.and_then(|end| self.bytes.get(self.at..end)) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(DecodeError { at: self.bytes.len(), fault: Fault::End }),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Read<u8> {
        match self.bytes.get(self.at) {
            Some(&byte) => {
                self.at += 1;
                Ok(byte)
            }
            None => self.fault(Fault::End),
        }
    }

    pub(super) fn flag(&mut self) -> Read<bool> {
        let at = self.at;
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Self::wrong(at, "a flag is 0 or 1"),
        }
    }

    pub(super) fn number(&mut self) -> Read<u64> {
        let start = self.at;
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                return Self::wrong(start, "a number is larger than 64 bits");
            }
            value |= bits << shift;
            if byte < 0x80 {
                // One spelling: no leading zeros.
                return if byte == 0 && shift > 0 { Self::wrong(start, "a number has needless bytes") } else { Ok(value) };
            }
        }
        Self::wrong(start, "a number is larger than 64 bits")
    }

    pub(super) fn signed(&mut self) -> Read<i64> {
        Ok(unzigzag(self.number()?))
    }

    /// A number of 32 bits.
    pub(super) fn small(&mut self) -> Read<u32> {
        let at = self.at;
        u32::try_from(self.number()?).or_else(|_| Self::wrong(at, "a number is larger than 32 bits"))
    }

    /// How many items of a list follow. An item of one byte may take some hundred in memory, so there are at most
    /// [`ITEMS_MAX`].
    pub(super) fn count(&mut self) -> Read<usize> {
        let at = self.at;
        let count = self.length()?;
        self.items = self.items.saturating_add(count);
        if self.items > ITEMS_MAX { Self::wrong(at, "the lists have too many items") } else { Ok(count) }
    }

    /// How many bytes or items follow. Each item takes at least one byte, so that no list is longer than what is left.
    fn length(&mut self) -> Read<usize> {
        let count = self.number()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.bytes.len() - self.at => Ok(count),
            _ => Err(DecodeError { at: self.bytes.len(), fault: Fault::End }),
        }
    }

    pub(super) fn bytes(&mut self) -> Read<&'b [u8]> {
        let count = self.length()?;
        self.take(count)
    }

    pub(super) fn text(&mut self) -> Read<&'b str> {
        let at = self.at;
        std::str::from_utf8(self.bytes()?).or_else(|_| Self::wrong(at, "a text is not UTF-8"))
    }

    pub(super) fn list<T: Wire>(&mut self) -> Read<Vec<T>> {
        let count = self.count()?;
        (0..count).map(|_| T::read(self)).collect()
    }
}

pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// The number of a value that was found. Not the last of them: reasons that came later stand after it, so that capsules that lack
/// them read as ever.
pub(super) const FOUND: u8 = 6;

/// The number of a reason. [`Known::Absent`] has 0.
pub(super) fn reason_number(reason: Unknown) -> u8 {
    match reason {
        Unknown::NotAsked => 1,
        Unknown::NotNeeded => 2,
        Unknown::Timeout => 3,
        Unknown::ServerFailure => 4,
        Unknown::Malformed => 5,
        // After `FOUND`. In a record of numbers, 7 would be a nought that is written out, and no capsule has one.
        Unknown::Refused => 7,
    }
}

/// The reason of a number.
pub(super) fn reason(number: u64) -> Option<Unknown> {
    Some(match number {
        1 => Unknown::NotAsked,
        2 => Unknown::NotNeeded,
        3 => Unknown::Timeout,
        4 => Unknown::ServerFailure,
        5 => Unknown::Malformed,
        7 => Unknown::Refused,
        _ => return None,
    })
}

impl<T: Wire> Wire for Known<T> {
    fn write(&self, out: &mut Writer) {
        match self {
            Self::Absent => out.byte(0),
            Self::Unknown(reason) => out.byte(reason_number(*reason)),
            Self::Found(value) => {
                out.byte(FOUND);
                value.write(out);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let at = from.at();
        match from.byte()? {
            0 => Ok(Self::Absent),
            FOUND => T::read(from).map(Self::Found),
            number => match reason(u64::from(number)) {
                Some(reason) => Ok(Self::Unknown(reason)),
                None => Reader::wrong(at, "there is no such state of evidence"),
            },
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, out: &mut Writer) {
        out.list(self);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.list()
    }
}

impl Wire for String {
    fn write(&self, out: &mut Writer) {
        out.text(self);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.text().map(str::to_owned)
    }
}

impl Wire for Domain {
    fn write(&self, out: &mut Writer) {
        out.text(self.as_str());
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let at = from.at();
        let text = from.text()?;
        match Self::parse(text) {
            Ok(domain) if domain.as_str() == text => Ok(domain),
            _ => Reader::wrong(at, "a text is no domain"),
        }
    }
}

impl Wire for Ipv4Addr {
    fn write(&self, out: &mut Writer) {
        out.bytes.extend_from_slice(&self.octets());
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.array::<4>().map(Self::from)
    }
}

impl Wire for IpAddr {
    fn write(&self, out: &mut Writer) {
        match self {
            Self::V4(address) => {
                out.byte(4);
                address.write(out);
            }
            Self::V6(address) => {
                out.byte(6);
                out.bytes.extend_from_slice(&address.octets());
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let at = from.at();
        match from.byte()? {
            4 => Ipv4Addr::read(from).map(Self::V4),
            6 => from.array::<16>().map(|octets| Self::V6(Ipv6Addr::from(octets))),
            _ => Reader::wrong(at, "there is no such kind of address"),
        }
    }
}

impl Wire for Host {
    fn write(&self, out: &mut Writer) {
        match self {
            // A domain has a length from 1, and an address a 0 before it.
            Self::Domain(domain) => domain.write(out),
            Self::Address(address) => {
                out.byte(0);
                address.write(out);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        if from.peek() == Some(0) {
            from.byte()?;
            return IpAddr::read(from).map(Self::Address);
        }
        Domain::read(from).map(Self::Domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = Writer::default();
            out.number(value);
            let mut reader = Reader::new(&out.bytes);
            assert_eq!(reader.number(), Ok(value));
            assert!(reader.finish().is_ok());
        }
        for (bytes, at) in [(&[0x80, 0][..], 0), (&[0xFF; 10], 0), (&[0x80], 1), (&[], 0)] {
            assert_eq!(Reader::new(bytes).number().unwrap_err().at, at, "{bytes:?}");
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
    }

    #[test]
    fn a_list_is_no_longer_than_what_is_left() {
        let mut out = Writer::default();
        out.number(1 << 40);
        out.byte(0);
        assert_eq!(Reader::new(&out.bytes).list::<String>().unwrap_err().fault, Fault::End);
    }

    #[test]
    fn all_lists_together_have_so_many_items() {
        let mut out = Writer::default();
        for _ in 0..2 {
            out.list(&vec![String::new(); ITEMS_MAX / 2 + 1]);
        }
        assert_eq!(out.items, ITEMS_MAX + 2);
        let mut reader = Reader::new(&out.bytes);
        assert!(reader.list::<String>().is_ok());
        let at = reader.at();
        assert_eq!(reader.list::<String>(), Reader::wrong(at, "the lists have too many items"));
        // A text is no list.
        let mut out = Writer::default();
        out.bytes(&vec![b'a'; ITEMS_MAX + 1]);
        assert!(out.items == 0 && Reader::new(&out.bytes).text().is_ok());
    }

    #[test]
    fn reasons_keep_their_numbers() {
        let reasons = [
            (1, Unknown::NotAsked),
            (2, Unknown::NotNeeded),
            (3, Unknown::Timeout),
            (4, Unknown::ServerFailure),
            (5, Unknown::Malformed),
            (7, Unknown::Refused),
        ];
        for (number, why) in reasons {
            assert_eq!((reason_number(why), reason(u64::from(number))), (number, Some(why)));
        }
        assert_eq!([0, u64::from(FOUND), 8, 256].map(reason), [None; 4]);
    }
}
