//! `docs/files.md` is true: its signs and bounds are those of the program.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads the page that it checks")]

use std::path::Path;

use xd_core::{Limits, Sign};

#[test]
fn signs_and_bounds_are_those_of_the_program() {
    let signs: String = Sign::ALL.iter().map(|sign| format!("| `{}` | {} |\n", sign.id(), sign.sentence())).collect();
    let files = Limits::default().files;
    let bounds = [
        ("bytes that come out of compression, encryption and encodings", format!("{} MiB", files.decoded_bytes >> 20)),
        ("members listed", files.members.to_string()),
        ("files that stand in one another", files.depth.to_string()),
        ("work, in steps of about a nanosecond", format!("{} million", files.steps / 1_000_000)),
        ("parts of the message, members included", Limits::default().parts.to_string()),
    ];
    let bounds: String = bounds.iter().map(|(about, value)| format!("| {about} | {value} |\n")).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/files.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let updated = replaced(&text, "signs", &format!("| id | meaning |\n|---|---|\n{signs}"));
    let updated = replaced(&updated, "bounds", &format!("| of | at most |\n|---|---|\n{bounds}"));
    if std::env::var_os("XD_BLESS").is_some() {
        std::fs::write(path, updated).unwrap();
    } else {
        assert!(text == updated, "docs/files.md is out of date; run XD_BLESS=1 cargo test -p xd-core --test file_docs");
    }
}

/// The text with what stands between the two marks of `name` replaced.
fn replaced(text: &str, name: &str, content: &str) -> String {
    let start = text.find(&format!("<!-- {name}:")).unwrap();
    let start = start + text[start..].find("-->\n").unwrap() + 4;
    let end = text.find(&format!("<!-- end of {name} -->")).unwrap();
    format!("{}{content}{}", &text[..start], &text[end..])
}
