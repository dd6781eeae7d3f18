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
