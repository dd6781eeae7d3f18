//! `xd explain`: all there is to know about the judgement of a message.

mod object;
mod text;

use std::process::ExitCode;

use sha2::{Digest, Sha256};
use xd_core::{Engine, Envelope, Evidence, Judgement, Message};

use crate::arguments::{Explain, Format};
use crate::failure::{Failure, UNREAD};
use crate::input::Buffer;
use crate::json::Hex;
use crate::judging::Judge;
use crate::output::{Output, complain};
use crate::terminal::Terminal;

/// A judged message with all that led there.
#[derive(Debug)]
struct Explanation<'a> {
    path: &'a str,
    sha256: Hex,
    engine: &'a Engine,
    envelope: &'a Envelope,
    evidence: &'a Evidence,
    judgement: &'a Judgement<'a>,
}

/// Explains all messages that the paths name.
pub(crate) fn run(arguments: &Explain) -> Result<ExitCode, Failure> {
    let judge = Judge::try_new(&arguments.judge)?;
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    let mut inputs = judge.inputs(&arguments.messages);
    let mut buffer = Buffer::default();
    let mut unread = false;
    let mut first = true;
    while let Some(input) = inputs.next(&mut buffer) {
        let (path, read) = input.read(&mut buffer);
        if let Err(reason) = read {
            complain(&path, &reason.why);
            unread = true;
            continue;
        }
        let message = Message::parse(buffer.message(), judge.limits());
        let (envelope, evidence, judgement) = judge.judge_parsed(&message);
        let explanation = Explanation {
            path: &path,
            sha256: Hex::of(Sha256::digest(buffer.message()).into()),
            engine: judge.engine(),
            envelope: &envelope,
            evidence: &evidence,
            judgement: &judgement,
        };
        match arguments.format {
            Format::Text => {
                if !first {
                    output.lines("\n")?;
                }
                output.lines(text::write(&explanation, terminal))?;
            }
            Format::Json => output.lines(object::write(&explanation)?)?,
        }
        first = false;
    }
    output.finish()?;
    Ok(if unread { ExitCode::from(UNREAD) } else { ExitCode::SUCCESS })
}
