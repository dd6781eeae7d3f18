//! Judges one message of a file and says why.
//!
//! `cargo run -p xd-examples --bin judge_file -- examples/mail/10-advance-fee.eml`

use std::error::Error;

use xd_core::{Engine, Limits, Message, evidence, judge};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("name a file with a message")?;
    let bytes = std::fs::read(path)?;

    // The engine is compiled once and shared by all threads; a message borrows from its bytes.
    let engine = Engine::builtin()?;
    let message = Message::parse(&bytes, &Limits::default());

    // A program that talks to the client itself fills envelope and evidence with what it knows. A stored message tells
    // only what the receiving server wrote down; the rest stays unknown.
    let (envelope, evidence) = evidence::derive(&message);
    let judgement = judge(&engine, &envelope, &message, &evidence);

    let verdict = judgement.verdict();
    println!("{} {} [{}, {}]", verdict.class, verdict.score, verdict.low, verdict.high);
    for finding in &verdict.findings {
        println!("{:>8}  {} ({})", finding.score, finding.why, finding.rule);
    }
    for defect in judgement.defects.iter() {
        println!("          {}", defect.sentence());
    }
    Ok(())
}
