//! The three corners of a code: squares within squares, which cross as 1:1:3:1:1 in every direction.

use super::luma::{Bits, DARK};

/// Corners that are looked at; a page of codes has a dozen.
const MAX_CORNERS: usize = 60;
/// Rows are looked at so far apart. The inner square of a corner is three modules high.
const ROW_STEP: usize = 2;

/// One corner of a code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corner {
    /// Its centre, in pixels.
    pub(super) x: f32,
    pub(super) y: f32,
    /// The side of a module, in pixels.
    pub(super) module: f32,
    /// Dark on light, as most codes are.
    pub(super) is_dark: bool,
    /// Rows in which it was seen.
    seen: usize,
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) corners: Vec<Corner>,
    /// There are more.
    pub(super) is_limited: bool,
}

/// Looks for corners, both dark on light and light on dark.
pub(super) fn find(bits: &Bits) -> Found {
    let mut found = Found::default();
    for y in (0..bits.height).step_by(ROW_STEP) {
        let row = bits.row(y);
        let Some(&first) = row.first() else { break };
        // The last five runs, the newest at the end.
        let mut runs = [0_usize; 5];
        let (mut start, mut colour, mut count) = (0, first, 0_usize);
        while let Some(rest) = row.get(start..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr(colour ^ 1, rest).unwrap_or(rest.len());
            let x = start + length;
            runs = [runs[1], runs[2], runs[3], runs[4], length];
            count += 1;
            if count >= 5 && is_corner(&runs) {
                // The newest run is of the ring, as the middle one is of the square.
                let middle = x - runs[4] - runs[3] - runs[2] / 2 - 1;
                found.take(bits, middle, y, runs.iter().sum::<usize>(), colour == DARK);
                if found.is_limited {
                    return found;
                }
            }
            start = x;
            colour ^= 1;
        }
    }
    found.corners.retain(|corner| corner.seen > 1 || corner.module < 2.0);
    found
}

/// Whether runs have the lengths 1:1:3:1:1, each give or take a half.
fn is_corner(runs: &[usize; 5]) -> bool {
    let total: usize = runs.iter().sum();
    // In fourteenths of the whole: a module is 2.
    let near = |run: usize, modules: usize| (run * 14).abs_diff(total * 2 * modules) <= total * modules;
    total >= 7 && near(runs[0], 1) && near(runs[1], 1) && near(runs[2], 3) && near(runs[3], 1) && near(runs[4], 1)
}

impl Found {
    /// Takes a place in a row, when its column crosses a corner as well.
    fn take(&mut self, bits: &Bits, x: usize, y: usize, width: usize, is_dark: bool) {
        let Some((middle_y, height)) = column(bits, x, y, width, is_dark) else { return };
        if width.abs_diff(height) * 5 > width.max(height) * 2 {
            return;
        }
        let module = (width + height) as f32 / 14.0;
        let (x, y) = (x as f32 + 0.5, middle_y);
        for corner in &mut self.corners {
            let is_near = (corner.x - x).abs() <= module * 1.5 && (corner.y - y).abs() <= module * 1.5;
            if corner.is_dark == is_dark && is_near {
                let weight = corner.seen as f32;
                corner.x = (corner.x * weight + x) / (weight + 1.0);
                corner.y = (corner.y * weight + y) / (weight + 1.0);
                corner.module = (corner.module * weight + module) / (weight + 1.0);
                corner.seen += 1;
                return;
            }
        }
        if self.corners.len() < MAX_CORNERS {
            self.corners.push(Corner { x, y, module, is_dark, seen: 1 });
        } else {
            self.is_limited = true;
        }
    }
}

/// The middle and height of a corner in the column of a place in its inner square.
fn column(bits: &Bits, x: usize, y: usize, width: usize, is_dark: bool) -> Option<(f32, usize)> {
    let longest = width;
    let run = |from: usize, is_up: bool, colour: bool| {
        let mut length = 0;
        let mut at = from;
        while length <= longest && at < bits.height && bits.is_dark(x, at) == colour {
            length += 1;
            match is_up {
                true if at == 0 => break,
                true => at -= 1,
                false => at += 1,
            }
        }
        length
    };
    let up = run(y, true, is_dark);
    let down = run(y + 1, false, is_dark);
    let above = run(y.checked_sub(up)?, true, !is_dark);
    let top = run(y.checked_sub(up + above)?, true, is_dark);
    let below = run(y + 1 + down, false, !is_dark);
    let bottom = run(y + 1 + down + below, false, is_dark);
    let runs = [top, above, up + down, below, bottom];
    let start = (y + 1).checked_sub(up)?;
    is_corner(&runs).then(|| (start as f32 + (up + down) as f32 / 2.0, runs.iter().sum()))
}
