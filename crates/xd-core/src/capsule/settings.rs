//! The settings in force for each recipient, in bytes: every distinct one once.

use super::wire::{DecodeError, Reader, Wire, Writer};
use crate::{Score, Settings, Thresholds};

type Read<T> = Result<T, DecodeError>;

/// Settings in bytes: each has one spelling, so that they are the same where these are.
pub(super) fn spelling(settings: &Settings) -> Vec<u8> {
    let mut out = Writer::default();
    settings.write(&mut out);
    out.bytes
}

impl Wire for Score {
    fn write(&self, out: &mut Writer) {
        out.signed(self.hundredths());
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.signed().map(Self::from_hundredths)
    }
}

impl Wire for Settings {
    /// A byte that says which of the three differ from what is built in, then those.
    fn write(&self, out: &mut Writer) {
        let Self { thresholds, disabled, scores } = self;
        let parts = [*thresholds != Thresholds::default(), !disabled.is_empty(), !scores.is_empty()];
        out.byte(parts.iter().rev().fold(0, |bits, &part| bits << 1 | u8::from(part)));
        if parts[0] {
            thresholds.spam().write(out);
            thresholds.surespam().write(out);
        }
        if parts[1] {
            out.count(disabled.len());
            disabled.iter().for_each(|rule| rule.write(out));
        }
        if parts[2] {
            out.count(scores.len());
            for (rule, score) in scores {
                rule.write(out);
                score.write(out);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let at = from.at();
        let bits = from.byte()?;
        let mut settings = Self::default();
        if bits & 1 != 0 {
            let (spam, surespam) = (Score::read(from)?, Score::read(from)?);
            settings.thresholds = match Thresholds::try_new(spam, surespam) {
                Ok(thresholds) if thresholds != Thresholds::default() => thresholds,
                _ => return Reader::wrong(at, "there are no such thresholds"),
            };
        }
        if bits & 2 != 0 {
            for _ in 0..from.count()? {
                let rule = String::read(from)?;
                in_order(settings.disabled.last(), &rule, at)?;
                settings.disabled.insert(rule);
            }
        }
        if bits & 4 != 0 {
            for _ in 0..from.count()? {
                let rule = String::read(from)?;
                in_order(settings.scores.last_key_value().map(|(last, _)| last), &rule, at)?;
                settings.scores.insert(rule, Score::read(from)?);
            }
        }
        // One spelling: what is empty is not written at all.
        let empty = bits & 2 != 0 && settings.disabled.is_empty() || bits & 4 != 0 && settings.scores.is_empty();
        if bits > 7 || empty { Reader::wrong(at, "there are no such settings") } else { Ok(settings) }
    }
}

fn in_order(last: Option<&String>, next: &String, at: usize) -> Read<()> {
    if last.is_some_and(|last| last >= next) { Reader::wrong(at, "rules of settings are not in order") } else { Ok(()) }
}
