//! Pictures as brightness, and as dark and light.

/// Brightness of every pixel, row by row.
#[derive(Clone, Debug)]
pub(super) struct Luma {
    pub(super) width: usize,
    pub(super) height: usize,
    /// As many as width times height.
    pub(super) pixels: Vec<u8>,
}

/// What is dark in a picture.
#[derive(Clone, Debug)]
pub(super) struct Bits {
    pub(super) width: usize,
    pub(super) height: usize,
    /// A byte for each pixel, [`DARK`] or 0: runs of one are searched for.
    dark: Vec<u8>,
}

/// A dark pixel.
pub(super) const DARK: u8 = 1;

/// Dark and light of a code lie at least so far apart.
const MIN_CONTRAST: u64 = 40;

/// The brightness of a colour before a background of white.
#[inline]
pub(super) fn brightness(red: u8, green: u8, blue: u8, alpha: u8) -> u8 {
    // In 16 bits, which hold every sum here, processors work on many pixels at once.
    let luma = (u16::from(red) * 77 + u16::from(green) * 151 + u16::from(blue) * 28) >> 8;
    let alpha = u16::from(alpha);
    let sum = luma * alpha + 255 * (255 - alpha);
    // That is the sum by 255, exactly, for all that may come.
    ((sum + 1 + (sum >> 8)) >> 8).to_le_bytes()[0]
}

impl Bits {
    /// Divides a picture at the brightness that best tells two groups of pixels apart (Otsu's method). None when there are no
    /// two: a picture of one tone holds no code.
    pub(super) fn of(luma: Luma) -> Option<Self> {
        let mut counts = [0_u64; 256];
        // Every seventh pixel is enough to know the tones.
        for &pixel in luma.pixels.iter().step_by(7) {
            counts[usize::from(pixel)] += 1;
        }
        let total: u64 = counts.iter().sum();
        let sum: u64 = counts.iter().enumerate().map(|(tone, count)| tone as u64 * count).sum();
        let (mut below, mut sum_below) = (0_u64, 0_u64);
        let mut best: Option<(u64, u8, u64)> = None;
        for (tone, count) in (0_u8..=255).zip(counts) {
            below += count;
            sum_below += u64::from(tone) * count;
            let above = total - below;
            if below == 0 || above == 0 {
                continue;
            }
            let distance = ((sum - sum_below) / above).saturating_sub(sum_below / below);
            let between = below * above / total.max(1) * distance * distance;
            if best.is_none_or(|(most, _, _)| between > most) {
                best = Some((between, tone, distance));
            }
        }
        let (_, threshold, distance) = best?;
        let is_whole = luma.pixels.len() == luma.width.checked_mul(luma.height)?;
        (distance >= MIN_CONTRAST && is_whole).then(|| Self {
            width: luma.width,
            height: luma.height,
            // In place: pictures are large.
            dark: luma.pixels.into_iter().map(|pixel| u8::from(pixel <= threshold)).collect(),
        })
    }

    pub(super) fn row(&self, y: usize) -> &[u8] {
        y.checked_mul(self.width).and_then(|start| self.dark.get(start..start + self.width)).unwrap_or_default()
    }

    /// Whether a pixel is dark; outside of the picture none is.
    pub(super) fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.width && self.dark.get(y.saturating_mul(self.width).saturating_add(x)).is_some_and(|dark| *dark == DARK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_before_white_is_exact() {
        for grey in 0..=255 {
            for alpha in 0..=255 {
                let (tone, over) = (u32::from(grey), u32::from(alpha));
                let expected = (tone * over + 255 * (255 - over)) / 255;
                assert_eq!(u32::from(brightness(grey, grey, grey, alpha)), expected, "{grey} {alpha}");
            }
        }
    }
}
