//! What opening may cost: decoded bytes, members and steps, over all containers of one message together.

use crate::opens;

/// The bounds of all work on what one message carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "made whole by those who embed the crate, with `..Bounds::default()`")]
pub struct Bounds {
    /// Bytes that come out of compression, encryption and encodings, over the whole tree; 32 MiB. Bombs promise thousands of
    /// times more; a mail's worth of documents stays below.
    pub decoded_bytes: usize,
    /// Members listed over the whole tree; 10,000.
    pub members: usize,
    /// Work, in steps of about a nanosecond each; 250 million. What decodes slowly (LZMA, key derivation) takes more of them
    /// for each byte than what decodes fast, so that no input keeps a processor busy for long.
    pub steps: u64,
    /// Containers that stand around one another; 20. Archives that hold themselves never end.
    pub depth: usize,
    /// Whether every member is decoded as a whole, for whoever writes them out; `false`: of what nothing opens, the beginning is
    /// enough to know it by.
    pub keep_all: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { decoded_bytes: 32 << 20, members: 10_000, steps: 250_000_000, depth: 20, keep_all: false }
    }
}

/// What is left of the bounds.
///
/// # Example: how much may still be decoded?
/// ```
/// use xd_container::{Bounds, Budget};
///
/// let mut budget = Budget::new(Bounds { decoded_bytes: 10, ..Bounds::default() });
/// assert_eq!(budget.decoded_left(), 10);
/// budget.charge_decoded(8);
/// assert_eq!(budget.decoded_left(), 2);
/// assert!(budget.charge_steps(1_000));
/// ```
#[derive(Clone, Debug)]
pub struct Budget {
    left: Bounds,
    /// Steps that pictures may still take, of those that are left for all.
    #[cfg_attr(not(feature = "qr"), expect(dead_code, reason = "pictures are read with the feature alone"))]
    picture_steps: u64,
}

/// Pictures may take one step of so many: what else a message carries has to be opened, too.
const PICTURE_SHARE: u64 = 2;

impl Default for Budget {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Budget {
    /// The whole of these bounds.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { left: bounds, picture_steps: bounds.steps / PICTURE_SHARE }
    }

    /// Bytes that may still be decoded. Decoders stop there and say [`Sign::Limit`](crate::Sign::Limit).
    #[must_use]
    pub fn decoded_left(&self) -> usize {
        self.left.decoded_bytes
    }

    /// Takes decoded bytes from what is left.
    pub fn charge_decoded(&mut self, bytes: usize) {
        self.left.decoded_bytes = self.left.decoded_bytes.saturating_sub(bytes);
    }

    /// Whether one more member may be listed; takes it from what is left.
    #[must_use]
    pub fn charge_member(&mut self) -> bool {
        let is_left = self.left.members > 0;
        self.left.members -= usize::from(is_left);
        is_left
    }

    /// Whether so many steps are left; takes them. When they are not, none remain.
    #[must_use]
    pub fn charge_steps(&mut self, steps: u64) -> bool {
        let is_left = self.left.steps >= steps;
        self.left.steps = self.left.steps.saturating_sub(steps);
        is_left
    }

    /// Whether a picture may take so many steps of those that are left; takes them. A picture that is too large takes none.
    #[cfg(feature = "qr")]
    pub(crate) fn charge_picture(&mut self, steps: u64) -> bool {
        let is_left = self.picture_steps >= steps && self.left.steps >= steps;
        if is_left {
            self.picture_steps -= steps;
            self.left.steps -= steps;
        }
        is_left
    }

    /// Steps that are left.
    #[must_use]
    pub fn steps_left(&self) -> u64 {
        self.left.steps
    }

    /// Whether a member of this type and name is to be decoded as a whole.
    pub(crate) fn wants(&self, media_type: Option<&str>, name: &str) -> bool {
        self.left.keep_all || opens(media_type, name)
    }

    /// How deep containers may stand in one another.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.left.depth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_steps_hold_on_both_sides() {
        let mut budget = Budget::new(Bounds { members: 1, steps: 10, ..Bounds::default() });
        assert!(budget.charge_member());
        assert!(!budget.charge_member());
        assert!(budget.charge_steps(10));
        assert!(!budget.charge_steps(1));
    }

    #[test]
    #[cfg(feature = "qr")]
    fn pictures_leave_half() {
        let mut budget = Budget::new(Bounds { steps: 10, ..Bounds::default() });
        assert!(!budget.charge_picture(6));
        assert!(budget.charge_picture(5));
        assert!(!budget.charge_picture(1));
        assert!(budget.charge_steps(5));
    }
}
