//! The life of a message at the gateway.

mod change;
mod fields;
mod judging;
mod stage;
mod trace;
