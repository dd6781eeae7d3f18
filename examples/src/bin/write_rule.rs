//! Writes a rule, sees a mistake in it named with its place, mends it, and judges with it.
//!
//! `cargo run -p xd-examples --bin write_rule`

use std::error::Error;

use xd_core::{Engine, Limits, Message, RuleSource, evidence, judge};

const RULE: &str = r#"
family = "house"

[[rule]]
id = "wine-offer"
score = "2.50"
why = "the subject offers wine by the case"
when = { in = "subjekt", contains = ["case of wine", "cases of wine"] }
"#;

const MESSAGE: &[u8] = b"From: cellar@example.net\r\nSubject: Two cases of wine for you\r\n\r\nOnly today.\r\n";

fn main() -> Result<(), Box<dyn Error>> {
    // "subjekt" is no target: nothing compiles, and the error says where and what was expected.
    match Engine::compile(vec![RuleSource::new("house.toml", RULE)]) {
        Ok(_) => return Err("a rule about an unknown target must not compile".into()),
        Err(errors) => println!("{errors}"),
    }

    let engine = Engine::compile(vec![RuleSource::new("house.toml", RULE.replace("subjekt", "subject"))])?;
    let message = Message::parse(MESSAGE, &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    let judgement = judge(&engine, &envelope, &message, &evidence);
    for finding in &judgement.verdict().findings {
        println!("{}  {} ({})", finding.score, finding.why, finding.rule);
        for proof in &finding.proofs {
            println!("      {}: \"{}\"", proof.target, proof.quote.escape_debug());
        }
    }
    Ok(())
}
