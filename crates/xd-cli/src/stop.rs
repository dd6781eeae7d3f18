//! Interrupts: the first asks for an orderly end after whole lines, the second ends at once.
//!
//! A thread that waits for standard input or a FIFO cannot look at a flag. So when an orderly end takes long and some
//! thread is waiting for input, the program ends from here, but never in the middle of a write.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::failure::{Failure, INTERRUPTED};

static ASKED: AtomicBool = AtomicBool::new(false);
static READING: AtomicUsize = AtomicUsize::new(0);
static WRITING: Mutex<()> = Mutex::new(());

/// How long an orderly end may take before a waiting reader is given up.
const GRACE: Duration = Duration::from_secs(1);

/// Listens for interrupts from now on.
pub(crate) fn listen() -> Result<(), Failure> {
    let handler = || {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        // On a thread of its own, so that a second interrupt is heard.
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(GRACE);
                if READING.load(Ordering::SeqCst) > 0 {
                    let _whole = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
                    std::process::exit(i32::from(INTERRUPTED));
                }
            }
        });
    };
    ctrlc::set_handler(handler).map_err(|error| Failure::operator(format!("cannot listen for interrupts: {error}")))
}

/// Whether an interrupt came.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Reads something that may keep us waiting.
pub(crate) fn while_reading<T>(read: impl FnOnce() -> T) -> T {
    READING.fetch_add(1, Ordering::SeqCst);
    let result = read();
    READING.fetch_sub(1, Ordering::SeqCst);
    result
}

/// Writes whole lines.
pub(crate) fn while_writing<T>(write: impl FnOnce() -> T) -> T {
    let _whole = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    write()
}
