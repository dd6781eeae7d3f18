//! Authentication-Results (RFC 8601): writing what was found into a field, and telling which fields claim to be ours.
//!
//! [`Field`] is the field to add. [`is_ours`] finds those that were there before and name us as the one who checked: they are forged,
//! since mail comes in from outside, and must be removed (§5). Reading what others found in their fields is left to others.

mod field;
mod identifier;
mod text;

pub use field::{Entry, Field, IprevResult, MAX_ENTRIES, MAX_PROPERTIES, Method, PropertyType};
pub use identifier::{authserv_id, is_ours};
pub use text::MAX_VALUE;
