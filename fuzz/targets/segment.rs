//! Any bytes as a segment, as a record of one, and as operations on one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::stored;

fuzz_target!(|bytes: &[u8]| {
    stored::bytes(bytes);
    stored::operations(bytes);
});
