//! Messages built to hurt: deep nesting, a million-byte field, ten thousand parts. Each is judged, in bounded memory.
//!
//! Time is a matter for benches; here only the exit status and the peak of resident memory count.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::report::Shortfall;
use crate::shared::SharedData;
use crate::workspace::Workspace;

/// Runs the program given as arguments, then prints its exit status, its peak resident memory in KiB and how many lines
/// it wrote. The kernel keeps the peak for the parent that waits, which std cannot ask for; the generator needs Python anyway.
/// Python's own 10 MiB or so are counted too, as the child starts as its copy: far below any bound here.
const MEASURE: &str = "import resource, subprocess, sys; \
    child = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE); \
    print(child.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, child.stdout.count(b'\\n'))";

/// A judged message may need this much, and three times its own size.
const BASE_KIB: u64 = 64 * 1024;
const TIMES_SIZE: u64 = 3;

/// Makes the messages and judges each in a process of its own.
///
/// # Errors
/// Skipped without the generator or Python; failed when a message is not judged or takes too much memory.
pub(crate) fn run(workspace: &Workspace, shared: &SharedData) -> Result<String, Shortfall> {
    let generator = shared.path("tools/gen_pathological.py");
    if !generator.is_file() {
        return Err(Shortfall::Skipped(format!("no generator: {}", generator.display())));
    }
    if !workspace.program("python3").argument("--version").succeeds() {
        return Err(Shortfall::Skipped("python3, which makes the messages, is not installed".to_owned()));
    }
    let directory = workspace.target("shared-hostile");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    workspace.program("python3").argument(generator).argument(&directory).run()?;

    let messages = messages(&directory)?;
    if messages.is_empty() {
        return Err(Shortfall::Failed("the generator made no message".to_owned()));
    }
    let complaints: Vec<String> = messages.iter().filter_map(|message| judge(workspace, message).err()).collect();
    if complaints.is_empty() { Ok(format!("{} messages", messages.len())) } else { Err(Shortfall::Failed(complaints.join("; "))) }
}

fn messages(directory: &Path) -> Result<Vec<PathBuf>, Shortfall> {
    let entries = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let mut found = entries.collect::<Result<Vec<_>, _>>()?;
    found.retain(|path| path.extension() == Some(OsStr::new("eml")));
    found.sort();
    Ok(found)
}

fn judge(workspace: &Workspace, message: &Path) -> Result<(), String> {
    let name = message.file_stem().unwrap_or_default().display();
    let size = fs::metadata(message).map_err(|error| format!("{name}: {error}"))?.len();
    let measure = workspace.program("python3").argument("-c").argument(MEASURE).argument(workspace.xd());
    let measure = measure.arguments(["scan", "--format", "jsonl", "--jobs", "1"]).argument(message);
    let figures = match measure.output() {
        Ok(printed) => String::from_utf8_lossy(&printed).into_owned(),
        Err(Shortfall::Failed(why) | Shortfall::Skipped(why)) => return Err(format!("{name}: {why}")),
    };
    println!("  {name}: {size} bytes; exit status, peak KiB, lines: {}", figures.trim());
    check(&figures, size).map_err(|why| format!("{name}: {why}"))
}

/// Holds the measured figures of a message of `size` bytes to their bounds.
fn check(figures: &str, size: u64) -> Result<(), String> {
    let fields: Vec<&str> = figures.split_whitespace().collect();
    let &[status, peak, lines] = fields.as_slice() else {
        return Err(format!("nothing measured: `{}`", figures.trim()));
    };
    if status != "0" {
        return Err(format!("ended with {status}"));
    }
    if lines != "1" {
        return Err(format!("printed {lines} lines instead of one"));
    }
    let peak: u64 = peak.parse().map_err(|_| format!("no peak of memory: {peak}"))?;
    let bound = BASE_KIB + TIMES_SIZE * size / 1024;
    if peak > bound { Err(format!("took {peak} KiB of memory, bound {bound}")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_bound_grows_with_the_message() {
        let mebibyte = 1024 * 1024;
        assert_eq!(check("0 68608 1\n", mebibyte), Ok(()));
        assert!(check("0 68609 1\n", mebibyte).unwrap_err().contains("bound 68608"));
    }

    #[test]
    fn a_message_not_judged_is_told() {
        assert!(check("-11 1000 0\n", 1).unwrap_err().contains("ended with -11"));
        assert!(check("0 1000 0\n", 1).unwrap_err().contains("0 lines"));
        assert!(check("", 1).unwrap_err().contains("nothing measured"));
    }
}
