//! Any text as a rule file and as a file of cases: mistakes are told with their places, and what compiles judges.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use xd_core::Engine;
use xd_fuzz::ruled;

static BUILTIN: LazyLock<Engine> = LazyLock::new(|| Engine::builtin().expect("the rules that come with xd compile"));

fuzz_target!(|text: &[u8]| {
    let text = String::from_utf8_lossy(text);
    ruled::check(&text);
    ruled::check_cases(&text, &BUILTIN);
});
