//! What is noticed of a message: rules that hold, defects, signs of files, tricks of links.

use std::collections::BTreeSet;
use std::fmt;

#[cfg(test)]
use xd_container::Sign;
#[cfg(test)]
use xd_core::{Defect, Engine};
use xd_core::{Envelope, Evidence, LinkTrick, Message, evidence, judge};

use super::engine;

/// Everything noticed, in the words of `equivalents.toml`.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeSet<String>);

impl Seen {
    /// Judges a message; what its own trace fields tell of the envelope may be changed before.
    pub(super) fn of(message: &Message<'_>, change: impl FnOnce(&mut Envelope, &mut Evidence)) -> Self {
        let (mut envelope, mut facts) = evidence::derive(message);
        change(&mut envelope, &mut facts);
        let mut seen = BTreeSet::new();
        seen.extend(message.defects().iter().map(|defect| format!("defect:{}", defect.id())));
        seen.extend(message.parts().iter().flat_map(|part| part.signs.iter()).map(|sign| format!("sign:{}", sign.id())));
        seen.extend(message.links().iter().flat_map(|link| link.tricks.iter()).map(trick));
        if let Ok(engine) = engine() {
            let judgement = judge(engine, &envelope, message, &facts);
            seen.extend(judgement.verdict().findings.iter().map(|finding| finding.rule.to_owned()));
        }
        Self(seen)
    }

    pub(super) fn holds(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// Whether a word can be noticed at all.
    #[cfg(test)]
    pub(super) fn knows(word: &str, engine: &Engine) -> bool {
        match word.split_once(':') {
            Some(("defect", id)) => Defect::from_id(id).is_some(),
            Some(("sign", id)) => Sign::from_id(id).is_some(),
            Some(("trick", _)) => LinkTrick::ALL.into_iter().any(|one| trick(one) == word),
            Some(_) => false,
            None => engine.rules().rules().iter().any(|rule| rule.id() == word),
        }
    }
}

fn trick(trick: LinkTrick) -> String {
    format!("trick:{trick:?}").to_lowercase()
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
    }
}
