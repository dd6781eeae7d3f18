//! A disk whose power can be cut: a file system in a file, which loses at once all that was not synced.
//!
//! The ioctl by which ext4 is shut down drops dirty pages and the running transaction of its journal, as a power cut would. A disk that lies
//! about having written is not simulated.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Room for the spools of some cycles.
const BYTES: u64 = 512 << 20;
/// `FS_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`. Perl is on every Debian, and calls it without a line of unsafe code.
const CUT: &str = "open(my $disk, '<', $ARGV[0]) or die $!; my $how = pack('L', 2); ioctl($disk, 0x8004587d, $how) or die $!";

pub(crate) struct Disk {
    image: PathBuf,
    mounted: PathBuf,
}

impl Disk {
    /// An empty one, with power.
    pub(crate) fn new(directory: &Path) -> Self {
        let disk = Self { image: directory.join("disk.image"), mounted: directory.join("disk") };
        // What an earlier test left that was killed.
        let _ = Command::new("umount").arg(&disk.mounted).output();
        let _ = fs::remove_dir_all(directory);
        fs::create_dir_all(&disk.mounted).unwrap();
        fs::File::create(&disk.image).unwrap().set_len(BYTES).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk.image));
        disk.mount();
        disk
    }

    pub(crate) fn path(&self) -> &Path {
        &self.mounted
    }

    /// Loses what was not synced. Nothing can be written any more.
    pub(crate) fn cut(&self) {
        run(Command::new("perl").args(["-e", CUT]).arg(&self.mounted));
    }

    /// The power is back: the file system recovers by its journal.
    pub(crate) fn restart(&self) {
        // The last files of a process that was killed are closed a moment later.
        for _ in 0..200 {
            if Command::new("umount").arg(&self.mounted).output().unwrap().status.success() {
                return self.mount();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{} is busy", self.mounted.display());
    }

    fn mount(&self) {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.mounted));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A failed test leaves no mount; whatever still has files open there may keep them.
        let _ = Command::new("umount").arg("--lazy").arg(&self.mounted).output();
        let _ = fs::remove_file(&self.image);
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
