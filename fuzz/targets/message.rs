//! Any bytes are a message: parsing ends, keeps its limits, and records what is wrong.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_core::{Limits, Message};
use xd_fuzz::{parsed, tight};

fuzz_target!(|raw: &[u8]| {
    let limits = Limits::default();
    let message = Message::parse(raw, &limits);
    parsed::check(&message, raw, &limits);
    tight::check(raw, &message);
});
