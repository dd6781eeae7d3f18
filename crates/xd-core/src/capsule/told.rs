//! What a capsule tells of each target and number that rules can look at.

use super::{Capsule, FieldFact, FieldValue, Level};
use crate::message::Recalled;
use crate::rules::{Number, Register, RuleSet, Scene, Selection, Target, Told};
use crate::{Known, Limits, Message};

/// Where the values of a target come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Source {
    /// Envelope, evidence, settings, or what was counted of them.
    Causes,
    /// The same, and it may identify people.
    Identity,
    /// The addresses of From.
    From,
    /// A header field.
    Header,
    /// Names of header fields, links, parts: told at the level of facts.
    Fact,
    /// The same, and it may identify people.
    PersonalFact,
    /// The text of the message.
    Content,
}

/// The source of a target or number with a fixed name. One that is not named here is taken for content, so that nothing is
/// ever told that is not known; a test holds this table against the vocabulary.
fn source(name: &str) -> Source {
    match name {
        "envelope.tls" | "defects" | "envelope.recipients" | "from.count" | "operator.name" | "operator.domain" => Source::Causes,
        "evidence.reverse_name" | "evidence.confirmed_name" | "evidence.dkim_domain" | "return_path.registered" => {
            Source::Identity
        }
        "from.address" | "from.local" | "from.domain" | "from.registered" => Source::From,
        "header.names" | "fields" | "hops" | "parts" | "attachments" | "attachments.inside" | "nested_messages"
        | "date.ahead" => Source::Fact,
        "link.registered" | "link.scheme" | "link.shown_registered" | "image.registered" | "links" => Source::Fact,
        "attachment.type"
        | "attachment.sniffed"
        | "attachment.sign"
        | "attachment.signs"
        | "file_link.registered"
        | "part.type"
        | "part.charset" => Source::Fact,
        "attachment.name" | "to.count" => Source::PersonalFact,
        _ => match name.split_once('.').map_or(name, |(family, _)| family) {
            "envelope" => Source::Identity,
            "evidence" | "host" | "correspondence" => Source::Causes,
            "subject" | "from" | "sender" | "reply_to" | "to" | "hop" | "link" | "file_link" | "image" | "form" => {
                Source::PersonalFact
            }
            "links" => Source::Fact,
            _ => Source::Content,
        },
    }
}

fn source_of(target: &Target) -> Source {
    target.fixed_name().map_or(Source::Header, source)
}

/// Whether tests look at anything that stands in the message itself, the addresses of From apart.
pub(super) fn reads_message(rules: &RuleSet, selection: &Selection) -> bool {
    let apart = |source| matches!(source, Source::Causes | Source::Identity | Source::From);
    !rules.targets_of(selection).all(|target| apart(source_of(target)))
        || !selection.numbers().iter().all(|number| apart(source(number.name())))
}

impl Capsule {
    /// How much it tells of a target.
    pub(super) fn told(&self, target: &Target) -> Told {
        match (source_of(target), self.level(), self.pseudonymous) {
            (Source::Causes, ..) | (Source::Identity | Source::From, _, false) | (_, Level::Content, _) => Told::All,
            (Source::Identity, _, true) => Told::Presence,
            (Source::Fact, Level::Facts, _) | (Source::PersonalFact, Level::Facts, false) => Told::All,
            (Source::Header, Level::Facts, _) => match target {
                Target::Header(_, name) if !self.hides(name) => Told::All,
                _ => Told::Presence,
            },
            _ => Told::Nothing,
        }
    }

    /// Whether a header field of this name does not stand in it as a whole.
    fn hides(&self, name: &str) -> bool {
        let hidden = |field: &FieldFact| !matches!(field.value, FieldValue::Raw(_)) && field.name.eq_ignore_ascii_case(name);
        self.fields().is_some_and(|fields| fields.iter().any(hidden))
    }

    /// The message as far as it is told: at the level of content, all of it.
    pub(super) fn told_message(&self, limits: &Limits) -> Message<'_> {
        if let Some(content) = &self.content {
            return Message::parse(content, limits);
        }
        match &self.facts {
            Some(facts) => facts.message(self.pseudonymous.then(|| self.identities.from.clone()), self.defects, limits),
            None => self.bare_message(limits),
        }
    }

    /// A message of nothing but the causes.
    pub(super) fn bare_message(&self, limits: &Limits) -> Message<'_> {
        let from = Some(self.identities.from.clone());
        Message::recalled(Recalled { from, defects: self.defects, ..Recalled::default() }, limits)
    }

    /// The value of a number: as it was when rules asked for it, or from what is told.
    pub(super) fn told_number(&self, number: Number, register: &Register, scene: Scene<'_>) -> Option<Known<i64>> {
        if let Some(place) = register.place_of(number) {
            return Some(self.numbers.value(place));
        }
        self.told_number_anew(number, scene)
    }

    /// The value of a number from what is told alone.
    pub(super) fn told_number_anew(&self, number: Number, scene: Scene<'_>) -> Option<Known<i64>> {
        match (source(number.name()), self.level(), self.pseudonymous) {
            (Source::Causes, ..)
            | (Source::Fact, Level::Facts, _)
            | (Source::PersonalFact, Level::Facts, false)
            | (_, Level::Content, _) => Some(number.value(scene)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is content is named here too: a new target is looked at by whoever adds it.
    #[test]
    fn every_target_and_number_has_its_source() {
        let content = |name: &str| {
            let family = name.split('.').next().unwrap();
            ["text", "html"].contains(&family) || name == "size"
        };
        for (name, _) in crate::rules::vocabulary() {
            assert_eq!(source(name) == Source::Content, content(name), "{name}");
        }
    }
}
