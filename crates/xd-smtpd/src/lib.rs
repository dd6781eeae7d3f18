//! The gateway: accepts, judges, never loses, delivers.
#![forbid(unsafe_code)]

pub mod client;
pub mod delivery;
