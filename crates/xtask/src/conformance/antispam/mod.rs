use super::{Reading, VectorFile};
pub(super) fn read(_: &VectorFile) -> Reading {
    Reading::Unknown
}
