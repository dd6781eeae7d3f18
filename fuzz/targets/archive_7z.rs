//! Any bytes as a 7z archive: bounds are kept, and the same bytes give the same members.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::opened;

const TYPES: &[&str] = &["application/x-7z-compressed"];

fuzz_target!(|input: &[u8]| opened::check(input, TYPES));
