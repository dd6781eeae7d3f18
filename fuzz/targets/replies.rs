//! Any bytes as what a next hop says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::replied;

fuzz_target!(|bytes: &[u8]| replied::bytes(bytes));
