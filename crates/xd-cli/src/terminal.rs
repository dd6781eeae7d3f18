//! What standard output is: its width, and whether colours help there.

use std::fmt;
use std::io::{self, IsTerminal};

use terminal_size::Width;

/// Where text is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// Columns.
    pub(crate) width: usize,
    /// Whether colours are wanted.
    pub(crate) colour: bool,
    /// Whether a person watches.
    pub(crate) is_terminal: bool,
}

/// A style of text, as an SGR sequence (ECMA-48 §8.3.117).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    Bold,
    Dim,
    Green,
    Magenta,
    Red,
    Yellow,
}

/// The width of files and pipes, so that output does not depend on where it is made.
const WIDTH: usize = 120;

/// Narrower terminals get lines of this width, which they wrap.
const WIDTH_MIN: usize = 60;

impl Terminal {
    /// Standard output as it is.
    pub(crate) fn of_output() -> Self {
        let output = io::stdout();
        if !output.is_terminal() {
            return Self { width: WIDTH, colour: false, is_terminal: false };
        }
        let width = terminal_size::terminal_size_of(&output).map_or(WIDTH, |(Width(columns), _)| usize::from(columns));
        // https://no-color.org: present and not empty.
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { width: width.max(WIDTH_MIN), colour, is_terminal: true }
    }

    /// A text in a style, where colours are wanted.
    pub(crate) fn paint<T: fmt::Display>(self, style: Style, text: T) -> Painted<T> {
        Painted { style: self.colour.then_some(style), text }
    }
}

/// A text that prints in its style.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Painted<T> {
    style: Option<Style>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(style) = self.style else { return self.text.fmt(f) };
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Red => "31",
            Style::Green => "32",
            Style::Yellow => "33",
            Style::Magenta => "35;1",
        };
        write!(f, "\x1b[{code}m")?;
        self.text.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}
