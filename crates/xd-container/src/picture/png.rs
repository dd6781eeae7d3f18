//! PNG (W3C, third edition): all kinds of pixels, as brightness.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::luma::{Luma, brightness};
use crate::bytes::Bytes;
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
pub(super) const PASSES: [(usize, usize, usize, usize); 7] =
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
    let tones = (0..=255).map(|index: u8| tone(&header, &palette, &alphas, index)).collect();
    let mut rows = Rows {
        passes: if header.is_interlaced { &PASSES } else { &[(0, 0, 1, 1)] },
        header,
        tones,
        number: 0,
        row: Vec::new(),
        above: Vec::new(),
        // What is missing stays white.
        pixels: vec![255; width.checked_mul(height)?],
    };
    unpack(&packed, |bytes| rows.take(bytes));
    Some(Luma { width, height, pixels: rows.pixels })
}

/// Gives what a zlib stream holds piece by piece, as long as more is wanted: pictures are large, and each pixel is wanted once.
fn unpack(packed: &[u8], mut take: impl FnMut(&[u8]) -> bool) {
    const WINDOW: usize = 32 << 10;
    let flags = inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER | inflate_flags::TINFL_FLAG_IGNORE_ADLER32;
    let mut decompressor = Box::<DecompressorOxide>::default();
    let mut window = vec![0; WINDOW];
    let (mut read, mut at) = (0, 0);
    loop {
        let rest = packed.get(read..).unwrap_or_default();
        let (status, taken, made) = decompress(&mut decompressor, rest, &mut window, at, flags);
        read += taken;
        let is_wanted = take(window.get(at..at + made).unwrap_or_default());
        at = (at + made) % WINDOW;
        if !is_wanted || status != TINFLStatus::HasMoreOutput {
            return;
        }
    }
}

/// The rows of a picture as they come.
struct Rows {
    header: Header,
    tones: Vec<u8>,
    /// Passes that are still to come, the first of them begun.
    passes: &'static [(usize, usize, usize, usize)],
    /// The row of the pass, the byte for its kind and as much of it as is there.
    number: usize,
    row: Vec<u8>,
    /// The row above, with its byte; empty for the first.
    above: Vec<u8>,
    pixels: Vec<u8>,
}

impl Rows {
    /// Takes bytes of rows. False when no more are to come.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        while let Some(&(x, y, right, down)) = self.passes.first() {
            let wide = self.header.width.saturating_sub(x).div_ceil(right);
            let high = self.header.height.saturating_sub(y).div_ceil(down);
            if wide == 0 || self.number >= high {
                self.passes = self.passes.get(1..).unwrap_or_default();
                self.number = 0;
                self.above.clear();
                continue;
            }
            let length = 1 + self.header.row(wide);
            let (taken, rest) = bytes.split_at(bytes.len().min(length - self.row.len()));
            self.row.extend_from_slice(taken);
            bytes = rest;
            if self.row.len() < length {
                return true;
            }
            self.finish_row((x, y, right, down));
        }
        false
    }

    fn finish_row(&mut self, (x, y, right, down): (usize, usize, usize, usize)) {
        let Some((kind, row)) = self.row.split_first_mut() else { return };
        let pixel = (self.header.channels() * self.header.depth).div_ceil(8);
        let above = self.above.get(1..).unwrap_or_default();
        Predictor::of_png(pixel, row.len()).undo_row(*kind, row, above);
        let width = self.header.width;
        let start = (y + self.number * down).saturating_mul(width);
        // Drawings repeat their rows.
        if (right, down) == (1, 1) && (width..self.pixels.len()).contains(&start) && above == &*row {
            self.pixels.copy_within(start - width..start, start);
        } else if let Some(line) = self.pixels.get_mut(start..start + width) {
            match right {
                1 => fill(&self.header, &self.tones, row, line.iter_mut()),
                _ => fill(&self.header, &self.tones, row, line.iter_mut().skip(x).step_by(right)),
            }
        }
        self.number += 1;
        std::mem::swap(&mut self.above, &mut self.row);
        self.row.clear();
    }
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
