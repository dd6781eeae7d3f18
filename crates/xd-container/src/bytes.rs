//! Numbers and runs of bytes at places that the input names: out of its bounds there is none, never a panic.

/// Reads one after the other, from a place in the input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// From this place on. Places beyond the end have nothing.
    pub(crate) fn from(all: &'a [u8], at: usize) -> Self {
        Self { all, at: at.min(all.len()) }
    }

    /// Where the next byte stands.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }

    /// The next `length` bytes; none, and nothing passed over, where there are fewer.
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.all.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16_le(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32_le(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64_le(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_none_and_nothing_is_passed_over() {
        let mut bytes = Bytes::new(b"\x01\x02\x03");
        assert_eq!(bytes.u16_le(), Some(0x0201));
        assert_eq!(bytes.u16_le(), None);
        assert_eq!((bytes.at(), bytes.u8(), bytes.rest()), (2, Some(3), &b""[..]));
        assert_eq!(Bytes::from(b"ab", 9).take(1), None);
        assert_eq!(Bytes::new(b"ab").take(usize::MAX), None);
    }
}
