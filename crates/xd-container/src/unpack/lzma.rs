//! LZMA, LZMA2 and xz, by lzma-rust2. Its window grows with what is decoded, whatever size the header names.

use lzma_rust2::{Action, Lzma2Stream, LzmaStream, Status, StreamResult, XzStream};

use super::{Cost, Decoder, End, Step};

pub(super) const LZMA2_COST: Cost = Cost { start: 30_000, for_input: 60, for_output: 3 };

/// What the properties ask for: the tables of probabilities grow with them, up to 6 MiB.
pub(super) fn cost(properties: u8) -> Cost {
    let (literal_bits, position_bits) = (properties % 9, properties / 9 % 5);
    let tables = 0x600_u64 << (literal_bits + position_bits);
    Cost { start: 30_000 + tables / 4, ..LZMA2_COST }
}

/// The largest window that is allowed, as 7-Zip allows it; memory follows what is decoded, not this.
const MAX_DICTIONARY: u32 = 1 << 30;

pub(super) enum Lzma {
    Lzma(LzmaStream),
    Lzma2(Lzma2Stream),
    Xz(XzStream),
}

impl Lzma {
    pub(super) fn lzma(properties: [u8; 5], size: Option<u64>) -> Decoder {
        let [first, dictionary @ ..] = properties;
        let dictionary = u32::from_le_bytes(dictionary).clamp(1 << 12, MAX_DICTIONARY);
        match LzmaStream::new_with_props(size.unwrap_or(u64::MAX), first, dictionary, None) {
            Ok(stream) => Decoder::Lzma(Box::new(Self::Lzma(stream))),
            Err(_) => Decoder::None(End::Damaged),
        }
    }

    pub(super) fn lzma2(dictionary: u8) -> Decoder {
        // xz file format 5.3.1: 2 or 3, times a power of two.
        let shift = u32::from(dictionary / 2) + 11;
        let size = (2 | u64::from(dictionary) & 1).checked_shl(shift).unwrap_or(u64::MAX);
        let size = u32::try_from(size).unwrap_or(u32::MAX).min(MAX_DICTIONARY);
        Decoder::Lzma(Box::new(Self::Lzma2(Lzma2Stream::new(size))))
    }

    pub(super) fn xz() -> Decoder {
        Decoder::Lzma(Box::new(Self::Xz(XzStream::new_mem_limit(true, 1 << 21))))
    }

    pub(super) fn step(&mut self, input: &[u8], is_last: bool, output: &mut [u8]) -> (Step, usize) {
        let action = if is_last { Action::Finish } else { Action::Run };
        let result = match self {
            Self::Lzma(stream) => stream.process(input, output, action),
            Self::Lzma2(stream) => stream.process(input, output, action),
            Self::Xz(stream) => stream.process(input, output, action),
        };
        match result {
            Ok(StreamResult { bytes_consumed, bytes_produced, status: Status::StreamEnd }) => {
                (Step::Ended(bytes_consumed), bytes_produced)
            }
            Ok(result) => (Step::Went(result.bytes_consumed), result.bytes_produced),
            Err(_) => (Step::Failed, 0),
        }
    }
}
