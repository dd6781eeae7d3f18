//! A progress bar for long runs, on standard error, where a person sees it.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::input::count_files;

/// The bar, once the run is long enough for one.
#[derive(Debug)]
pub(crate) struct Progress {
    whole: Whole,
    state: State,
}

/// What is to be done, and by what it is measured.
#[derive(Clone, Debug)]
enum Whole {
    Bytes(u64),
    /// Those that these paths name; how many is found out once it matters.
    Files(Vec<PathBuf>),
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
    /// A bar for reading the files that these paths name, where it is wanted and standard error is a terminal.
    pub(crate) fn of_files(wanted: bool, paths: &[PathBuf]) -> Self {
        Self::new(wanted, Whole::Files(paths.to_vec()))
    }

    /// A bar for reading so many bytes, where it is wanted and standard error is a terminal.
    pub(crate) fn of_bytes(wanted: bool, bytes: u64) -> Self {
        Self::new(wanted, Whole::Bytes(bytes))
    }

    fn new(wanted: bool, whole: Whole) -> Self {
        let show = wanted && io::stderr().is_terminal();
        let state = if show { State::Waiting(Instant::now() + DELAY) } else { State::Off };
        Self { whole, state }
    }

    /// Notes that so much is finished.
    pub(crate) fn reached(&mut self, position: u64) {
        match &self.state {
            State::Off => {}
            State::Waiting(due) => {
                if Instant::now() >= *due {
                    self.state = State::Shown(show(&self.whole));
                }
            }
            State::Shown(bar) => bar.set_position(position),
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

fn show(whole: &Whole) -> ProgressBar {
    let bar = ProgressBar::no_length();
    // The templates are constant; a bar without a style still counts.
    let style = |bar: &ProgressBar, template: &str| {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
    };
    match whole {
        Whole::Bytes(bytes) => {
            style(&bar, "{wide_bar} {binary_bytes}/{binary_total_bytes}, {eta} left");
            bar.set_length(*bytes);
        }
        Whole::Files(paths) => {
            style(&bar, "{spinner} {human_pos} files judged");
            let (counter, paths) = (bar.clone(), paths.clone());
            // How many there are is worth knowing only in long runs, and must not hold them up.
            std::thread::spawn(move || {
                let Some(files) = count_files(&paths) else { return };
                style(&counter, "{wide_bar} {human_pos}/{human_len} files, {eta} left");
                counter.set_length(files);
            });
        }
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
