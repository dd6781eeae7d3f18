//! Zstandard (RFC 8878), by ruzstd: one frame after the other.

use std::io::Read as _;

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Cost, Step};

pub(super) const COST: Cost = Cost { start: 50_000, for_step: 1_500, for_input: 12, for_output: 4, idle: 0 };

/// The largest window that is read, in bytes: the one that RFC 8878 3.1.1.1.2 asks of every decoder, 8 MiB.
const MAX_WINDOW: u64 = 8 << 20;

pub(super) struct Zstd {
    decoder: FrameDecoder,
    in_frame: bool,
}

impl Default for Zstd {
    fn default() -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self { decoder, in_frame: false }
    }
}

impl Zstd {
    /// One block, or what is left of those before. The decoder holds back a window's worth until the frame ends.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> (Step, usize) {
        if self.in_frame && self.decoder.can_collect() > 0 {
            let given = self.decoder.read(output).unwrap_or(0);
            return (Step::Went(0), given);
        }
        let mut rest = input;
        if !self.in_frame || self.decoder.is_finished() {
            if input.is_empty() {
                return (if self.in_frame { Step::Ended(0) } else { Step::Went(0) }, 0);
            }
            match self.decoder.reset(&mut rest) {
                Ok(()) => self.in_frame = true,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let skipped = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
                    return (Step::Went(input.len() - rest.len() + skipped), 0);
                }
                // What stands behind a frame and is none is not its damage.
                Err(_) if self.in_frame => return (Step::Ended(0), 0),
                Err(_) => return (Step::Failed, 0),
            }
        }
        if self.decoder.decode_blocks(&mut rest, BlockDecodingStrategy::UptoBlocks(1)).is_err() {
            return (Step::Failed, 0);
        }
        let given = if self.decoder.can_collect() > 0 { self.decoder.read(output).unwrap_or(0) } else { 0 };
        (Step::Went(input.len() - rest.len()), given)
    }
}
