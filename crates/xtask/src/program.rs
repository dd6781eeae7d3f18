//! Running other programs: shown before they start, without standard input, judged by their exit status.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::report::Shortfall;

/// One program with its arguments, not started yet.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
}

impl Program {
    /// A program that will run in `directory` and finds nothing on standard input.
    pub(crate) fn new(name: &Path, directory: &Path) -> Self {
        let mut command = Command::new(name);
        command.current_dir(directory).stdin(Stdio::null());
        Self { command }
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn arguments<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn environment(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it with its output passed through.
    ///
    /// # Errors
    /// [`Shortfall::Failed`] when it cannot start or does not exit with 0.
    pub(crate) fn run(mut self) -> Result<(), Shortfall> {
        println!("$ {self}");
        let status = self.command.status().map_err(|error| self.cannot_start(&error))?;
        self.expect_success(status)
    }

    /// Runs it and returns what it wrote to standard output; standard error is passed through.
    ///
    /// # Errors
    /// [`Shortfall::Failed`] when it cannot start or does not exit with 0.
    pub(crate) fn output(mut self) -> Result<Vec<u8>, Shortfall> {
        println!("$ {self}");
        let output = self.command.stderr(Stdio::inherit()).output().map_err(|error| self.cannot_start(&error))?;
        self.expect_success(output.status)?;
        Ok(output.stdout)
    }

    /// Whether it starts and exits with 0; nothing of it is shown.
    pub(crate) fn succeeds(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn cannot_start(&self, error: &std::io::Error) -> Shortfall {
        Shortfall::Failed(format!("cannot start `{self}`: {error}"))
    }

    fn expect_success(&self, status: ExitStatus) -> Result<(), Shortfall> {
        if status.success() { Ok(()) } else { Err(Shortfall::Failed(format!("`{self}` ended with {status}"))) }
    }
}

/// As a person would type it, but without quoting.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Path::new(self.command.get_program()).file_name().unwrap_or_else(|| self.command.get_program());
        write!(f, "{}", name.display())?;
        self.command.get_args().try_for_each(|argument| write!(f, " {}", argument.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program::new(Path::new("sh"), Path::new(".")).argument("-c").argument(script)
    }

    #[test]
    fn a_program_is_judged_by_its_exit_status() {
        assert!(shell("exit 0").run().is_ok());
        assert!(matches!(shell("exit 3").run(), Err(Shortfall::Failed(why)) if why.contains("exit status: 3")));
        assert!(!shell("exit 1").succeeds());
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let missing = Program::new(Path::new("/nonexistent/xd"), Path::new("."));
        assert!(matches!(missing.run(), Err(Shortfall::Failed(why)) if why.contains("cannot start `xd`")));
    }

    #[test]
    fn standard_input_is_empty() {
        assert_eq!(shell("cat; echo end").output().unwrap(), b"end\n");
    }
}
