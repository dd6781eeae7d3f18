//! Any bytes as `winmail.dat`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::carried;

fuzz_target!(|bytes: &[u8]| {
    let file = [b"\x78\x9F\x3E\x22", bytes].concat();
    carried::check(&file, "application/vnd.ms-tnef", "winmail.dat");
});
