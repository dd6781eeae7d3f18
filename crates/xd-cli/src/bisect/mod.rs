//! `xd bisect`: which change of rules altered the class of a recorded message.
//!
//! Classes do not move in one direction as rules change, so halving could step over a change. Every engine is asked what it
//! would have decided; each change of class between one engine and the next that decides is told.

mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use xd_core::capsule::{Capsule, Conclusion, ReplayError, RuleShift, SettingsChange, WhatIf};
use xd_core::{Class, Engine, EngineHash, Limits, SEMANTICS, Score};
use xd_store::{EngineEntry, EngineInputs};

use crate::arguments::{Bisect, Format};
use crate::capsules::{Engines, Named, Records};
use crate::engines::{self, Difference, Kept, compile};
use crate::failure::{Failure, UNREAD};
use crate::output::{Output, complain};
use crate::terminal::Terminal;

/// What one engine makes of the message.
#[derive(Debug)]
struct Tried {
    entry: EngineEntry,
    outcome: Outcome,
    /// Whether this engine judged the message when it came.
    recorded: bool,
    /// The rules whose points differ from those recorded.
    shifts: Vec<Shift>,
}

#[derive(Debug)]
enum Outcome {
    Decided {
        class: Class,
        score: Option<Score>,
    },
    /// The capsule does not tell, or the engine cannot be asked.
    Undecided {
        why: String,
    },
}

/// The points of a rule with one engine and with another; none where they are not told.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Shift {
    rule: String,
    from: Option<Score>,
    to: Option<Score>,
}

/// Two engines that decide differently; all that lie between them are undecided.
#[derive(Debug)]
struct Turn {
    from: usize,
    to: usize,
    shifts: Vec<Shift>,
}

/// All that was found out about one verdict.
#[derive(Debug)]
struct Finding<'a> {
    name: &'a str,
    capsule: &'a Capsule,
    verdict: usize,
    tried: Vec<Tried>,
    turns: Vec<Turn>,
}

pub(crate) fn run(arguments: &Bisect) -> Result<ExitCode, Failure> {
    let (name, capsule, named) = find(arguments)?;
    let verdict = named.verdict;
    if verdict >= capsule.verdicts().len() {
        return Err(Failure::operator(format!("{name}: it has {} recipients", capsule.verdicts().len())));
    }
    let beside = Engines::of(&Records::try_new(&[named.place])?, &[])?;
    let directory: Option<PathBuf> = arguments.engines.clone().or_else(|| beside.places().first().cloned());
    let kept = Kept::open(directory.as_deref())?;
    // The engine that judged may stand elsewhere.
    let place = directory.as_deref().map(engines::place).transpose()?;
    let engines = Engines::new(place.into_iter().chain(beside.places().iter().cloned()));
    let own = engines.engine(capsule.engine());
    let anew = own.is_err().then(|| judge_anew(&capsule, &kept, &engines)).flatten();
    let (asked, own) = match (&anew, own) {
        (Some((asked, engine)), _) => {
            engines.tell_if_broken(capsule.engine());
            (asked, *engine)
        }
        (None, Ok(own)) => (&*capsule, own),
        (None, Err(why)) => return Err(Failure::operator(format!("{name}: {why}"))),
    };

    let mut unread = kept.unread;
    let mut tried = Vec::new();
    for entry in &kept.engines {
        let recorded = entry.hash == capsule.engine();
        let engine = if entry.hash == own.hash() { Ok(None) } else { load(&kept, entry.hash).map(Some) };
        let (outcome, shifts) = match engine {
            Ok(engine) => ask(asked, verdict, own, engine).map_err(|error| Failure::operator(format!("{name}: {error}")))?,
            Err(why) => {
                complain(&format!("engine {}", entry.hash), &why);
                unread = true;
                (Outcome::Undecided { why }, Vec::new())
            }
        };
        tried.push(Tried { entry: entry.clone(), outcome, recorded, shifts });
    }
    let turns = turns(&tried);
    let finding = Finding { name: &name, capsule: &capsule, verdict, tried, turns };

    // What the first change was made of. Both engines could be read just now.
    let read = |index: usize| {
        let hash = finding.tried[index].entry.hash;
        load(&kept, hash).map(|(inputs, engine)| (hash, inputs, engine)).map_err(Failure::operator)
    };
    let first = finding.turns.first().map(|turn| Ok::<_, Failure>((read(turn.from)?, read(turn.to)?))).transpose()?;
    let difference = first.as_ref().map(|(old, new)| Difference::of((old.0, &old.1, &old.2), (new.0, &new.1, &new.2)));
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    match arguments.format {
        Format::Text => output.lines(report::text(&finding, difference.as_ref(), terminal))?,
        Format::Json => output.lines(report::json(&finding, difference.as_ref())?)?,
    }
    output.finish()?;
    Ok(if unread { ExitCode::from(UNREAD) } else { ExitCode::SUCCESS })
}

/// A message that the capsule holds, judged by the first of these engines that is to be had. What others decide is told from
/// there, when the engine that judged is gone.
fn judge_anew<'e>(capsule: &Capsule, kept: &Kept, engines: &'e Engines) -> Option<(Capsule, &'e Engine)> {
    capsule.content()?;
    let engine = kept.engines.iter().find_map(|entry| engines.engine(entry.hash).ok())?;
    Some((capsule.afresh(engine, &Limits::default())?, engine))
}

/// The one capsule that is asked about.
fn find(arguments: &Bisect) -> Result<(String, Box<Capsule>, Named), Failure> {
    let shown = arguments.capsule.display();
    let Some(named) = Named::parse(&arguments.capsule)? else {
        return Err(Failure::operator(format!("{shown}: expected a capsule, as FILE.xdc#3 or FILE.xdc#SHA256")));
    };
    let mut found = None;
    for capsule in named.clone().capsules()? {
        match (capsule, &found) {
            (Ok(one), None) => found = Some(one),
            (Ok(_), Some(_)) => {
                let why = format!("{shown}: there are several capsules; name one of them, as FILE.xdc#3 or FILE.xdc#SHA256");
                return Err(Failure::operator(why));
            }
            (Err(trouble), _) => complain(&trouble.path(), &trouble.why),
        }
    }
    let (name, capsule) = found.ok_or_else(|| Failure::operator(format!("{shown}: there is no such capsule")))?;
    Ok((name, capsule, named))
}

fn load(kept: &Kept, hash: EngineHash) -> Result<(EngineInputs, Engine), String> {
    let inputs = kept.inputs(hash)?;
    let engine = compile(&inputs)?;
    Ok((inputs, engine))
}

/// What an engine would have decided; without one, what the engine that judged decides again.
fn ask(
    capsule: &Capsule,
    verdict: usize,
    own: &Engine,
    engine: Option<(EngineInputs, Engine)>,
) -> Result<(Outcome, Vec<Shift>), ReplayError> {
    let Some((inputs, engine)) = engine else {
        let derived = capsule.replay(own)?.verdicts[verdict];
        return Ok((Outcome::Decided { class: derived.class, score: Some(derived.score) }, Vec::new()));
    };
    if inputs.semantics != SEMANTICS {
        let why = format!("it is of semantics version {:?}, this program of {SEMANTICS:?}", inputs.semantics);
        return Ok((Outcome::Undecided { why }, Vec::new()));
    }
    let mut what_if = WhatIf::new(own, &engine, SettingsChange::default(), Limits::default());
    let outcome = match what_if.ask(capsule)?.swap_remove(verdict) {
        Conclusion::Changed { to, score_to, .. } => Outcome::Decided { class: to, score: score_to },
        Conclusion::Unchanged { class, score_to, .. } => Outcome::Decided { class, score: score_to },
        Conclusion::Undecided { tests, .. } => {
            Outcome::Undecided { why: format!("the capsule does not tell: {}", tests.join("; ")) }
        }
    };
    let shifts = what_if.differences(capsule)?.swap_remove(verdict);
    Ok((outcome, shifts.iter().map(Shift::of).collect()))
}

/// Each change of class from one engine to the next that decides.
fn turns(tried: &[Tried]) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut last: Option<(usize, Class)> = None;
    for (to, one) in tried.iter().enumerate() {
        let Outcome::Decided { class, .. } = one.outcome else { continue };
        if let Some((from, _)) = last.filter(|(_, before)| *before != class) {
            turns.push(Turn { from, to, shifts: between(&tried[from].shifts, &one.shifts) });
        }
        last = Some((to, class));
    }
    turns
}

/// The rules whose points differ between two engines, from how each differs from what is recorded; the largest difference
/// first.
fn between(old: &[Shift], new: &[Shift]) -> Vec<Shift> {
    let mut rules: Vec<&Shift> = old.iter().chain(new).collect();
    rules.sort_by(|a, b| a.rule.cmp(&b.rule));
    rules.dedup_by(|a, b| a.rule == b.rule);
    let shift = |recorded: &Shift| {
        let shift_of = |shifts: &[Shift]| shifts.iter().find(|shift| shift.rule == recorded.rule).map(|shift| shift.to);
        let points = |shifts: &[Shift]| shift_of(shifts).unwrap_or(recorded.from);
        Shift { rule: recorded.rule.clone(), from: points(old), to: points(new) }
    };
    let differs = |shift: &Shift| shift.from != shift.to || shift.from.is_none();
    let mut shifts: Vec<Shift> = rules.into_iter().map(shift).filter(differs).collect();
    let size = |shift: &Shift| {
        let points = |score: Option<Score>| score.unwrap_or(Score::ZERO);
        (points(shift.to) - points(shift.from)).hundredths().unsigned_abs()
    };
    // Stable: equal ones stay in the order of ids.
    shifts.sort_by_key(|shift| std::cmp::Reverse(size(shift)));
    shifts
}

impl Shift {
    fn of(shift: &RuleShift<'_>) -> Self {
        Self { rule: shift.rule.to_owned(), from: Some(shift.from), to: shift.to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(rule: &str, from: i64, to: Option<i64>) -> Shift {
        Shift { rule: rule.to_owned(), from: Some(Score::from_hundredths(from)), to: to.map(Score::from_hundredths) }
    }

    #[test]
    fn points_between_two_engines_follow_from_those_recorded() {
        let old = [shift("a", 100, Some(200)), shift("b", 0, Some(300)), shift("c", 500, Some(0))];
        let new = [shift("b", 0, Some(300)), shift("c", 500, Some(150)), shift("d", 0, None)];
        let expected = [shift("c", 0, Some(150)), shift("a", 200, Some(100)), shift("d", 0, None)];
        assert_eq!(between(&old, &new), expected);
    }
}
