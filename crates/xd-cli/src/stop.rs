//! Interrupts: the first asks for an orderly end after whole lines, the second ends at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::failure::{Failure, INTERRUPTED};

static ASKED: AtomicBool = AtomicBool::new(false);

/// How long an orderly end may take. A command that waits for standard input cannot look at the flag.
const GRACE: Duration = Duration::from_secs(1);

/// Listens for interrupts from now on.
pub(crate) fn listen() -> Result<(), Failure> {
    let handler = || {
        if !ASKED.swap(true, Ordering::Relaxed) {
            std::thread::sleep(GRACE);
        }
        // Output is written by whole lines, so that ending here cuts none.
        std::process::exit(i32::from(INTERRUPTED));
    };
    ctrlc::set_handler(handler).map_err(|error| Failure::operator(format!("cannot listen for interrupts: {error}")))
}

/// Whether an interrupt came.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
