//! Any text as a page, a script, a calendar, a table, a shortcut, files in letters, what is signed, and as the names of a file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_container::{Budget, Passwords, open, signs_of, sniff};
use xd_fuzz::carried;

fuzz_target!(|bytes: &[u8]| {
    carried::check(bytes, "text/html", "page.html");
    carried::check(bytes, "image/svg+xml", "image.svg");
    carried::check(bytes, "text/calendar", "invite.ics");
    carried::check(bytes, "application/internet-shortcut", "a.url");
    carried::check(bytes, "text/x-uuencode", "a.uue");
    carried::check(bytes, "application/pkcs7-mime", "smime.p7m");
    for name in ["a.js", "a.csv"] {
        let _ = open(bytes, None, name, &Passwords::default(), &mut Budget::default());
    }
    let name = String::from_utf8_lossy(bytes);
    let names: Vec<&str> = name.split('\n').take(4).collect();
    let _ = signs_of(&names, names.last().copied(), sniff(bytes), bytes);
});
