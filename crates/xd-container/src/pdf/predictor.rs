//! Predictors of Flate and LZW streams (ISO 32000-2 §7.4.4.4): bytes stand as differences from their neighbours.

use super::lexer::{Dictionary, Object};

/// How bytes were predicted, by the parameters of a filter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Predictor {
    is_png: bool,
    /// Bytes of a pixel.
    pixel: usize,
    /// Bytes of a row.
    row: usize,
}

/// Rows beyond this are nonsense.
const MAX_ROW: usize = 1 << 20;

impl Predictor {
    /// The prediction of PNG, for pixels and rows of so many bytes.
    #[cfg(feature = "qr")]
    pub(crate) fn of_png(pixel: usize, row: usize) -> Self {
        Self { is_png: true, pixel: pixel.max(1), row: row.max(1) }
    }

    /// None where nothing was predicted.
    pub(super) fn new(parameters: Option<&Object>) -> Option<Self> {
        let Some(Object::Dictionary(parameters)) = parameters else { return None };
        let predictor = parameters.number("Predictor").unwrap_or(1);
        let value = |dictionary: &Dictionary, key: &str, usual: usize| {
            dictionary
                .number(key)
                .and_then(|value| usize::try_from(value).ok())
                .filter(|value| (1..=MAX_ROW).contains(value))
                .unwrap_or(usual)
        };
        let bits = value(parameters, "Colors", 1).checked_mul(value(parameters, "BitsPerComponent", 8))?;
        let row = bits.checked_mul(value(parameters, "Columns", 1))?.div_ceil(8);
        // Prediction over components of other sizes than a byte is for pictures.
        let is_known = predictor >= 10 || predictor == 2 && bits % 8 == 0;
        (is_known && row <= MAX_ROW).then(|| Self { is_png: predictor >= 10, pixel: bits.div_ceil(8), row: row.max(1) })
    }

    /// The bytes as they were before.
    pub(crate) fn undo(self, mut bytes: Vec<u8>) -> Vec<u8> {
        if !self.is_png {
            for row in bytes.chunks_mut(self.row) {
                for at in self.pixel..row.len() {
                    row[at] = row[at].wrapping_add(row[at - self.pixel]);
                }
            }
            return bytes;
        }
        // Rows move forward over the bytes that say their kinds: a second copy of a large picture would be large.
        let (mut from, mut to) = (0, 0);
        while let Some(&kind) = bytes.get(from) {
            let length = self.row.min(bytes.len() - from - 1);
            bytes.copy_within(from + 1..from + 1 + length, to);
            let (before, row) = bytes.split_at_mut(to);
            let above = before.get(to.saturating_sub(self.row)..).unwrap_or_default();
            self.undo_row(kind, row.get_mut(..length).unwrap_or_default(), above);
            from += 1 + length;
            to += length;
        }
        bytes.truncate(to);
        bytes
    }
}

impl Predictor {
    /// Undoes one row of PNG. Each kind has a loop of its own: pictures have many rows. Nothing stands above the first.
    pub(crate) fn undo_row(self, kind: u8, row: &mut [u8], above: &[u8]) {
        let pixel = self.pixel.min(row.len());
        match kind {
            1 => undo_left(pixel, row),
            2 => row.iter_mut().zip(above).for_each(|(byte, above)| *byte = byte.wrapping_add(*above)),
            3 => {
                for at in 0..row.len() {
                    let left = if at < pixel { 0 } else { row[at - pixel] };
                    row[at] = row[at].wrapping_add(left.midpoint(above.get(at).copied().unwrap_or(0)));
                }
            }
            // With nothing above, the nearest neighbour is the one to the left.
            4 if above.len() < row.len() => undo_left(pixel, row),
            4 => {
                row.iter_mut().zip(above).take(pixel).for_each(|(byte, above)| *byte = byte.wrapping_add(*above));
                for at in pixel..row.len() {
                    row[at] = row[at].wrapping_add(paeth(row[at - pixel], above[at], above[at - pixel]));
                }
            }
            _ => {}
        }
    }
}

fn undo_left(pixel: usize, row: &mut [u8]) {
    for at in pixel..row.len() {
        row[at] = row[at].wrapping_add(row[at - pixel]);
    }
}

/// The neighbour that is nearest to left + above − corner.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(above) - i16::from(corner);
    let distance = |neighbour: u8| (estimate - i16::from(neighbour)).abs();
    if distance(left) <= distance(above) && distance(left) <= distance(corner) {
        left
    } else if distance(above) <= distance(corner) {
        above
    } else {
        corner
    }
}
