//! A capsule in bytes. `docs/capsule-format.md` describes them; both change together, with the version.

use std::collections::BTreeSet;

use super::answers::{read_answers, read_learned, write_answers, write_learned};
use super::identity::{read_path, write_path};
use super::settings::spelling;
use super::wire::{DecodeError, Fault, ITEMS_MAX, Reader, Wire, Writer};
use super::world::{read_envelope, read_evidence, write_envelope, write_evidence};
use super::{Capsule, Identities, Level, RecordedVerdict};
use crate::engine::EngineHash;
use crate::{Class, ForwardPath, Score, Settings};

type Read<T> = Result<T, DecodeError>;

/// The first version of the format. Capsules of messages for which nothing that was learned was consulted are still of it.
const VERSION: u64 = 1;
/// The version that also tells what was learned.
const WITH_LEARNED: u64 = 2;
/// The version that also tells what DNS answered, and, where it was consulted, what was learned.
const WITH_ANSWERS: u64 = 3;
/// The most forward-paths of one capsule, written or read. Each may repeat a domain from two bytes, so the bytes alone do not
/// bound memory. Servers take some thousands in one transaction.
const FORWARD_PATHS_MAX: usize = 100_000;
/// Of the second byte: what the capsule holds.
const PSEUDONYMOUS: u8 = 4;
/// The version of a model's contribution: there is none.
const NO_MODEL: u64 = 0;
/// The version of a model's contribution: its points.
const MODEL_POINTS: u64 = 1;

/// Why a capsule is not written: nobody would read it again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// It has too many forward-paths.
    #[error("it would have {0} forward-paths, {FORWARD_PATHS_MAX} is the most")]
    ForwardPaths(usize),
    /// Its lists are too long.
    #[error("its lists would have {0} items together, {ITEMS_MAX} is the most")]
    Items(usize),
}

impl Capsule {
    /// The capsule in bytes: the same capsule gives the same bytes, and [`Capsule::decode`] gives it back.
    ///
    /// # Errors
    /// When it has more than 100,000 forward-paths, or more than 500,000 items in all of its lists: decoding refuses as many.
    /// What was decoded is always encoded again.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let paths = self.envelope.forward_paths.len();
        if paths > FORWARD_PATHS_MAX {
            return Err(EncodeError::ForwardPaths(paths));
        }
        let out = self.write();
        if out.items > ITEMS_MAX { Err(EncodeError::Items(out.items)) } else { Ok(out.bytes) }
    }

    /// The bytes, however many.
    pub(super) fn write(&self) -> Writer {
        let mut out = Writer::default();
        let learned = self.evidence.learned;
        let answers = &self.evidence.answers;
        let version = match (answers.is_empty(), learned.is_some()) {
            (false, _) => WITH_ANSWERS,
            (true, true) => WITH_LEARNED,
            (true, false) => VERSION,
        };
        out.number(version);
        out.byte(self.level() as u8 | if self.pseudonymous { PSEUDONYMOUS } else { 0 });
        out.text(&self.semantics);
        out.bytes.extend_from_slice(self.engine.as_bytes());
        out.bytes.extend_from_slice(&self.message);
        self.outcomes.write(&mut out);
        self.numbers.write(&mut out);
        match self.model {
            None => out.number(NO_MODEL),
            Some(points) => {
                out.number(MODEL_POINTS);
                points.write(&mut out);
            }
        }
        self.defects.write(&mut out);
        write_envelope(&self.envelope, &mut out);
        write_evidence(&self.evidence, &mut out);
        if version > VERSION {
            write_learned(learned, &mut out);
        }
        if version == WITH_ANSWERS {
            write_answers(answers, &mut out);
        }
        self.identities.from.write(&mut out);
        self.identities.list_ids.write(&mut out);
        self.evidence.settings.write(&mut out);
        self.other_settings.write(&mut out);
        self.write_verdicts(&mut out);
        if let Some(facts) = &self.facts {
            facts.write(&mut out);
        }
        if let Some(content) = &self.content {
            out.bytes(content);
        }
        out
    }

    /// Reads what [`Capsule::encode`] wrote. Memory stays within some times the bytes and some hundred megabytes,
    /// whatever they are: at most 100,000 forward-paths, and 500,000 items in all lists together.
    ///
    /// # Errors
    /// When the bytes are not exactly those of a capsule; the error says what is wrong and at which byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        let version = from.number()?;
        if ![VERSION, WITH_LEARNED, WITH_ANSWERS].contains(&version) {
            return Err(DecodeError { at: 0, fault: Fault::Version(version) });
        }
        let at = from.at();
        let holds = from.byte()?;
        let level = match holds & !PSEUDONYMOUS {
            0 => Level::Causes,
            1 => Level::Facts,
            2 if holds & PSEUDONYMOUS == 0 => Level::Content,
            _ => return Reader::wrong(at, "there is no such level"),
        };
        let semantics = String::read(&mut from)?;
        let engine = EngineHash::from_bytes(from.array()?);
        let message = from.array()?;
        let outcomes = Wire::read(&mut from)?;
        let numbers = Wire::read(&mut from)?;
        let at = from.at();
        let model = match from.number()? {
            NO_MODEL => None,
            MODEL_POINTS => Some(Wire::read(&mut from)?),
            version => return Err(DecodeError { at, fault: Fault::Model(version) }),
        };
        let defects = Wire::read(&mut from)?;
        let mut envelope = read_envelope(&mut from)?;
        let mut evidence = read_evidence(&mut from)?;
        let at = from.at();
        if version > VERSION {
            evidence.learned = read_learned(&mut from)?;
        }
        match version {
            // One spelling: without it, the capsule is of the first version.
            WITH_LEARNED if evidence.learned.is_none() => return Reader::wrong(at, "nothing was learned"),
            WITH_ANSWERS => evidence.answers = read_answers(&mut from)?,
            _ => {}
        }
        let identities = Identities { from: Wire::read(&mut from)?, list_ids: Wire::read(&mut from)? };
        evidence.settings = Settings::read(&mut from)?;
        let at = from.at();
        let other_settings = read_other_settings(&evidence.settings, &mut from)?;
        let verdicts = read_verdicts(other_settings.len(), &mut envelope.forward_paths, &mut from)?;
        // One spelling: settings are numbered in the order of those who have them, each once.
        let mut next = 1;
        for verdict in &verdicts {
            next += usize::from(verdict.settings == next);
        }
        if next <= other_settings.len() {
            return Reader::wrong(at, OTHER_SETTINGS);
        }
        let facts = if level == Level::Facts { Some(Wire::read(&mut from)?) } else { None };
        let content = if level == Level::Content { Some(from.bytes()?.to_vec()) } else { None };
        from.finish()?;
        Ok(Self {
            engine,
            semantics,
            message,
            pseudonymous: holds & PSEUDONYMOUS != 0,
            envelope,
            evidence,
            identities,
            defects,
            outcomes,
            numbers,
            model,
            other_settings,
            verdicts,
            facts,
            content,
        })
    }

    fn write_verdicts(&self, out: &mut Writer) {
        let paths = &self.envelope.forward_paths;
        out.count(paths.len());
        let mut before: Option<&RecordedVerdict> = None;
        for (index, verdict) in self.verdicts.iter().enumerate() {
            if let Some(path) = paths.get(index) {
                write_path(path, index.checked_sub(1).and_then(|before| paths.get(before)), out);
            }
            if before == Some(verdict) {
                out.number(0);
            } else {
                out.number(verdict.settings as u64 + 1);
                verdict.write(out);
            }
            before = Some(verdict);
        }
    }
}

const OTHER_SETTINGS: &str = "settings are not in the order of recipients, each once";

/// Settings that differ from these and from one another.
fn read_other_settings(settings: &Settings, from: &mut Reader<'_>) -> Read<Vec<Settings>> {
    let at = from.at();
    let mut spelled = BTreeSet::from([spelling(settings)]);
    let mut others = Vec::new();
    for _ in 0..from.count()? {
        let start = from.at();
        others.push(Settings::read(from)?);
        // What differs is spelled differently.
        if !spelled.insert(from.since(start).to_vec()) {
            return Reader::wrong(at, OTHER_SETTINGS);
        }
    }
    Ok(others)
}

fn read_verdicts(settings: usize, paths: &mut Vec<ForwardPath>, from: &mut Reader<'_>) -> Read<Vec<RecordedVerdict>> {
    let at = from.at();
    let count = from.count()?;
    if count > FORWARD_PATHS_MAX {
        return Reader::wrong(at, "there are too many forward-paths");
    }
    let mut verdicts: Vec<RecordedVerdict> = Vec::with_capacity(count.max(1));
    for index in 0..count.max(1) {
        if index < count {
            paths.push(read_path(paths.last(), from)?);
        }
        let at = from.at();
        let verdict = match (from.number()?, verdicts.last()) {
            (0, Some(before)) => *before,
            (0, None) => return Reader::wrong(at, "no verdict stands before"),
            (number, before) => {
                let verdict = match usize::try_from(number - 1) {
                    Ok(index) if index <= settings => RecordedVerdict { settings: index, ..RecordedVerdict::read(from)? },
                    _ => return Reader::wrong(at, "there are no such settings"),
                };
                if before == Some(&verdict) {
                    return Reader::wrong(at, "a verdict is written twice");
                }
                verdict
            }
        };
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// Classes by number; new ones go to the end.
const CLASSES: [Class; 4] = [Class::Clean, Class::Spam, Class::SureSpam, Class::Infected];

impl Wire for RecordedVerdict {
    /// Class and score, then how far the bounds lie from it.
    fn write(&self, out: &mut Writer) {
        let Self { settings: _, class, score, low, high } = self;
        out.byte(match class {
            Class::Clean => 0,
            Class::Spam => 1,
            Class::SureSpam => 2,
            Class::Infected => 3,
        });
        score.write(out);
        out.number((score.hundredths().wrapping_sub(low.hundredths())) as u64);
        out.number((high.hundredths().wrapping_sub(score.hundredths())) as u64);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let at = from.at();
        let Some(&class) = CLASSES.get(usize::from(from.byte()?)) else {
            return Reader::wrong(at, "there is no such class");
        };
        let score = Score::read(from)?;
        // Two's complement, so that every distance has one spelling.
        let low = Score::from_hundredths(score.hundredths().wrapping_sub(from.number()? as i64));
        let high = Score::from_hundredths(score.hundredths().wrapping_add(from.number()? as i64));
        Ok(Self { settings: 0, class, score, low, high })
    }
}
