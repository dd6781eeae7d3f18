//! DKIM beside programs of others: dkimpy and OpenDKIM verify what is signed here, what they sign is verified here, and all three are
//! asked about the messages of the vectors.
//!
//! Keys come from files, so that nobody asks DNS. Where another says otherwise of a vector, a rule of the standard must say who is right;
//! a difference without a rule fails the step.

mod messages;
mod others;
mod rules;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use xd_auth::DkimResult;
use xd_auth::dkim::Outcome;

use super::empty;
use crate::conformance::dkim::{Zone, outcome_at};
use crate::conformance::resolved::signed_messages;
use crate::report::{Report, Shortfall};
use crate::shared::SharedData;
use crate::tools;
use crate::workspace::Workspace;
use messages::Keys;
use others::{Dkimpy, OpenDkim};
use rules::Difference;

const SIGNED: &str = "peers: dkimpy and OpenDKIM; signatures of each verified by the others";
const VERDICTS: &str = "peers: dkimpy and OpenDKIM; what each says of the vectors";

pub(super) fn run(workspace: &Workspace, report: &mut Report) {
    report.step(SIGNED, || signatures(workspace));
    report.step(VERDICTS, || verdicts(workspace));
}

fn need(workspace: &Workspace) -> Result<(), Shortfall> {
    tools::need_package(workspace, "python3-dkim", &[others::PYTHON, "-c", "import dkim, nacl"])?;
    tools::need_package(workspace, "opendkim", &["opendkim", "-V"])
}

/// Seconds since 1970, as the others will see them too.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn signatures(workspace: &Workspace) -> Result<String, Shortfall> {
    need(workspace)?;
    let place = empty(workspace, "signatures")?;
    let keys = Keys::generate()?;
    let zone = keys.zone();
    let dkimpy = Dkimpy::new(workspace, &place);
    let mut wrong = Vec::new();

    // Ours, verified by the others.
    let ours = keys.sign_all(now())?;
    let asked: Vec<(&Zone, &[u8])> = ours.iter().map(|(octets, _)| (&zone, octets.as_slice())).collect();
    let said = dkimpy.verify(&place.join("ours"), &asked)?;
    let (mut count, mut by_milter) = (0, 0);
    for (number, ((octets, is_safe), said)) in ours.iter().zip(&said).enumerate() {
        let outcome = outcome_at(octets, &zone, now()).map_err(Shortfall::Failed)?;
        count += outcome.signatures.len();
        if !all_hold(&outcome) || outcome.signatures.len() != 3 {
            wrong.push(format!("ours {number}: we say {:?}", reasons(&outcome)));
        }
        if *said != ["pass"; 3] {
            wrong.push(format!("ours {number}: dkimpy says {said:?}"));
        }
        if *is_safe {
            let said = OpenDkim.verify(&place.join(format!("ours/{number}")), &zone, octets)?;
            by_milter += said.len();
            if said.values().filter(|result| *result == "pass").count() != 3 {
                wrong.push(format!("ours {number}: OpenDKIM says {said:?}"));
            }
        }
    }

    // Theirs, verified here.
    let by_dkimpy = dkimpy.sign(&place.join("dkimpy"), &keys)?;
    for (number, octets) in by_dkimpy.iter().enumerate() {
        let outcome = outcome_at(octets, &zone, now()).map_err(Shortfall::Failed)?;
        if !all_hold(&outcome) {
            wrong.push(format!("dkimpy's {number}: {:?}", reasons(&outcome)));
        }
    }
    // Not all of OpenDKIM's hold: it does not see the blanks after colons, and what it signs with Ed25519 over a header in simple form
    // it cannot verify itself. So dkimpy is asked as well.
    let by_opendkim = OpenDkim.sign(&place.join("opendkim"), &keys)?;
    let asked: Vec<(&Zone, &[u8])> = by_opendkim.iter().map(|octets| (&zone, octets.as_slice())).collect();
    let said = dkimpy.verify(&place.join("by-opendkim"), &asked)?;
    let mut holding = 0;
    for (number, (octets, said)) in by_opendkim.iter().zip(&said).enumerate() {
        let outcome = outcome_at(octets, &zone, now()).map_err(Shortfall::Failed)?;
        holding += usize::from(all_hold(&outcome));
        if all_hold(&outcome) != (*said == ["pass"]) {
            wrong.push(format!("OpenDKIM's {number}: dkimpy says {said:?}, we {:?}", reasons(&outcome)));
        }
    }
    // Those in relaxed form hold, whoever signed.
    if holding * 2 < by_opendkim.len() {
        wrong.push(format!("only {holding} of {} of OpenDKIM hold", by_opendkim.len()));
    }
    let counts = format!(
        "{count} of ours hold for dkimpy, {by_milter} of them asked of OpenDKIM too; {} of dkimpy hold here; {holding} of {} of OpenDKIM, \
         as for dkimpy",
        by_dkimpy.len(),
        by_opendkim.len()
    );
    if wrong.is_empty() { Ok(counts) } else { Err(Shortfall::Failed(format!("{counts}\n{}", wrong.join("\n")))) }
}

fn all_hold(outcome: &Outcome) -> bool {
    !outcome.signatures.is_empty() && outcome.signatures.iter().all(|signature| signature.result() == DkimResult::Pass)
}

fn reasons(outcome: &Outcome) -> Vec<String> {
    outcome.signatures.iter().map(|signature| signature.reason.to_string()).collect()
}

fn verdicts(workspace: &Workspace) -> Result<String, Shortfall> {
    let shared = SharedData::locate(workspace)?;
    need(workspace)?;
    let place = empty(workspace, "verdicts")?;
    let messages = signed_messages(&shared.path("vectors"))?;
    let asked: Vec<(&Zone, &[u8])> = messages.iter().map(|message| (&message.zone, message.octets.as_slice())).collect();
    let dkimpy = Dkimpy::new(workspace, &place).verify(&place.join("messages"), &asked)?;
    let (mut count, mut alike, mut argued, mut wrong) = (0, 0, BTreeMap::new(), Vec::new());
    for (number, (message, by_dkimpy)) in messages.iter().zip(&dkimpy).enumerate() {
        let outcome = outcome_at(&message.octets, &message.zone, now()).map_err(Shortfall::Failed)?;
        let by_opendkim = OpenDkim.verify(&place.join(format!("messages/{number}")), &message.zone, &message.octets)?;
        let is_even = messages::is_even(&message.octets);
        for (place, signature) in outcome.signatures.iter().enumerate() {
            let mut others = vec![("dkimpy", by_dkimpy.get(place).map(String::as_str))];
            // It names signatures by their beginning; of those that begin alike it is not known which is meant.
            if outcome.signatures.iter().filter(|other| other.start == signature.start).count() == 1 {
                // What it cannot read, it does not mention.
                others.push(("OpenDKIM", by_opendkim.get(&*signature.start).map(String::as_str)));
            }
            for (who, said) in others {
                count += 1;
                let theirs = said == Some("pass");
                if theirs == (signature.result() == DkimResult::Pass) {
                    alike += 1;
                    continue;
                }
                match rules::rule(&Difference { ours: signature.reason, who, theirs: said, is_even }) {
                    Some(why) => argued.entry((who, why)).or_insert_with(Vec::new).push(message.name.trim().to_owned()),
                    None => wrong.push(format!("{} {place}: {who} says {said:?}, we {}", message.name, signature.reason)),
                }
            }
        }
    }
    for ((who, why), names) in &argued {
        println!("{who} differs on {} ({}): {why}", names.len(), names.join(", "));
    }
    let differing: usize = argued.values().map(Vec::len).sum();
    let counts = format!("{alike} of {count} alike, {differing} argued by {} rules", argued.len());
    if wrong.is_empty() && count > 0 { Ok(counts) } else { Err(Shortfall::Failed(format!("{counts}\n{}", wrong.join("\n")))) }
}

/// A zone as lines of a name and a text, which is how OpenDKIM reads keys.
fn write_keys(file: &Path, zone: &Zone) -> Result<(), Shortfall> {
    let mut text = String::new();
    for (name, answer) in zone {
        if let xd_auth::Answer::Found(records) = answer
            && let [xd_auth::Record::Txt(record)] = records.as_slice()
        {
            text += &format!("{name} {}\n", String::from_utf8_lossy(record));
        }
    }
    Ok(fs::write(file, text)?)
}
