//! What the tests of the program share: a directory of their own, a way to run it, and a few rules.

#![allow(dead_code, reason = "each test program uses its part")]
#![allow(unreachable_pub, reason = "shared between test programs")]
#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Rules on the subject: `prize` gives 3.00, `watch` 2.50, `minutes` -1.00, `never` what no message has; `odd` gives its
/// points once the EHLO domain is known.
pub const RULES: &str = r#"
family = "sample"
[[rule]]
id = "prize"
score = "3.00"
why = "the subject promises a prize"
when = { in = "subject", words = ["prize"] }
[[rule]]
id = "watch"
score = "2.50"
why = "the subject offers watches"
when = { in = "subject", words = ["watch"] }
[[rule]]
id = "minutes"
score = "-1.00"
why = "the subject speaks of minutes"
when = { in = "subject", words = ["minutes"] }
[[rule]]
id = "never"
score = "9.00"
why = "the subject says what none says"
when = { in = "subject", words = ["xyzzy"] }
"#;

/// A directory of one test.
pub struct Place {
    root: PathBuf,
}

/// What a run gave.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    /// An empty directory, named for its test, with the rules of [`RULES`] in `rules.toml`.
    pub fn new(test: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        fs::create_dir_all(&root).unwrap();
        let place = Self { root };
        place.write("rules.toml", RULES);
        place
    }

    /// Writes a file, with its directories.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a message with a subject.
    pub fn message(&self, path: &str, subject: &str) {
        self.write(path, message(subject));
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A command in this directory, its arguments separated by blanks.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xd"));
        command.args(arguments.split_whitespace()).current_dir(&self.root);
        command
    }

    pub fn run(&self, arguments: &str) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs with standard input.
    pub fn run_with(&self, arguments: &str, input: &[u8]) -> Run {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap().into()
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// The lines of standard output as JSON.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// One member of all lines, as texts.
    pub fn all(&self, member: &str) -> Vec<String> {
        self.json().iter().map(|line| line[member].as_str().unwrap().to_owned()).collect()
    }
}

/// A small message with a subject.
pub fn message(subject: &str) -> String {
    format!("From: Ann <ann@example.com>\nTo: bob@example.org\nSubject: {subject}\n\nHello.\n")
}
