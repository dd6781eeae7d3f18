//! JPEG, by zune-jpeg: brightness alone.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::luma::Luma;

/// Scans of a picture that comes in layers; encoders write ten. Each goes over all of it, however few bytes it has.
const MAX_SCANS: usize = 30;

/// Width and height, from the frame header (ITU-T T.81 §B.2.2).
pub(super) fn size(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 2;
    loop {
        let marker = bytes.get(at..at + 4)?;
        let &[0xFF, kind, high, low] = marker else { return None };
        if kind == 0xFF {
            at += 1;
            continue;
        }
        if matches!(kind, 0xC0..=0xCF) && !matches!(kind, 0xC4 | 0xC8 | 0xCC) {
            let size = bytes.get(at + 5..at + 9)?;
            let number = |high: u8, low: u8| usize::from(u16::from_be_bytes([high, low]));
            return Some((number(size[2], size[3]), number(size[0], size[1])));
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
}

/// How often decoding goes over the picture, at most.
pub(super) fn scans(bytes: &[u8]) -> usize {
    memchr::memmem::find_iter(bytes, b"\xFF\xDA").take(MAX_SCANS + 1).count()
}

/// Bits of brightness that scans which refine may add: of a block as a whole, and of what is in it. Encoders leave as many.
const MAX_REFINED: [u8; 2] = [1, 2];
/// The coarsest steps of brightness in a picture that is as plain without them: of a block as a whole, of its 24 next coefficients in
/// zigzag order, and of the others. Encoders stay below at qualities of 75 and more.
const MAX_STEPS: [u16; 3] = [50, 25, 62];

/// The same picture without the scans that refine what others told and that tell colours alone, where it comes in layers (ITU-T T.81
/// §G.1). Codes are as plain in it, and it costs half. None where nothing may be left out: also where what refines could hold a code
/// by itself.
pub(super) fn lightened(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut light = Vec::with_capacity(bytes.len());
    let mut is_layered = false;
    // Tables of steps that are too coarse, and the one that brightness uses.
    let (mut coarse, mut table) = ([false; 4], 0);
    let mut at = 2;
    light.extend_from_slice(bytes.get(..at)?);
    while let Some(&[0xFF, kind, high, low]) = bytes.get(at..at + 4) {
        if kind == 0xFF {
            at += 1;
            continue;
        }
        let mut end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        let segment = bytes.get(at + 4..end)?;
        let mut is_kept = true;
        match kind {
            // Brightness comes first, unless they are red, green and blue.
            0xC2 => {
                is_layered = matches!(segment, [_, _, _, _, _, 1 | 3, 0 | 1, ..]);
                table = usize::from(*segment.get(8)?);
            }
            0xDB => mark_coarse(segment, &mut coarse)?,
            // Adobe's marker may say that they are.
            0xEE if segment.starts_with(b"Adobe") => return None,
            0xDA => {
                end += scan_length(bytes.get(end..)?);
                let [components, first, ..] = *segment else { return None };
                let [from, _, bits] = *segment.last_chunk()?;
                let is_brightness = from == 0 || components == 1 && first <= 1;
                let most = MAX_REFINED[usize::from(from > 0)];
                if is_brightness && (bits & 0xF > most || bits >> 4 > most) {
                    return None;
                }
                is_kept = bits >> 4 == 0 && is_brightness;
            }
            _ => {}
        }
        if is_kept {
            light.extend_from_slice(bytes.get(at..end)?);
        }
        at = end;
    }
    light.extend_from_slice(b"\xFF\xD9");
    (is_layered && !*coarse.get(table)? && light.len() < bytes.len()).then_some(light)
}

/// Notes which of the tables of steps in a segment are too coarse (ITU-T T.81 §B.2.4.1).
fn mark_coarse(mut segment: &[u8], coarse: &mut [bool; 4]) -> Option<()> {
    while let Some((kind, rest)) = segment.split_first() {
        let width = if kind >> 4 == 0 { 1 } else { 2 };
        let (steps, rest) = rest.split_at_checked(64 * width)?;
        let is_coarse = steps.chunks(width).enumerate().any(|(place, step)| {
            let step = step.iter().fold(0, |step: u16, byte| step << 8 | u16::from(*byte));
            let [whole, near, far] = MAX_STEPS;
            step > if place == 0 {
                whole
            } else if place <= 24 {
                near
            } else {
                far
            }
        });
        *coarse.get_mut(usize::from(kind & 0xF))? |= is_coarse;
        segment = rest;
    }
    Some(())
}

/// The length of coded data: up to a marker that is none of those within it (ITU-T T.81 §B.1.1.2).
fn scan_length(data: &[u8]) -> usize {
    let is_marker = |at: &usize| !matches!(data.get(at + 1), None | Some(0 | 0xD0..=0xD7 | 0xFF));
    memchr::memchr_iter(0xFF, data).find(is_marker).unwrap_or(data.len())
}

pub(super) fn decode(bytes: &[u8], width: usize, height: usize) -> Option<Luma> {
    if scans(bytes) > MAX_SCANS {
        return None;
    }
    let options = DecoderOptions::new_safe()
        .set_max_width(width)
        .set_max_height(height)
        .jpeg_set_out_colorspace(ColorSpace::Luma)
        .set_strict_mode(false);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let pixels = decoder.decode().ok()?;
    let (width, height) = decoder.dimensions()?;
    (pixels.len() == width.checked_mul(height)?).then_some(Luma { width, height, pixels })
}
