//! `xd explain`: all there is to know about the judgement of a message, judged now or kept in a capsule.

mod object;
mod text;

use std::process::ExitCode;

use sha2::{Digest, Sha256};
use xd_core::capsule::Level;
use xd_core::{Engine, Envelope, Evidence, Judgement, Message, Thresholds, Verdict};

use crate::arguments::{Explain, Format};
use crate::cases::{self, Case};
use crate::failure::{Failure, UNREAD};
use crate::json::Hex;
use crate::judging::Judge;
use crate::output::Output;
use crate::terminal::Terminal;

pub(crate) use text::{signed, wrap};

/// A judged message with all that led there.
#[derive(Debug)]
struct Explanation<'a> {
    path: &'a str,
    sha256: Hex,
    engine: &'a Engine,
    envelope: &'a Envelope,
    evidence: &'a Evidence,
    judgement: &'a Judgement<'a>,
    /// Which of the judgement's verdicts is explained.
    verdict: usize,
    thresholds: Thresholds,
    /// The capsule that it comes from; none for a message.
    recorded: Option<Recorded>,
}

/// What kind of capsule an explanation comes from.
#[derive(Clone, Copy, Debug)]
struct Recorded {
    level: Level,
    pseudonymous: bool,
}

/// By what it is known which lessons were consulted.
fn delta_name(fingerprint: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(fingerprint))
}

impl<'a> Explanation<'a> {
    fn verdict(&self) -> &'a Verdict<'a> {
        self.judgement.verdicts().get(self.verdict).unwrap_or_else(|| self.judgement.verdict())
    }
}

/// Explains all messages and capsules that the arguments name.
pub(crate) fn run(arguments: &Explain) -> Result<ExitCode, Failure> {
    let judge = Judge::try_new(&arguments.judge)?;
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    let mut first = true;
    let mut print = |explanation: &Explanation<'_>| -> Result<(), Failure> {
        match arguments.format {
            Format::Text => {
                if !first {
                    output.lines("\n")?;
                }
                output.lines(text::write(explanation, terminal))?;
            }
            Format::Json => output.lines(object::write(explanation)?)?,
        }
        first = false;
        Ok(())
    };
    let all = cases::each(&judge, &arguments.cases, &arguments.engines, |case| match case {
        Case::Message { path, bytes } => {
            let message = Message::parse(bytes, judge.limits());
            let (envelope, evidence, judgement) = judge.judge_parsed(&message);
            let judgement = judgement.with_model_proofs(judge.engine(), &message);
            print(&Explanation {
                path,
                sha256: Hex::of(Sha256::digest(bytes).into()),
                engine: judge.engine(),
                envelope: &envelope,
                evidence: &evidence,
                judgement: &judgement,
                verdict: 0,
                thresholds: evidence.settings.thresholds,
                recorded: None,
            })
            .map(Ok)
        }
        Case::Capsule { name, capsule, engine, verdict } => {
            let judgement = match capsule.explain(engine, judge.limits()) {
                Ok(judgement) => judgement,
                Err(error) => return Ok(Err(error.to_string())),
            };
            print(&Explanation {
                path: name,
                sha256: Hex::of(*capsule.message_sha256()),
                engine,
                envelope: capsule.envelope(),
                evidence: capsule.evidence(),
                judgement: &judgement,
                verdict,
                thresholds: capsule.settings(&capsule.verdicts()[verdict]).thresholds,
                recorded: Some(Recorded { level: capsule.level(), pseudonymous: capsule.is_pseudonymous() }),
            })
            .map(Ok)
        }
    })?;
    output.finish()?;
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(UNREAD) })
}
