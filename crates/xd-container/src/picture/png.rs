//! PNG (W3C, third edition): all kinds of pixels, as brightness.

use super::luma::{Luma, brightness};
use crate::bytes::Bytes;
use crate::pdf::filter::inflate;
use crate::pdf::predictor::Predictor;

/// How pixels are written.
struct Header {
    width: usize,
    height: usize,
    depth: usize,
    colour: u8,
    is_interlaced: bool,
}

/// First pixels and distances of the seven passes of an interlaced picture (§8.2).
const PASSES: [(usize, usize, usize, usize); 7] =
    [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

/// Width and height.
pub(super) fn size(bytes: &[u8]) -> Option<(usize, usize)> {
    header(bytes).map(|header| (header.width, header.height))
}

/// Bytes of the pixels as they are written, about.
pub(super) fn raw_length(bytes: &[u8]) -> usize {
    header(bytes).map_or(0, |header| header.row(header.width).saturating_mul(header.height))
}

fn header(bytes: &[u8]) -> Option<Header> {
    let mut fields = Bytes::from(bytes, 16);
    let width = u32::from_be_bytes(fields.array()?);
    let height = u32::from_be_bytes(fields.array()?);
    let [depth, colour, _, _, interlace] = fields.array()?;
    let header = Header {
        width: usize::try_from(width).ok()?,
        height: usize::try_from(height).ok()?,
        depth: usize::from(depth),
        colour,
        is_interlaced: interlace == 1,
    };
    let is_known = matches!((colour, depth), (0, 1 | 2 | 4 | 8 | 16) | (3, 1 | 2 | 4 | 8) | (2 | 4 | 6, 8 | 16));
    is_known.then_some(header)
}

impl Header {
    fn channels(&self) -> usize {
        match self.colour {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        }
    }

    fn row(&self, width: usize) -> usize {
        width.saturating_mul(self.channels() * self.depth).div_ceil(8)
    }
}

pub(super) fn decode(bytes: &[u8], width: usize, height: usize) -> Option<Luma> {
    let header = header(bytes)?;
    let (mut palette, mut alphas, mut packed) = (Vec::new(), Vec::new(), Vec::new());
    let mut chunks = Bytes::from(bytes, 8);
    while let (Some(length), Some(kind)) = (chunks.array().map(u32::from_be_bytes), chunks.array::<4>()) {
        let length = usize::try_from(length).ok()?;
        let data = chunks.take(length).unwrap_or_else(|| chunks.rest());
        match &kind {
            b"PLTE" => palette = data.as_chunks::<3>().0.to_vec(),
            b"tRNS" => alphas = data.to_vec(),
            b"IDAT" => packed.extend_from_slice(data),
            b"IEND" => break,
            _ => {}
        }
        if chunks.take(4).is_none() {
            break;
        }
    }
    let passes: &[(usize, usize, usize, usize)] = if header.is_interlaced { &PASSES } else { &[(0, 0, 1, 1)] };
    let sizes: Vec<(usize, usize)> = passes
        .iter()
        .map(|&(x, y, right, down)| (width.saturating_sub(x).div_ceil(right), height.saturating_sub(y).div_ceil(down)))
        .collect();
    let length = |(width, height): (usize, usize)| if width == 0 { 0 } else { (header.row(width) + 1) * height };
    let (raw, _, _) = inflate(&packed, true, sizes.iter().map(|size| length(*size)).sum());
    drop(packed);
    // What is missing stays white.
    let mut pixels = vec![255; width.checked_mul(height)?];
    let tones: Vec<u8> = (0..=255).map(|index: u8| tone(&header, &palette, &alphas, index)).collect();
    let whole = !header.is_interlaced;
    let mut raw = raw;
    let mut taken = 0;
    for (&(x, y, right, down), &size) in passes.iter().zip(&sizes) {
        let end = taken + length(size).min(raw.len() - taken);
        let pass = if whole { std::mem::take(&mut raw) } else { raw.get(taken..end)?.to_vec() };
        taken = if whole { 0 } else { end };
        if pass.is_empty() {
            continue;
        }
        let pixel = (header.channels() * header.depth).div_ceil(8);
        let plain = Predictor::of_png(pixel, header.row(size.0)).undo(pass);
        for (number, row) in plain.chunks_exact(header.row(size.0)).enumerate() {
            let start = (y + number * down) * width;
            let Some(line) = pixels.get_mut(start..start + width) else { break };
            match right {
                1 => fill(&header, &tones, row, line.iter_mut()),
                _ => fill(&header, &tones, row, line.iter_mut().skip(x).step_by(right)),
            }
        }
    }
    Some(Luma { width, height, pixels })
}

/// Gives these places of a line the brightness of a row's pixels.
fn fill<'p>(header: &Header, tones: &[u8], row: &[u8], places: impl Iterator<Item = &'p mut u8>) {
    match (header.depth, header.colour) {
        (8, 2) => {
            let pixels = row.as_chunks().0.iter();
            places.zip(pixels).for_each(|(place, &[red, green, blue])| *place = brightness(red, green, blue, 255));
        }
        (8, 6) => {
            let pixels = row.as_chunks().0.iter();
            places.zip(pixels).for_each(|(place, &[red, green, blue, alpha])| *place = brightness(red, green, blue, alpha));
        }
        (depth @ (8 | 16), colour) => {
            let bytes = depth / 8;
            for (place, pixel) in places.zip(row.chunks_exact(header.channels() * bytes)) {
                let value = |channel: usize| pixel.get(channel * bytes).copied().unwrap_or(255);
                *place = match colour {
                    2 => brightness(value(0), value(1), value(2), 255),
                    4 => brightness(value(0), value(0), value(0), value(1)),
                    6 => brightness(value(0), value(1), value(2), value(3)),
                    _ => tones.get(usize::from(value(0))).copied().unwrap_or(255),
                };
            }
        }
        (depth, _) => {
            let mask = 0xFF >> (8 - depth);
            for (at, place) in places.enumerate() {
                let byte = row.get(at * depth / 8).copied().unwrap_or(0);
                let shift = 8 - depth - at * depth % 8;
                *place = tones.get(usize::from(byte >> shift & mask)).copied().unwrap_or(255);
            }
        }
    }
}

/// The brightness of a value by itself: an index, or a grey.
fn tone(header: &Header, palette: &[[u8; 3]], alphas: &[u8], index: u8) -> u8 {
    if header.colour == 3 {
        let [red, green, blue] = palette.get(usize::from(index)).copied().unwrap_or([0; 3]);
        return brightness(red, green, blue, alphas.get(usize::from(index)).copied().unwrap_or(255));
    }
    match header.depth {
        1 => index.wrapping_mul(255),
        2 => index.wrapping_mul(85),
        4 => index.wrapping_mul(17),
        _ => index,
    }
}
