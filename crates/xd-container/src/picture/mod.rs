//! QR codes in pictures (ISO/IEC 18004): addresses that nobody can read before a telephone follows them.
//!
//! Most pictures in mail are no codes, so that they must cost little: sizes are looked at before anything is decoded, and
//! rows are searched for the corners of codes before anything else is done. Codes are expected as programs draw them, turned
//! in any way; photographs of codes from aside are not mended.

mod code;
mod finder;
mod gif;
mod jpeg;
mod luma;
mod png;
#[cfg(test)]
mod tests;

use self::luma::{Bits, Luma};
use crate::{Budget, Opened, Sign};

/// Pictures up to so many pixels are decoded; 4 million, a page at 200 dots per inch.
const MAX_PIXELS: usize = 4_000_000;
/// The shortest side of a picture that holds a code of 21 modules of two pixels.
const MIN_SIDE: usize = 40;
/// Work for a pixel, in steps: decoding, and looking for corners.
const PIXEL_STEPS: u64 = 12;

/// Reads a picture. None when its kind is not decoded.
pub(crate) fn open<'a>(bytes: &[u8], media_type: &str, budget: &mut Budget) -> Option<Opened<'a>> {
    let mut opened = Opened::new();
    let (width, height) = match media_type {
        "image/gif" => gif::size(bytes),
        "image/jpeg" => jpeg::size(bytes),
        "image/png" => png::size(bytes),
        _ => return None,
    }
    .unwrap_or((0, 0));
    let pixels = width.saturating_mul(height);
    let work = match media_type {
        "image/jpeg" => jpeg::scans(bytes).saturating_mul(pixels).saturating_mul(2).saturating_add(bytes.len() * 10),
        "image/png" => png::raw_length(bytes).saturating_mul(4),
        _ => bytes.len() * 10,
    };
    if width.min(height) < MIN_SIDE {
        return Some(opened);
    }
    if pixels > MAX_PIXELS || !budget.charge_picture(pixels as u64 * PIXEL_STEPS + work as u64) {
        // A code in it would not be seen.
        opened.signs.add(Sign::Limit);
        return Some(opened);
    }
    let mut light_work = 0;
    // Nearly all pictures are photographs: in those that come in layers the first ones tell that no corner is there.
    if media_type == "image/jpeg"
        && let Some(light) = jpeg::lightened(bytes)
    {
        let luma = jpeg::decode(&light, width, height);
        if luma.is_some_and(|luma| Bits::of(luma).is_none_or(|bits| finder::find(&bits).corners.is_empty())) {
            return Some(opened);
        }
        light_work = work as u64;
    }
    // It is decoded once more.
    if !budget.charge_picture(light_work) {
        opened.signs.add(Sign::Limit);
        return Some(opened);
    }
    let luma = match media_type {
        "image/gif" => gif::decode(bytes, width, height),
        "image/jpeg" => jpeg::decode(bytes, width, height),
        _ => png::decode(bytes, width, height),
    };
    match luma {
        Some(luma) => read(luma, &mut opened, budget),
        None => opened.signs.add(Sign::Damaged),
    }
    Some(opened)
}

/// Whether [`open`] reads such pictures.
pub(crate) fn opens(media_type: &str) -> bool {
    matches!(media_type, "image/gif" | "image/jpeg" | "image/png")
}

fn read(luma: Luma, opened: &mut Opened<'_>, budget: &mut Budget) {
    let Some(bits) = Bits::of(luma) else { return };
    let found = finder::find(&bits);
    if found.is_limited {
        opened.signs.add(Sign::Limit);
    }
    for content in code::read(&bits, &found.corners, budget) {
        opened.signs.add(Sign::QrCode);
        let text = String::from_utf8_lossy(&content);
        let address = text.trim();
        opened.add_text(address);
        opened.end_line();
        // Telephones take an address without its scheme for one of the web.
        let is_bare = !address.contains("://")
            && address.contains('.')
            && !address.contains(|c: char| c.is_whitespace() || matches!(c, '@' | ':'));
        if is_bare {
            opened.add_link(&format!("http://{address}"));
        } else if !opened.add_link(address) {
            opened.add_links_of(&content);
        }
    }
}
