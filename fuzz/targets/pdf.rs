//! Any bytes as a PDF file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::carried;

fuzz_target!(|bytes: &[u8]| {
    let file = [b"%PDF-1.7\n", bytes].concat();
    carried::check(&file, "application/pdf", "document.pdf");
});
