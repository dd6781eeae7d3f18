//! Codes from their corners: which three belong together, what stands between them, what it says.

use super::finder::Corner;
use super::luma::Bits;
use crate::Budget;

/// Codes of one picture.
const MAX_CODES: usize = 8;
/// Threes of corners that are tried.
const MAX_TRIES: usize = 60;

/// Three corners as they lie in a code, with how far they are from a right angle with equal legs.
#[derive(Clone, Copy, Debug)]
struct Three {
    error: f32,
    corner: Corner,
    right: Corner,
    below: Corner,
}

/// Modules of one code.
struct Modules {
    side: usize,
    dark: Vec<bool>,
}

impl rqrr::BitGrid for Modules {
    fn size(&self) -> usize {
        self.side
    }

    fn bit(&self, y: usize, x: usize) -> bool {
        self.dark.get(y * self.side + x).is_some_and(|dark| *dark)
    }
}

/// What the codes say.
pub(super) fn read(bits: &Bits, corners: &[Corner], budget: &mut Budget) -> Vec<Vec<u8>> {
    let mut contents: Vec<Vec<u8>> = Vec::new();
    for three in threes(corners).into_iter().take(MAX_TRIES) {
        // The side is estimated by the size of a module; both neighbours may be meant.
        let legs = distance(three.corner, three.right) + distance(three.corner, three.below);
        let module = (three.corner.module + three.right.module + three.below.module) / 3.0;
        let side = legs / 2.0 / module + 7.0;
        // Sides are 21, 25, … 177.
        let version = ((side - 17.0) / 4.0).round() as i32;
        for version in [version, version - 1, version + 1] {
            if !(1..=40).contains(&version) {
                continue;
            }
            let side = usize::try_from(17 + 4 * version).unwrap_or(21);
            if !budget.charge_steps((side * side) as u64 * 40) {
                return contents;
            }
            let modules = sample(bits, &three, side);
            if !has_timing(&modules) {
                continue;
            }
            let mut content = Vec::new();
            if rqrr::Grid::new(modules).decode_to(&mut content).is_ok() && !content.is_empty() {
                if !contents.contains(&content) {
                    contents.push(content);
                }
                break;
            }
        }
        if contents.len() >= MAX_CODES {
            break;
        }
    }
    contents
}

/// Corners that may make a code, the likeliest first.
fn threes(corners: &[Corner]) -> Vec<Three> {
    let mut threes = Vec::new();
    for (a, &corner) in corners.iter().enumerate() {
        for (b, &right) in corners.iter().enumerate() {
            for &below in corners.iter().skip(b + 1) {
                let is_same = |one: Corner, other: Corner| (one.x - other.x).abs() + (one.y - other.y).abs() < 1.0;
                if a == b || is_same(corner, below) || corner.is_dark != right.is_dark || corner.is_dark != below.is_dark {
                    continue;
                }
                let alike = |other: f32| (corner.module - other).abs() <= corner.module * 0.4;
                if !alike(right.module) || !alike(below.module) {
                    continue;
                }
                let (first, second, across) = (distance(corner, right), distance(corner, below), distance(right, below));
                let leg = (first + second) / 2.0;
                let error = (first - second).abs() / leg + (across - leg * std::f32::consts::SQRT_2).abs() / leg;
                if error > 0.4 || leg < corner.module * 12.0 || leg > corner.module * 190.0 {
                    continue;
                }
                // Seen from the corner, the way from the right to below turns as a clock does.
                let turn = (right.x - corner.x) * (below.y - corner.y) - (right.y - corner.y) * (below.x - corner.x);
                let (right, below) = if turn >= 0.0 { (right, below) } else { (below, right) };
                threes.push(Three { error, corner, right, below });
            }
        }
    }
    threes.sort_by(|one, other| one.error.total_cmp(&other.error));
    threes
}

fn distance(one: Corner, other: Corner) -> f32 {
    let (x, y) = (one.x - other.x, one.y - other.y);
    (x * x + y * y).sqrt()
}

/// The modules between three corners, whose centres lie three and a half modules from the edges.
fn sample(bits: &Bits, three: &Three, side: usize) -> Modules {
    let span = (side - 7) as f32;
    let step = |to: Corner| ((to.x - three.corner.x) / span, (to.y - three.corner.y) / span);
    let (right, below) = (step(three.right), step(three.below));
    let mut dark = Vec::with_capacity(side * side);
    for row in 0..side {
        for column in 0..side {
            let (row, column) = (row as f32 - 3.0, column as f32 - 3.0);
            let x = three.corner.x + column * right.0 + row * below.0;
            let y = three.corner.y + column * right.1 + row * below.1;
            // Negative places become none: the conversion saturates at 0, where the edge of the picture is.
            let is_inside = x >= 0.0 && y >= 0.0;
            dark.push(is_inside && bits.is_dark(x as usize, y as usize) == three.corner.is_dark);
        }
    }
    Modules { side, dark }
}

/// Whether dark and light take turns between the corners, as they do in every code (ISO/IEC 18004 §6.3.4). An eighth may be wrong.
fn has_timing(modules: &Modules) -> bool {
    use rqrr::BitGrid;
    let places = 8..modules.side - 8;
    let wrong = places.clone().filter(|&at| modules.bit(6, at) != (at % 2 == 0)).count()
        + places.clone().filter(|&at| modules.bit(at, 6) != (at % 2 == 0)).count();
    wrong * 4 <= places.len()
}
