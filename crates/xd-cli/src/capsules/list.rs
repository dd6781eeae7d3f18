//! `xd capsules list`: a line for each capsule.

use std::process::ExitCode;

use serde::Serialize;
use xd_core::Score;
use xd_core::capsule::Capsule;

use super::{Found, Origin, Records};
use crate::arguments::{CapsulesList, ScanFormat};
use crate::escape::Plain;
use crate::failure::{Failure, INTERRUPTED, UNREAD};
use crate::json::{self, Hex};
use crate::output::{Output, complain};
use crate::stop;
use crate::table::class_style;
use crate::terminal::{Style, Terminal};

pub(super) fn run(arguments: &CapsulesList) -> Result<ExitCode, Failure> {
    stop::listen()?;
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    let text = arguments.format == ScanFormat::Text;
    let (mut capsules, mut erased, mut damaged) = (0_u64, 0_u64, 0_u64);
    if text {
        let heading = format!("{:<64}  {:<8}  {:>7}  {:<7}  place", "message", "class", "score", "level");
        output.lines(format!("{}\n", terminal.paint(Style::Dim, heading)))?;
    }
    for found in Records::try_new(&arguments.capsules)? {
        if stop::asked() {
            break;
        }
        match found {
            Found::Capsule(origin, capsule) => {
                capsules += 1;
                output.lines(if text { row(&origin, &capsule, terminal).into_bytes() } else { line(&origin, &capsule)? })?;
            }
            Found::Erased(_) => erased += 1,
            Found::Trouble(trouble) => {
                damaged += 1;
                complain(&trouble.path(), &trouble.why);
            }
        }
    }
    if text && !stop::asked() {
        let mut summary = format!("\n{capsules} capsule{}", if capsules == 1 { "" } else { "s" });
        if erased > 0 {
            summary += &format!(", {erased} erased");
        }
        if damaged > 0 {
            summary += &format!(", {damaged} could not be read");
        }
        output.lines(summary + "\n")?;
    }
    output.finish()?;
    Ok(ExitCode::from(match damaged {
        _ if stop::asked() => INTERRUPTED,
        0 => 0,
        _ => UNREAD,
    }))
}

/// A row for the first recipient, and how many follow.
fn row(origin: &Origin, capsule: &Capsule, terminal: Terminal) -> String {
    let id = Hex::of(*capsule.message_sha256());
    let verdict = capsule.verdicts().first().map_or_else(
        || format!("{:<8}  {:>7}", "", ""),
        |verdict| {
            let (class, score) = (format!("{:<8}", verdict.class), format!("{:>7}", verdict.score));
            let style = class_style(verdict.class);
            format!("{}  {}", terminal.paint(style, class), terminal.paint(style, score))
        },
    );
    let place = origin.to_string();
    let more = match capsule.verdicts().len() {
        0 | 1 => String::new(),
        verdicts => format!("  {verdicts} recipients"),
    };
    format!("{}  {verdict}  {:<7}  {}{more}\n", id.as_str(), capsule.level().as_str(), Plain(&place))
}

/// One line of `--format jsonl`; the order of keys is part of the interface.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    file: String,
    offset: u64,
    level: &'a str,
    pseudonymous: bool,
    verdicts: Vec<Verdict<'a>>,
    engine: String,
    semantics: &'a str,
}

#[derive(Serialize)]
struct Verdict<'a> {
    recipient: Option<String>,
    class: &'a str,
    #[serde(serialize_with = "json::score")]
    score: Score,
    #[serde(serialize_with = "json::score")]
    low: Score,
    #[serde(serialize_with = "json::score")]
    high: Score,
}

fn line(origin: &Origin, capsule: &Capsule) -> Result<Vec<u8>, Failure> {
    let verdicts = capsule.verdicts().iter().enumerate().map(|(index, verdict)| Verdict {
        recipient: capsule.recipient(index).map(|path| path.mailbox().address.clone()),
        class: verdict.class.as_str(),
        score: verdict.score,
        low: verdict.low,
        high: verdict.high,
    });
    let id = Hex::of(*capsule.message_sha256());
    let line = Line {
        id: id.as_str(),
        file: origin.file.display().to_string(),
        offset: origin.offset.bytes(),
        level: capsule.level().as_str(),
        pseudonymous: capsule.is_pseudonymous(),
        verdicts: verdicts.collect(),
        engine: capsule.engine().to_string(),
        semantics: capsule.semantics(),
    };
    let mut bytes = Vec::new();
    json::write_line(&mut bytes, &line)?;
    Ok(bytes)
}
