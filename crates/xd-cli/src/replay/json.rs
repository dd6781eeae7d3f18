//! `--format json`: one object with counts, changes, and what they come to. The order of keys is part of the interface.

use serde::Serialize;
use serde::ser::Serializer;
use xd_core::Score;
use xd_core::capsule::RuleShift;

use super::question::Question;
use super::spill::Spill;
use super::tally::Tally;
use super::{Answer, Bounds};
use crate::failure::Failure;
use crate::json;
use crate::output::Output;

/// One of `changes`.
#[derive(Serialize)]
struct Change<'a> {
    id: &'a str,
    from: &'a str,
    to: Option<&'a str>,
    #[serde(serialize_with = "json::score")]
    score_from: Score,
    #[serde(serialize_with = "score")]
    score_to: Option<Score>,
    rules: Vec<&'a str>,
    points: Vec<Points>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bounds: Option<[Within; 2]>,
}

/// The bounds of a score that an exact replay found different: as recorded, and as derived.
#[derive(Serialize)]
struct Within {
    #[serde(serialize_with = "json::score")]
    low: Score,
    #[serde(serialize_with = "json::score")]
    high: Score,
}

/// The points that a rule gave and would have given, in the order of `rules`.
#[derive(Serialize)]
struct Points {
    #[serde(serialize_with = "json::score")]
    from: Score,
    #[serde(serialize_with = "score")]
    to: Option<Score>,
}

/// What stands before the changes.
#[derive(Serialize)]
struct Counts {
    replayed: u64,
    identical: u64,
    changed: u64,
    undecided: u64,
    damaged: u64,
}

/// What stands behind the changes.
#[derive(Serialize)]
struct Rest<'a> {
    what_if: bool,
    capsules: u64,
    erased: u64,
    rescored: u64,
    afresh: u64,
    classes: Vec<Classes<'a>>,
    rules: Vec<Responsible<'a>>,
    undecided_tests: Vec<Open<'a>>,
}

#[derive(Serialize)]
struct Classes<'a> {
    from: &'a str,
    to: Option<&'a str>,
    count: u64,
}

#[derive(Serialize)]
struct Responsible<'a> {
    rule: &'a str,
    changes: u64,
    #[serde(serialize_with = "json::score")]
    points: Score,
}

#[derive(Serialize)]
struct Open<'a> {
    test: &'a str,
    count: u64,
}

fn score<S: Serializer>(score: &Option<Score>, serializer: S) -> Result<S::Ok, S::Error> {
    match score {
        Some(score) => serializer.collect_str(score),
        None => serializer.serialize_none(),
    }
}

/// One change, as a line that begins with a comma.
pub(super) fn change(id: &str, answer: &Answer<'_>, lines: &mut Vec<u8>) -> Result<(), Failure> {
    let points = |shift: &RuleShift<'_>| Points { from: shift.from, to: shift.to };
    let change = Change {
        id,
        from: answer.from.as_str(),
        to: answer.to.map(|class| class.as_str()),
        score_from: answer.score_from,
        score_to: answer.score_to,
        rules: answer.rules.iter().map(|shift| shift.rule).collect(),
        points: answer.rules.iter().map(points).collect(),
        bounds: answer.bounds.map(|bounds| bounds.map(|Bounds { low, high }| Within { low, high })),
    };
    lines.push(b',');
    json::write_line(lines, &change)?;
    Ok(())
}

/// The whole object: a line for each change between the counts and the rest.
pub(super) fn write(output: &mut Output, question: &Question, tally: &Tally<'_>, changes: Spill) -> Result<(), Failure> {
    let counts = Counts {
        replayed: tally.replayed(),
        identical: tally.identical,
        changed: tally.changed,
        undecided: tally.undecided,
        damaged: tally.damaged,
    };
    let mut head = Vec::new();
    json::write_line(&mut head, &counts)?;
    head.truncate(head.len().saturating_sub(b"}\n".len()));
    head.extend_from_slice(b",\"changes\":[");
    output.lines(&head)?;
    // The first change has nothing before it.
    let mut begun = false;
    changes.drain(|piece| {
        let piece = if begun { piece } else { piece.strip_prefix(b",").unwrap_or(piece) };
        begun |= !piece.is_empty();
        output.lines(piece)
    })?;
    let classes = tally.classes.iter().map(|(&(from, to), &count)| Classes {
        from: from.class().as_str(),
        to: to.map(|to| to.class().as_str()),
        count,
    });
    let rules = tally.ranked_rules().into_iter();
    let rest = Rest {
        what_if: question.is_what_if(),
        capsules: tally.capsules,
        erased: tally.erased,
        rescored: tally.rescored,
        afresh: tally.afresh,
        classes: classes.collect(),
        rules: rules.map(|(rule, share)| Responsible { rule, changes: share.changes, points: share.points }).collect(),
        undecided_tests: tally.ranked_tests().into_iter().map(|(test, count)| Open { test, count }).collect(),
    };
    let mut tail = Vec::new();
    json::write_line(&mut tail, &rest)?;
    // Members of the one object, without the brace that begins them.
    tail.splice(..1, *b"],");
    Ok(output.lines(&tail)?)
}
