//! Any bytes, judged with the rules that come with xd: the findings add up to the score, the bounds hold whatever
//! lookups answer, and the same message is judged the same twice.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use xd_core::{Engine, Limits, Message};
use xd_fuzz::judged;

static BUILTIN: LazyLock<Engine> = LazyLock::new(|| Engine::builtin().expect("the rules that come with xd compile"));

fuzz_target!(|raw: &[u8]| {
    let message = Message::parse(raw, &Limits::default());
    judged::check(&BUILTIN, &message, raw.len() as u8);
});
