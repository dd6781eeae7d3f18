//! Any bytes as a RAR archive, a cabinet or an archive of older programs: bounds are kept, and the same bytes give the same members.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::opened;

const TYPES: &[&str] = &[
    "application/vnd.rar",
    "application/vnd.ms-cab-compressed",
    "application/x-arj",
    "application/x-ace-compressed",
    "application/x-lzh-compressed",
];

fuzz_target!(|input: &[u8]| opened::check(input, TYPES));
