//! Maildir: a message becomes a file of its own, complete before it can be seen.
//!
//! | step | on disk |
//! |---|---|
//! | 1 | `tmp/NAME` is written and synced |
//! | 2 | it is renamed to `new/NAME` |
//! | 3 | directory `new` is synced |
//!
//! A crash before step 2 leaves a file in `tmp` that readers of Maildir remove after 36 hours, and the message in the spool. NAME is
//! made of the queue id: a message delivered again after a crash replaces itself, unless a reader has moved it to `cur`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file of `pieces` into a Maildir, which is made where it is missing.
///
/// # Errors
/// Of the disk. No file is left in `new` then.
pub(super) fn deliver(maildir: &Path, name: &str, pieces: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<()> {
    if !maildir.join("new").is_dir() {
        for folder in ["tmp", "new", "cur"] {
            fs::create_dir_all(maildir.join(folder))?;
        }
        sync(maildir)?;
        if let Some(parent) = maildir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync(parent)?;
        }
    }
    let temporary = maildir.join("tmp").join(name);
    let written = write(&temporary, pieces).and_then(|()| fs::rename(&temporary, maildir.join("new").join(name)));
    if written.is_err() {
        // What remains of it is of no use; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync(&maildir.join("new"))
}

fn write(path: &Path, pieces: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<()> {
    let mut file = File::create(path)?;
    for piece in pieces {
        file.write_all(&piece?)?;
    }
    file.sync_all()
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let maildir = std::env::temp_dir().join(format!("xd-maildir-{}", std::process::id()));
        let good = [Ok(b"Subject: a\r\n".to_vec()), Ok(b"\r\nb\r\n".to_vec())];
        deliver(&maildir, "one.example", &mut good.into_iter()).unwrap();
        assert_eq!(fs::read(maildir.join("new/one.example")).unwrap(), b"Subject: a\r\n\r\nb\r\n");
        let bad = [Ok(b"Subject: a\r\n".to_vec()), Err(io::Error::other("damaged"))];
        assert!(deliver(&maildir, "two.example", &mut bad.into_iter()).is_err());
        assert_eq!(fs::read_dir(maildir.join("new")).unwrap().count(), 1);
        assert_eq!(fs::read_dir(maildir.join("tmp")).unwrap().count(), 0);
        fs::remove_dir_all(maildir).unwrap();
    }
}
