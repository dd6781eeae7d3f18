//! What was found out about a client, as text for people.

use std::fmt::{Display, Write as _};

use super::{Report, Reverse, Spf};
use crate::check::answers::Answered;
use crate::escape::Plain;
use crate::explain::wrap;
use crate::terminal::{Style, Terminal};

/// The report, tidy at the width of the terminal.
pub(super) fn write(report: &Report, terminal: Terminal) -> String {
    let mut page = Page { text: String::new(), terminal };
    page.line(0, terminal.paint(Style::Bold, &report.client_address));
    page.reverse(&report.reverse);
    for spf in &report.spf {
        page.spf(spf);
    }
    page.text
}

struct Page {
    text: String,
    terminal: Terminal,
}

impl Page {
    fn reverse(&mut self, reverse: &Reverse) {
        self.title("Reverse names");
        match reverse.why {
            Some(why) => self.wrapped(2, &format!("not known: {why}")),
            None if reverse.names.is_empty() => self.wrapped(2, "none is published"),
            None => {}
        }
        for name in &reverse.names {
            let leads = match (name.leads_back, name.why) {
                (Some(true), _) => "leads back",
                (Some(false), _) => "does not lead back",
                (None, _) => "whether it leads back is not known",
            };
            let why = name.why.map_or_else(String::new, |why| format!(": {why}"));
            self.wrapped(2, &format!("{} {leads}{why}", name.name));
        }
        self.questions(&reverse.questions);
    }

    fn spf(&mut self, spf: &Spf) {
        let identity = if spf.identity == "helo" { "the EHLO domain" } else { "the reverse-path" };
        self.title(&format!("SPF of {identity} {}", spf.value));
        let style = match spf.result {
            "pass" => Style::Green,
            "fail" | "permerror" => Style::Red,
            _ => Style::Yellow,
        };
        self.line(2, format_args!("{}  {}", self.terminal.paint(style, spf.result), Plain(&spf.reason)));
        if let Some(why) = spf.unsure {
            self.wrapped(2, &format!("names of the client are not known ({why}); with them the result might be another"));
        }
        if let Some(explanation) = &spf.explanation {
            self.wrapped(2, &format!("the domain explains: “{explanation}”"));
        }
        let Spf { lookups, lookups_allowed, voids, voids_allowed, .. } = spf;
        self.wrapped(2, &format!("lookups {lookups} of {lookups_allowed}, void ones {voids} of {voids_allowed}"));
        if !spf.steps.is_empty() {
            self.line(2, "steps");
        }
        let mut last = None;
        for step in &spf.steps {
            let indent = 4 + 2 * usize::from(step.depth);
            let place = (&step.domain, step.depth);
            if last != Some(place) {
                self.wrapped(indent, &format!("record of {}", step.domain));
            }
            last = Some(place);
            self.wrapped(indent + 2, &format!("{} {}", step.term, step.words));
        }
        self.questions(&spf.questions);
    }

    fn questions(&mut self, questions: &[Answered]) {
        if !questions.is_empty() {
            self.line(2, "questions");
        }
        for answered in questions {
            self.wrapped(4, &format!("{}: {}", answered.question(), answered.answer()));
        }
    }

    fn title(&mut self, title: &str) {
        self.text.push('\n');
        self.line(0, self.terminal.paint(Style::Bold, Plain(title)));
    }

    /// A text that wraps, its further lines indented once more.
    fn wrapped(&mut self, indent: usize, text: &str) {
        let text = Plain(text).to_string();
        for (place, line) in wrap(&text, self.terminal.width.saturating_sub(indent + 2)).into_iter().enumerate() {
            self.line(if place == 0 { indent } else { indent + 2 }, line);
        }
    }

    fn line(&mut self, indent: usize, line: impl Display) {
        // Writing into a string cannot fail.
        let _ = writeln!(self.text, "{:indent$}{line}", "");
    }
}
