//! SPF as others would use it: checks against DNS in memory, as cases and as properties.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot be set up has failed")]

mod cases;
mod properties;
mod world;
