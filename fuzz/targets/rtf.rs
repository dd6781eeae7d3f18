//! Any bytes as RTF.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::carried;

fuzz_target!(|bytes: &[u8]| {
    let file = [b"{\\rt", bytes].concat();
    carried::check(&file, "application/rtf", "document.rtf");
});
