//! `xd scan`: a line for each message.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::process::ExitCode;

use sha2::{Digest, Sha256};
use xd_core::capsule::EncodeError;
use xd_core::{Class, Defects, Judgement};

use crate::arguments::{Scan, ScanFormat, jobs_or_all};
use crate::base::Base;
use crate::capsules::{CapsuleWriter, TooLong};
use crate::failure::{Failure, INTERRUPTED, UNREAD};
use crate::json::{self, Hex, Object};
use crate::judging::Judge;
use crate::messages::Messages;
use crate::output::{Output, complain};
use crate::progress::Progress;
use crate::stop;
use crate::table::{ScanTable, class_style};
use crate::terminal::{Style, Terminal};

/// Judges all messages that the paths name.
pub(crate) fn run(arguments: &Scan) -> Result<ExitCode, Failure> {
    let judge = Judge::try_new(&arguments.judge)?;
    let judge = if arguments.dns { judge.with_dns(&arguments.judge)? } else { judge };
    let level = arguments.capsule_level.into();
    let recording = arguments.capsules.as_ref().map(|_| judge.recording(level)).transpose()?;
    stop::listen()?;
    let terminal = Terminal::of_output();
    let text = arguments.format == ScanFormat::Text;
    let mut inputs = judge.inputs(&arguments.paths);
    let table = text.then(|| ScanTable::new(terminal, Base::of(&arguments.paths), inputs.first_paths()));
    let engine = judge.engine().hash().to_string();
    let open = |path| CapsuleWriter::open(path, judge.engine(), level, judge.key_fingerprint());
    let mut capsules = arguments.capsules.as_deref().map(open).transpose()?;
    let mut output = Output::new(terminal);
    let progress = Progress::of_files(text || !terminal.is_terminal, &arguments.paths);
    let mut counts = Counts::default();
    if let Some(table) = &table {
        output.lines(table.heading())?;
    }
    let mut written: Result<(), Failure> = Ok(());

    let gaps = Messages::new(inputs, jobs_or_all(arguments.jobs), progress).each(
        |path, bytes| {
            let sha256 = if table.is_none() || recording.is_some() { Sha256::digest(bytes).into() } else { [0; 32] };
            let (judgement, capsule) = match &recording {
                None => (judge.judge(bytes), None),
                Some(recording) => {
                    let (judgement, capsule) = judge.judge_recorded(bytes, sha256, recording);
                    (judgement, Some(capsule.encode()))
                }
            };
            let line = match &table {
                Some(table) => table.row(path, &judgement).into_bytes(),
                None => json_line(path, sha256, &judgement, &engine)?,
            };
            Ok(Judged { line, capsule, class: judgement.verdict().class, defects: judgement.defects })
        },
        |done, progress| {
            match done.gave {
                Ok(judged) => {
                    counts.add(&judged);
                    // The capsule first: where it cannot be taken, no line claims it. On disk it may still come later than the
                    // line: waiting for the disk at each piece of output would make the disk the measure of speed.
                    written = progress.aside(|| {
                        if let (Some(capsules), Some(capsule)) = (&mut capsules, &judged.capsule) {
                            let refused = match capsule {
                                Ok(capsule) => capsules.append(capsule)?.err().map(TooLong::why),
                                Err(error) => Some(format!("no capsule: {error}")),
                            };
                            if let Some(why) = refused {
                                counts.without_capsule += 1;
                                complain(&done.path, &why);
                            }
                        }
                        Ok(output.lines(&judged.line)?)
                    });
                }
                Err(error) => written = Err(Failure::Output(error)),
            }
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    counts.unread = gaps.unread;
    let kept = capsules.map_or(Ok(()), CapsuleWriter::finish);
    match written {
        Err(failure @ Failure::Operator(_)) => return Err(failure),
        // That the reader of our output left is no excuse for a disk that is full.
        other => kept.and(other)?,
    }
    if text && !stop::asked() {
        output.lines(counts.summary(terminal))?;
    }
    output.finish()?;
    Ok(ExitCode::from(match counts.unread + counts.without_capsule {
        _ if stop::asked() => INTERRUPTED,
        0 => 0,
        _ => UNREAD,
    }))
}

struct Judged {
    line: Vec<u8>,
    /// Encoded.
    capsule: Option<Result<Vec<u8>, EncodeError>>,
    class: Class,
    defects: Defects,
}

/// One line of `--format jsonl`; the order of keys is part of the interface.
fn json_line(path: &str, sha256: [u8; 32], judgement: &Judgement<'_>, engine: &str) -> io::Result<Vec<u8>> {
    let verdict = judgement.verdict();
    let mut line = Vec::with_capacity(LINE_BYTES);
    let mut object = Object::new(&mut line);
    object.text("path", path)?.text("sha256", Hex::of(sha256).as_str())?;
    object.text("class", verdict.class.as_str())?.text("spam_class", verdict.spam_class.as_str())?;
    object.score("score", verdict.score).score("low", verdict.low).score("high", verdict.high);
    object.flag("decided", verdict.decided);
    object.list("findings", verdict.findings.iter(), |line, finding| {
        Object::new(line).text("rule", finding.rule)?.score("score", finding.score).text("why", finding.why)?.end();
        Ok(())
    })?;
    object.list("defects", judgement.defects.iter(), |line, defect| json::write_text(line, defect.id()))?;
    object.text("engine", engine)?.end();
    line.push(b'\n');
    Ok(line)
}

/// Bytes that hold most lines.
const LINE_BYTES: usize = 1024;

/// What the last line of the table tells.
#[derive(Debug, Default)]
struct Counts {
    classes: BTreeMap<&'static str, u64>,
    messages: u64,
    with_defects: u64,
    unread: u64,
    without_capsule: u64,
}

impl Counts {
    fn add(&mut self, judged: &Judged) {
        self.messages += 1;
        self.with_defects += u64::from(!judged.defects.is_empty());
        *self.classes.entry(judged.class.as_str()).or_default() += 1;
    }

    fn summary(&self, terminal: Terminal) -> String {
        let plural = |count: u64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        let mut parts = Vec::new();
        for class in [Class::Clean, Class::Spam, Class::SureSpam, Class::Infected] {
            if let Some(count) = self.classes.get(class.as_str()) {
                parts.push(terminal.paint(class_style(class), format!("{count} {class}")).to_string());
            }
        }
        if self.with_defects > 0 {
            parts.push(format!("{} with defects", self.with_defects));
        }
        if self.without_capsule > 0 {
            parts.push(terminal.paint(Style::Red, format!("{} without capsule", self.without_capsule)).to_string());
        }
        if self.unread > 0 {
            parts.push(terminal.paint(Style::Red, format!("{} not read", self.unread)).to_string());
        }
        let messages = plural(self.messages, "message");
        if parts.is_empty() { format!("\n{messages}\n") } else { format!("\n{messages}: {}\n", parts.join(", ")) }
    }
}
