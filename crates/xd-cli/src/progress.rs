//! A progress bar for long runs, on standard error, where a person sees it.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::input::count_files;

/// The bar, once the run is long enough for one.
#[derive(Debug)]
pub(crate) struct Progress {
    paths: Vec<PathBuf>,
    state: State,
}

#[derive(Debug)]
enum State {
    Off,
    /// Not shown before this moment.
    Waiting(Instant),
    Shown(ProgressBar),
}

/// Runs shorter than this need no bar.
const DELAY: Duration = Duration::from_secs(1);

impl Progress {
    /// A bar for reading these paths, where it is wanted and standard error is a terminal.
    pub(crate) fn new(wanted: bool, paths: &[PathBuf]) -> Self {
        let show = wanted && io::stderr().is_terminal();
        let state = if show { State::Waiting(Instant::now() + DELAY) } else { State::Off };
        Self { paths: paths.to_vec(), state }
    }

    /// Notes that so many files are finished.
    pub(crate) fn reached(&mut self, files: u64) {
        match &self.state {
            State::Off => {}
            State::Waiting(due) => {
                if Instant::now() >= *due {
                    self.state = State::Shown(show(std::mem::take(&mut self.paths)));
                }
            }
            State::Shown(bar) => bar.set_position(files),
        }
    }

    /// Prints while the bar is out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.state {
            State::Shown(bar) => bar.suspend(print),
            State::Off | State::Waiting(_) => print(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let State::Shown(bar) = &self.state {
            bar.finish_and_clear();
        }
    }
}

fn show(paths: Vec<PathBuf>) -> ProgressBar {
    let bar = ProgressBar::no_length();
    let counting = "{spinner} {human_pos} files judged";
    let counted = "{wide_bar} {human_pos}/{human_len} files, {eta} left";
    // The templates are constant; a bar without a style still counts.
    if let Ok(style) = ProgressStyle::with_template(counting) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    let counter = bar.clone();
    // How many there are is worth knowing only in long runs, and must not hold them up.
    std::thread::spawn(move || {
        let Some(files) = count_files(&paths) else { return };
        if let Ok(style) = ProgressStyle::with_template(counted) {
            counter.set_style(style);
        }
        counter.set_length(files);
    });
    bar
}
