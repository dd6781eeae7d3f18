//! Any bytes as an image of a disc: bounds are kept, and the same bytes give the same members.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::opened;

const TYPES: &[&str] = &["application/x-iso9660-image", "application/x-raw-disk-image"];

fuzz_target!(|input: &[u8]| opened::check(input, TYPES));
