//! `xd-smtpd --demo` shows mail that is delivered, tagged and refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::process::Command;

#[test]
fn the_demonstration_shows_all_ends() {
    let output = Command::new(env!("CARGO_BIN_EXE_xd-smtpd")).arg("--demo").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in\n{text}"));
    assert!(line("01-personal").contains(" 250 ") && line("01-personal").contains("clean"));
    assert!(line("24-cold-pitch").contains(" 250 ") && line("24-cold-pitch").contains("spam"));
    assert!(line("22-gtube").contains(" 550 "));
    assert!(line("for mallory@").ends_with("550 5.1.1 mx.example.com does not protect this address"));
    assert!(line("for someone@").contains("550 5.7.1"));
    assert!(!text.contains("not yet"), "{text}");
}
