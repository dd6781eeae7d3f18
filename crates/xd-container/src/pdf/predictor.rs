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
        let mut plain: Vec<u8> = Vec::with_capacity(bytes.len());
        let mut above = vec![0; self.row];
        for coded in bytes.chunks_mut(self.row + 1) {
            let Some((kind, row)) = coded.split_first_mut() else { break };
            self.undo_row(*kind, row, &above);
            plain.extend_from_slice(row);
            above[..row.len()].copy_from_slice(row);
        }
        plain
    }
}

impl Predictor {
    /// Undoes one row of PNG. Each kind has a loop of its own: pictures have many rows.
    fn undo_row(self, kind: u8, row: &mut [u8], above: &[u8]) {
        let pixel = self.pixel.min(row.len());
        match kind {
            1 => {
                for at in pixel..row.len() {
                    row[at] = row[at].wrapping_add(row[at - pixel]);
                }
            }
            2 => row.iter_mut().zip(above).for_each(|(byte, above)| *byte = byte.wrapping_add(*above)),
            3 => {
                for at in 0..row.len().min(above.len()) {
                    let left = if at < pixel { 0 } else { row[at - pixel] };
                    row[at] = row[at].wrapping_add(left.midpoint(above[at]));
                }
            }
            4 => {
                row.iter_mut().zip(above).take(pixel).for_each(|(byte, above)| *byte = byte.wrapping_add(*above));
                for at in pixel..row.len().min(above.len()) {
                    row[at] = row[at].wrapping_add(paeth(row[at - pixel], above[at], above[at - pixel]));
                }
            }
            _ => {}
        }
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
