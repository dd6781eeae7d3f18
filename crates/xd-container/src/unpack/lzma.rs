//! LZMA, LZMA2 and xz, by lzma-rust2. Its window grows with what is decoded, whatever size the header names.

use lzma_rust2::{Action, Lzma2Stream, LzmaStream, Status, StreamResult, XzStream};

use super::{Cost, Decoder, End, IDLE_COST, Step};
use crate::bytes::Bytes;

pub(super) const COST: Cost = Cost { start: 30_000, for_step: 50, for_input: 50, for_output: 3, idle: IDLE_COST };

/// What the properties ask for: the tables of probabilities grow with them, up to 6 MiB.
pub(super) fn cost(properties: u8) -> Cost {
    let (literal_bits, position_bits) = (properties % 9, properties / 9 % 5);
    let tables = 0x600_u64 << (literal_bits + position_bits);
    Cost { start: 30_000 + tables / 4, ..COST }
}

/// What LZMA2 costs: chunks that are stored as they are cost next to nothing, which is what most of a file is that was
/// compressed before. Where more than a tenth is compressed, all of it counts so, as chunks that cost may stand first.
pub(super) fn chunks_cost(input: &[u8]) -> Cost {
    let mut bytes = Bytes::new(input);
    let (mut stored, mut compressed) = (0_u64, 0_u64);
    let mut chunk = || {
        let control = bytes.u8().filter(|control| *control != 0)?;
        let (high, low) = (bytes.u8()?, bytes.u8()?);
        let size = u16::from_be_bytes([high, low]);
        if control < 0x80 {
            stored += u64::from(size) + 1;
            return bytes.take(usize::from(size) + 1);
        }
        let (high, low) = (bytes.u8()?, bytes.u8()?);
        let packed = u64::from(u16::from_be_bytes([high, low])) + 1;
        compressed += packed;
        // From 0xC0 on, the properties follow.
        bytes.take(usize::try_from(packed).ok()? + usize::from(control >= 0xC0))
    };
    while chunk().is_some() {}
    let all = stored + compressed;
    if compressed * 10 >= all {
        return COST;
    }
    Cost { for_input: 1 + compressed * COST.for_input / all, for_output: 2, ..COST }
}

/// The largest window that is allowed, as 7-Zip allows it; memory follows what is decoded, not this.
const MAX_DICTIONARY: u32 = 1 << 30;

pub(super) enum Lzma {
    Alone(Box<LzmaStream>),
    Chunks(Box<Lzma2Stream>),
    Xz(Box<XzStream>),
}

impl Lzma {
    pub(super) fn lzma(properties: [u8; 5], size: Option<u64>) -> Decoder {
        let [first, dictionary @ ..] = properties;
        let dictionary = u32::from_le_bytes(dictionary).clamp(1 << 12, MAX_DICTIONARY);
        match LzmaStream::new_with_props(size.unwrap_or(u64::MAX), first, dictionary, None) {
            Ok(stream) => Decoder::Lzma(Self::Alone(Box::new(stream))),
            Err(_) => Decoder::None(End::Damaged),
        }
    }

    pub(super) fn lzma2(dictionary: u8) -> Decoder {
        // xz file format 5.3.1: 2 or 3, times a power of two.
        let shift = u32::from(dictionary / 2) + 11;
        let size = (2 | u64::from(dictionary) & 1).checked_shl(shift).unwrap_or(u64::MAX);
        let size = u32::try_from(size).unwrap_or(u32::MAX).min(MAX_DICTIONARY);
        Decoder::Lzma(Self::Chunks(Box::new(Lzma2Stream::new(size))))
    }

    pub(super) fn xz() -> Decoder {
        Decoder::Lzma(Self::Xz(Box::new(XzStream::new_mem_limit(true, 1 << 21))))
    }

    pub(super) fn step(&mut self, input: &[u8], is_last: bool, output: &mut [u8]) -> (Step, usize) {
        let action = if is_last { Action::Finish } else { Action::Run };
        let result = match self {
            Self::Alone(stream) => stream.process(input, output, action),
            Self::Chunks(stream) => stream.process(input, output, action),
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
