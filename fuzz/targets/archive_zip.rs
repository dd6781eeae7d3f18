//! Any bytes as a zip archive: bounds are kept, and the same bytes give the same members.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::opened;

const TYPES: &[&str] = &["application/zip"];

fuzz_target!(|input: &[u8]| opened::check(input, TYPES));
