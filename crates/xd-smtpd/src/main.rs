//! The `xd-smtpd` command: reads its arguments and hands on to the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// A gateway makes many short-lived allocations, on many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    xd_smtpd::program::run()
}
