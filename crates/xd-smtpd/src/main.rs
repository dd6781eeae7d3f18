//! The `xd-smtpd` command.
#![forbid(unsafe_code)]

fn main() {}
