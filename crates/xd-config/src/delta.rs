//! What was learned, from a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use xd_core::classify::Delta;

/// A longer file is nothing that was learned: the most messages with the most features each take less.
const BYTES_MAX: u64 = 32 << 20;

/// What a file of lessons holds; `None` where there is no such file.
///
/// # Errors
/// Says why it cannot be read, or what is wrong in it and where.
pub fn delta(path: &Path) -> Result<Option<Delta>, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes)) {
        Ok(_) if bytes.len() as u64 > BYTES_MAX => {
            Err(told(&format_args!("it has more than {} MiB, which nothing that was learned has", BYTES_MAX >> 20)))
        }
        Ok(_) => Delta::read(&bytes).map(Some).map_err(|error| told(&error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(told(&error)),
    }
}
