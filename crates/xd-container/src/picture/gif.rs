//! GIF 87a and 89a: the first picture, as brightness.

use super::luma::{Luma, brightness};
use crate::bytes::Bytes;

/// Width and height of the canvas.
pub(super) fn size(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut fields = Bytes::from(bytes, 6);
    Some((usize::from(fields.u16_le()?), usize::from(fields.u16_le()?)))
}

pub(super) fn decode(bytes: &[u8], width: usize, height: usize) -> Option<Luma> {
    let flags = *bytes.get(10)?;
    let mut rest = Bytes::from(bytes, 13);
    let mut palette: &[u8] = if flags & 0x80 != 0 { rest.take(3 << ((flags & 7) + 1))? } else { &[] };
    let mut transparent = None;
    loop {
        match rest.u8()? {
            b'!' => {
                let label = rest.u8()?;
                let data = blocks(&mut rest);
                if label == 0xF9
                    && let [flags, _, _, index, ..] = *data
                    && flags & 1 != 0
                {
                    transparent = Some(index);
                }
            }
            b',' => break,
            _ => return None,
        }
    }
    let field = |rest: &mut Bytes<'_>| rest.u16_le().map(usize::from);
    let (left, top, wide, high) = (field(&mut rest)?, field(&mut rest)?, field(&mut rest)?, field(&mut rest)?);
    let flags = rest.u8()?;
    if flags & 0x80 != 0 {
        palette = rest.take(3 << ((flags & 7) + 1))?;
    }
    let bits = rest.u8()?;
    let data = blocks(&mut rest);
    let most = wide.checked_mul(high)?.min(width.checked_mul(height)?);
    let indices = lzw(&data, bits, most);
    let tone = |index: u8| {
        let at = usize::from(index) * 3;
        match palette.get(at..at + 3) {
            _ if transparent == Some(index) => 255,
            Some(&[red, green, blue]) => brightness(red, green, blue, 255),
            _ => index,
        }
    };
    let tones: Vec<u8> = (0..=255).map(tone).collect();
    let mut pixels = vec![255; width.checked_mul(height)?];
    let rows: Vec<usize> = if flags & 0x40 != 0 {
        // Interlaced: every eighth row, then those between.
        [(0, 8), (4, 8), (2, 4), (1, 2)].into_iter().flat_map(|(from, step)| (from..high).step_by(step)).collect()
    } else {
        (0..high).collect()
    };
    for (row, line) in rows.into_iter().zip(indices.chunks(wide.max(1))) {
        let Some(start) = (top + row).checked_mul(width).filter(|_| left < width) else { break };
        let room = pixels.get_mut(start + left..start + width).unwrap_or_default();
        for (place, index) in room.iter_mut().zip(line) {
            *place = tones[usize::from(*index)];
        }
    }
    Some(Luma { width, height, pixels })
}

/// The bytes of a chain of blocks, each with its length before it.
fn blocks(rest: &mut Bytes<'_>) -> Vec<u8> {
    let mut data = Vec::new();
    while let Some(length @ 1..) = rest.u8() {
        match rest.take(usize::from(length)) {
            Some(block) => data.extend_from_slice(block),
            None => {
                data.extend_from_slice(rest.rest());
                break;
            }
        }
    }
    data
}

/// LZW with the lowest bit first, and codes that grow to 12 bits.
fn lzw(data: &[u8], bits: u8, most: usize) -> Vec<u8> {
    let bits = u32::from(bits.clamp(1, 8));
    let clear = 1_usize << bits;
    let mut output: Vec<u8> = Vec::new();
    // Each code beyond the plain ones stands for bytes of the output.
    let mut table: Vec<(usize, usize)> = Vec::new();
    let mut previous: Option<(usize, usize)> = None;
    let (mut held, mut count, mut width) = (0_u32, 0_u32, bits + 1);
    for &byte in data {
        held |= u32::from(byte) << count;
        count += 8;
        while count >= width {
            let code = usize::try_from(held & ((1 << width) - 1)).unwrap_or(clear);
            held >>= width;
            count -= width;
            if output.len() >= most || code == clear + 1 {
                output.truncate(most);
                return output;
            }
            if code == clear {
                table.clear();
                previous = None;
                width = bits + 1;
                continue;
            }
            let start = output.len();
            if code < clear {
                output.push(code.to_le_bytes()[0]);
            } else {
                let (from, length) = match (table.get(code - clear - 2), previous) {
                    (Some(&known), _) => known,
                    (None, Some((from, length))) if code - clear - 2 == table.len() => (from, length + 1),
                    _ => return output,
                };
                for at in from..from + length {
                    let byte = output.get(at).copied().unwrap_or(0);
                    output.push(byte);
                }
            }
            if let Some((from, length)) = previous
                && table.len() + clear + 2 < 4096
            {
                table.push((from, length + 1));
            }
            previous = Some((start, output.len() - start));
            if table.len() + clear + 3 > 1 << width && width < 12 {
                width += 1;
            }
        }
    }
    output.truncate(most);
    output
}
