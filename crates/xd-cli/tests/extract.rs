//! `xd extract`: what it lists of files that it can and cannot read as a whole.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod support;

use support::Place;

/// An archive with one file that is packed by a method nobody knows.
const ARCHIVE: &[u8] = b"PK\x03\x04\x14\0\0\0\x63\x01\0\0\0\0\0\0\0\0\x01\0\0\0\x09\0\0\0\x01\0\0\0a\x07\
    PK\x01\x02\x14\0\x14\0\0\0\x63\x01\0\0\0\0\0\0\0\0\x01\0\0\0\x09\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a\
    PK\x05\x06\0\0\0\0\x01\0\x01\0\x2F\0\0\0\x20\0\0\0\0\0";

fn mail(parts: usize) -> Vec<u8> {
    let mut raw = b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec();
    for _ in 0..parts {
        raw.extend(b"--b\nContent-Type: application/zip; name=a.zip\n\n");
        raw.extend(ARCHIVE);
        raw.push(b'\n');
    }
    raw.extend(b"--b--\n");
    raw
}

#[test]
fn what_is_not_read_as_a_whole_has_no_hash() {
    let place = Place::new("what_is_not_read_as_a_whole_has_no_hash");
    place.write("a.eml", mail(1));
    let run = place.run("extract --format json a.eml");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let lines = run.json();
    assert_eq!((&lines[0]["whole"], &lines[1]["whole"]), (&true.into(), &false.into()));
    assert!(lines[0]["sha256"].is_string() && lines[1]["sha256"].is_null());
    assert!(place.run("extract a.eml").out.contains("0 bytes read"));
}

#[test]
fn files_that_are_left_out_are_said() {
    let place = Place::new("files_that_are_left_out_are_said");
    place.write("a.eml", mail(1_500));
    let run = place.run("extract a.eml");
    assert!(run.err.contains("not all files are listed"), "{}", run.err);
    assert_eq!(run.code, Some(2));
}
