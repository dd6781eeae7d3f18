//! Any bytes as records of the journal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::spooled;

fuzz_target!(|bytes: &[u8]| spooled::journal(bytes));
