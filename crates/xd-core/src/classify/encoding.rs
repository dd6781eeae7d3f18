//! Numbers and texts of files of models and of what was learned, and what can be wrong with them.

/// Why bytes are no model.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// What was read is not what was written.
    #[error("the model is damaged: the checksum at the end of its {bytes} bytes is not that of what stands before")]
    Checksum {
        /// How many bytes there are.
        bytes: usize,
    },
    /// The file ends in the middle.
    #[error("the model ends in the middle, at byte {at}")]
    End {
        /// Where.
        at: usize,
    },
    /// It looks at messages in another way.
    #[error(
        "the model is of feature version {features} with {bits} bits, this program is of version {} with {}; train it anew",
        super::FEATURES,
        super::PLACE_BITS
    )]
    Features {
        /// The version it is of.
        features: u32,
        /// Bits of its places.
        bits: u32,
    },
    /// It is something else.
    #[error("this is no model: it does not begin with \"xd model\"")]
    Magic,
    /// Parts that make no model.
    #[error("the model has {what}")]
    Parts {
        /// What is wrong.
        what: &'static str,
    },
    /// A value that cannot stand there.
    #[error("byte {at} of the model: {what}")]
    Value {
        /// Where.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// A newer program wrote it.
    #[error("models of format version {version} are not known")]
    Version {
        /// The version.
        version: u32,
    },
}

/// What is wrong at a place of either kind of file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flaw {
    /// The bytes end here, in the middle.
    End { at: usize },
    /// A value that cannot stand here.
    Value { at: usize, what: &'static str },
}

impl From<Flaw> for ModelError {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::End { at } => Self::End { at },
            Flaw::Value { at, what } => Self::Value { at, what },
        }
    }
}

type Read<T> = Result<T, Flaw>;

/// Gives values from bytes.
#[derive(Debug)]
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn take(&mut self, count: usize) -> Read<&'b [u8]> {
        let end = Flaw::End { at: self.bytes.len() };
        let taken = self.at.checked_add(count).and_then(|to| self.bytes.get(self.at..to)).ok_or(end)?;
        self.at += count;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let end = Flaw::End { at: self.bytes.len() };
        self.take(N)?.try_into().map_err(|_| end)
    }

    pub(super) fn u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn number(&mut self) -> Read<u32> {
        let start = self.at;
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.array::<1>()?[0];
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0xf {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Flaw::Value { at: start, what: "a number of more than 32 bits" })
    }

    pub(super) fn signed(&mut self) -> Read<i32> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    pub(super) fn count(&mut self, most: usize) -> Read<usize> {
        let at = self.at;
        let count = self.number()? as usize;
        // Each item takes at least two bytes, so a wrong count reserves no more than some times the file.
        if count > most || count > self.bytes.len() {
            return Err(Flaw::Value { at, what: "more items than there can be" });
        }
        Ok(count)
    }

    pub(super) fn text(&mut self, most: usize) -> Read<String> {
        let at = self.at;
        let length = self.count(most)?;
        let bytes = self.take(length)?.to_vec();
        String::from_utf8(bytes).map_err(|_| Flaw::Value { at, what: "a text that is not UTF-8" })
    }
}

/// Takes values into bytes.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// Seven bits a byte, the least first; the highest bit says that more follow.
    pub(super) fn number(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub(super) fn signed(&mut self, value: i32) {
        self.number((value << 1 ^ value >> 31).cast_unsigned());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u32);
        self.raw(text.as_bytes());
    }
}
