//! Any bytes as what a client says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::said;

fuzz_target!(|bytes: &[u8]| said::bytes(bytes));
