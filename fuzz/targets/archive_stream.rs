//! Any bytes as a tar archive or a compressed file: bounds are kept, and the same bytes give the same members.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::opened;

const TYPES: &[&str] = &[
    "application/x-tar",
    "application/gzip",
    "application/x-bzip2",
    "application/x-lzma",
    "application/x-xz",
    "application/zstd",
];

fuzz_target!(|input: &[u8]| opened::check(input, TYPES));
