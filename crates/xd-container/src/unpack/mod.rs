//! Decoders of compressed members, one face for all of them: so many bytes of output at most, and every byte paid for.
//!
//! An [`Unpacker`] goes on where it stopped, so that the beginning of a member is looked at before the rest is decoded. The
//! output is one growing vector: nothing is allocated because a header says so.

mod blocks;
mod bzip2;
mod deflate;
mod deflate64;
mod fill;
mod lzma;
mod zstd;

pub(crate) use blocks::BlockInflater;
pub(crate) use fill::{Wanted, fill, fill_decrypted, is_bomb};

use crate::Budget;

/// How a member is compressed.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    /// Not at all.
    Stored,
    Bzip2,
    Deflate,
    Deflate64,
    /// LZMA by itself: its properties, and the size where there is no mark of the end.
    Lzma {
        properties: [u8; 5],
        size: Option<u64>,
    },
    /// LZMA in chunks, with the byte that says the size of the dictionary.
    Lzma2 {
        dictionary: u8,
    },
    Xz,
    Zstd,
    /// One of those that nobody decodes here.
    Unknown,
}

/// Where decoding stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// At the end of what was compressed.
    Complete,
    /// At something that cannot be.
    Damaged,
    /// At a bound of the budget.
    Limit,
    /// At the number of bytes that was asked for; there may be more.
    More,
    /// At the end of the input.
    Truncated,
    /// Before it began: nothing decodes this.
    Unsupported,
}

/// What one step of a decoder did.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Took so many bytes of the input.
    Went(usize),
    /// Took so many bytes, and reached the end.
    Ended(usize),
    Failed,
}

enum Decoder {
    Bzip2(bzip2::Bzip2),
    Deflate(Box<deflate::Deflate>),
    Deflate64(Box<deflate64::Deflate64>),
    Lzma(lzma::Lzma),
    Stored,
    Zstd(Box<zstd::Zstd>),
    /// It cannot begin, and this is why.
    None(End),
}

impl Decoder {
    fn new(method: &Method) -> Self {
        match method {
            Method::Stored => Self::Stored,
            Method::Bzip2 => Self::Bzip2(bzip2::Bzip2::new()),
            Method::Deflate => Self::Deflate(Box::default()),
            Method::Deflate64 => Self::Deflate64(Box::new(deflate64::Deflate64::new())),
            Method::Lzma { properties, size } => lzma::Lzma::lzma(*properties, *size),
            Method::Lzma2 { dictionary } => lzma::Lzma::lzma2(*dictionary),
            Method::Xz => lzma::Lzma::xz(),
            Method::Zstd => Self::Zstd(Box::default()),
            Method::Unknown => Self::None(End::Unsupported),
        }
    }
}

/// What decoding costs, in steps: measured on random bytes, text, zeros and blocks without content, and rounded up by a third.
struct Cost {
    /// Before the first byte: tables that are cleared.
    start: u64,
    /// For each turn, in which some decoders do a whole block.
    for_step: u64,
    for_input: u64,
    for_output: u64,
    /// For a byte of input that yields less than a byte of output, in decoders that give at once what they take.
    idle: u64,
}

impl Cost {
    /// What takes its bytes as they are.
    const NONE: Self = Self { start: 0, for_step: 50, for_input: 0, for_output: 1, idle: 0 };
}

/// What a byte of input costs that yields less than a byte of output. No compressor writes such, and an attacker's input
/// of nothing but tables and empty blocks is the slowest there is.
const IDLE_COST: u64 = 180;

/// The most output of one step: small enough that the budget is asked often, large enough that asking costs nothing.
const PIECE: usize = 32 << 10;
/// The most input of one step.
const INPUT_PIECE: usize = 32 << 10;

/// One compressed run of bytes being decoded.
pub(crate) struct Unpacker<'a> {
    input: &'a [u8],
    taken: usize,
    output: Vec<u8>,
    decoder: Decoder,
    cost: Cost,
    end: Option<End>,
}

impl<'a> Unpacker<'a> {
    pub(crate) fn new(method: &Method, input: &'a [u8], budget: &mut Budget) -> Self {
        let cost = match method {
            Method::Stored | Method::Unknown => Cost::NONE,
            Method::Bzip2 => bzip2::cost(input),
            Method::Deflate => deflate::COST,
            Method::Deflate64 => deflate64::COST,
            Method::Lzma { properties, .. } => lzma::cost(properties[0]),
            Method::Lzma2 { .. } => lzma::chunks_cost(input),
            Method::Xz => lzma::COST,
            Method::Zstd => zstd::COST,
        };
        // Tables are made once they are paid for.
        let decoder = if budget.charge_steps(cost.start) { Decoder::new(method) } else { Decoder::None(End::Limit) };
        let end = match decoder {
            Decoder::None(why) => Some(why),
            _ => None,
        };
        Self { input, taken: 0, output: Vec::new(), decoder, cost, end }
    }

    /// Decodes on, until there are so many bytes of output in all.
    pub(crate) fn advance(&mut self, upto: usize, budget: &mut Budget) -> End {
        if let Some(end) = self.end {
            return end;
        }
        let end = loop {
            let Some(wanted) = upto.checked_sub(self.output.len()).filter(|&wanted| wanted > 0) else { return End::More };
            let most = wanted.min(PIECE).min(budget.decoded_left());
            if most == 0 {
                break End::Limit;
            }
            let (before, taken_before) = (self.output.len(), self.taken);
            let step = self.step(most);
            let given = self.output.len().saturating_sub(before);
            let (taken, end) = match step {
                Step::Went(taken) => (taken, None),
                Step::Ended(taken) => (taken, Some(End::Complete)),
                Step::Failed => (0, Some(End::Damaged)),
            };
            self.taken = taken_before.saturating_add(taken).min(self.input.len());
            budget.charge_decoded(given);
            let idle = taken.saturating_sub(given) as u64 * self.cost.idle;
            let steps = idle + taken as u64 * self.cost.for_input + given as u64 * self.cost.for_output;
            if !budget.charge_steps(steps + self.cost.for_step) {
                break end.unwrap_or(End::Limit);
            }
            match end {
                Some(end) => break end,
                None if taken == 0 && given == 0 => {
                    break if self.taken == self.input.len() { End::Truncated } else { End::Damaged };
                }
                None => {}
            }
        };
        self.end = Some(end);
        end
    }

    /// What was decoded so far.
    pub(crate) fn output(&self) -> &[u8] {
        &self.output
    }

    pub(crate) fn into_output(self) -> Vec<u8> {
        self.output
    }

    /// How much of the input was used. Decoders may take a little more than they need.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    fn step(&mut self, most: usize) -> Step {
        let rest = self.input.get(self.taken..).unwrap_or_default();
        let piece = rest.get(..INPUT_PIECE).unwrap_or(rest);
        let is_last = piece.len() == rest.len();
        match &mut self.decoder {
            Decoder::Stored => {
                let piece = piece.get(..most).unwrap_or(piece);
                self.output.extend_from_slice(piece);
                if piece.len() == rest.len() { Step::Ended(piece.len()) } else { Step::Went(piece.len()) }
            }
            Decoder::Bzip2(decoder) => into_slice(&mut self.output, most, |out| decoder.step(piece, out)),
            Decoder::Deflate(decoder) => decoder.step(piece, &mut self.output, most),
            Decoder::Deflate64(decoder) => into_slice(&mut self.output, most, |out| decoder.step(piece, out)),
            Decoder::Lzma(decoder) => into_slice(&mut self.output, most, |out| decoder.step(piece, is_last, out)),
            Decoder::Zstd(decoder) => into_slice(&mut self.output, most, |out| decoder.step(rest, out)),
            Decoder::None(_) => Step::Failed,
        }
    }
}

/// Gives a decoder room behind the output, and takes back what it did not use. The closure says what it wrote.
fn into_slice(output: &mut Vec<u8>, most: usize, decode: impl FnOnce(&mut [u8]) -> (Step, usize)) -> Step {
    let before = output.len();
    output.resize(before + most, 0);
    let (step, given) = decode(output.get_mut(before..).unwrap_or_default());
    output.truncate(before + given.min(most));
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bounds;

    fn unpacked(method: &Method, input: &[u8]) -> (End, Vec<u8>) {
        let mut budget = Budget::default();
        let mut unpacker = Unpacker::new(method, input, &mut budget);
        let end = unpacker.advance(usize::MAX, &mut budget);
        (end, unpacker.into_output())
    }

    /// What zlib made of it: `zlib.compressobj(9, 8, -15)` in Python.
    const TEXT: &[u8] = b"hello hello hello hello\n";
    const DEFLATED: &[u8] = b"\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00";

    #[test]
    fn deflate_gives_what_was_compressed() {
        assert_eq!(unpacked(&Method::Deflate, DEFLATED), (End::Complete, TEXT.to_vec()));
    }

    #[test]
    fn a_beginning_comes_first_and_the_rest_after() {
        let mut budget = Budget::default();
        let mut unpacker = Unpacker::new(&Method::Deflate, DEFLATED, &mut budget);
        assert_eq!(unpacker.advance(5, &mut budget), End::More);
        assert_eq!(unpacker.output(), b"hello");
        assert_eq!(unpacker.advance(100, &mut budget), End::Complete);
        assert_eq!(unpacker.output(), TEXT);
    }

    #[test]
    fn cut_and_broken_input_keeps_what_came_before() {
        let (end, text) = unpacked(&Method::Deflate, &DEFLATED[..7]);
        assert_eq!(end, End::Truncated);
        assert!(TEXT.starts_with(&text) && text.len() >= 5, "{text:?}");
        assert_eq!(unpacked(&Method::Deflate, b"\xFF\xFF").0, End::Damaged);
    }

    #[test]
    fn the_budget_ends_it() {
        let mut budget = Budget::new(Bounds { decoded_bytes: 7, ..Bounds::default() });
        let mut unpacker = Unpacker::new(&Method::Deflate, DEFLATED, &mut budget);
        assert_eq!(unpacker.advance(100, &mut budget), End::Limit);
        assert_eq!(unpacker.into_output(), b"hello h");
        let mut budget = Budget::new(Bounds { steps: 10, ..Bounds::default() });
        let mut unpacker = Unpacker::new(&Method::Deflate, DEFLATED, &mut budget);
        assert_eq!(unpacker.advance(100, &mut budget), End::Limit);
    }

    #[test]
    fn every_decoder_takes_any_bytes() {
        let methods = [
            Method::Bzip2,
            Method::Deflate,
            Method::Deflate64,
            Method::Lzma { properties: [93, 0, 0, 128, 0], size: None },
            Method::Lzma { properties: [255; 5], size: Some(1 << 40) },
            Method::Lzma2 { dictionary: 24 },
            Method::Lzma2 { dictionary: 255 },
            Method::Xz,
            Method::Zstd,
            Method::Unknown,
        ];
        for method in &methods {
            for input in [&b""[..], b"\0", b"BZh9", &[0xFF; 300], &[0; 300], b"\x28\xB5\x2F\xFD\0\0"] {
                let _ = unpacked(method, input);
            }
        }
    }
}
