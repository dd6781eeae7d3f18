//! The sample messages keep to what examples/README.md says of them: listed, in wire format, and pointing at nobody.
// Clippy exempts test functions only, not what they share; goes when it exempts whole test files.
#![allow(clippy::unwrap_used, reason = "all of this file is test code")]

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// Malformed on purpose; its line ends are part of it.
const MALFORMED: &str = "20-malformed.eml";

/// RFC 5322 §2.1.1, without the line end.
const MAX_LINE: usize = 998;

/// Brands that a sample impersonates by naming their real domain.
const IMPERSONATED: [&str; 2] = ["paypal.com", "www.paypal.com"];

fn examples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Names and bytes of all files in examples/mail.
fn samples() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(examples().join("mail")).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn table_lists_exactly_the_messages_there_are() {
    let readme = fs::read_to_string(examples().join("README.md")).unwrap();
    let listed: BTreeSet<&str> = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let samples = samples();
    assert_eq!(listed, samples.iter().map(|(name, _)| name.as_str()).collect());
}

#[test]
fn lines_end_with_crlf_and_are_not_too_long() {
    for (name, bytes) in samples().iter().filter(|(name, _)| name != MALFORMED) {
        let whole = bytes.strip_suffix(b"\r\n").unwrap_or_else(|| panic!("{name}: no line end at the end"));
        for line in whole.split(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            assert!(!line.contains(&b'\r') && line.len() <= MAX_LINE, "{name}: {}", String::from_utf8_lossy(line));
        }
        assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(), bytes.windows(2).filter(|pair| pair == b"\r\n").count());
    }
}

#[test]
fn hosts_are_reserved_for_documentation() {
    for (name, bytes) in samples() {
        let text = String::from_utf8_lossy(&bytes).replace("=\r\n", "");
        for (at, marker) in text.match_indices("://").chain(text.match_indices('@')) {
            let after = &text[at + marker.len()..];
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))).unwrap_or(after.len());
            let host = after[..end].trim_end_matches(['.', '-']);
            assert!(host.is_empty() || is_reserved(host), "{name}: {host}");
        }
    }
}

#[test]
fn addresses_are_reserved_for_documentation() {
    for (name, bytes) in samples() {
        let text = String::from_utf8_lossy(&bytes);
        for word in text.split(|c: char| !(c.is_ascii_digit() || c == '.')) {
            if let Ok(address) = word.parse::<Ipv4Addr>() {
                assert!(address.is_documentation() || address.is_loopback(), "{name}: {address}");
            }
        }
    }
}

fn is_reserved(host: &str) -> bool {
    let is_below = |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    // RFC 2606 §2 and §3. A host in digits is an address, which has its own test.
    ["example.com", "example.net", "example.org", "example", "invalid", "test"].into_iter().any(is_below)
        || IMPERSONATED.contains(&host)
        || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}
