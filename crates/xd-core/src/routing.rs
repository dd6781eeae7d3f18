//! Routing: from verdicts and the actions set for their classes to what becomes of a message, recipient by recipient.
//!
//! One answer ends an SMTP transaction, whatever its recipients were to get. Only when all are refused alike is the message
//! refused; otherwise it is accepted, and whoever was to be refused gets the nearest thing that needs no report to a sender
//! who may be forged: quarantine instead of reject, delivery instead of defer. LMTP has an answer for each recipient and
//! needs no such thing.

use std::str::FromStr;

use xd_container::{Sign, Signs};

use crate::{Class, Domain, Stripping};

/// What becomes of a message of some class.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// It is refused for now, with 4yz.
    Defer,
    /// It is delivered as it came.
    Deliver,
    /// It is delivered with a header field that asks the next hop to encrypt it.
    Encrypt,
    /// It is accepted and not delivered; the journal says so.
    Discard,
    /// It is accepted and held until somebody releases it.
    Quarantine,
    /// It is delivered to this address instead.
    Redirect(String),
    /// It is refused for good, with 5yz.
    Reject,
    /// It is delivered without its harmful files, each replaced by a notice, and with header fields that tell the verdict.
    Strip,
    /// It is delivered with header fields that tell the verdict.
    Tag,
}

impl Action {
    /// Which of two actions prevails: the one that lets less of the message through.
    fn gravity(&self) -> u8 {
        match self {
            Self::Deliver => 0,
            Self::Tag => 1,
            Self::Encrypt => 2,
            Self::Strip => 3,
            Self::Redirect(_) => 4,
            Self::Defer => 5,
            Self::Quarantine => 6,
            Self::Reject => 7,
            Self::Discard => 8,
        }
    }
}

impl FromStr for Action {
    type Err = &'static str;

    /// Reads an action as configurations spell it: `tag`, `redirect:spam@example.com`.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "defer" => Ok(Self::Defer),
            "deliver" => Ok(Self::Deliver),
            "discard" => Ok(Self::Discard),
            "encrypt" => Ok(Self::Encrypt),
            "quarantine" => Ok(Self::Quarantine),
            "reject" => Ok(Self::Reject),
            "strip" => Ok(Self::Strip),
            "tag" => Ok(Self::Tag),
            _ => match text.strip_prefix("redirect:") {
                Some(address) if is_address(address) => Ok(Self::Redirect(address.to_owned())),
                Some(_) => Err("expected an address behind redirect:"),
                None => Err("expected deliver, tag, strip, encrypt, quarantine, reject, defer, discard or redirect:ADDRESS"),
            },
        }
    }
}

fn is_address(text: &str) -> bool {
    let plain = !text.bytes().any(|byte| byte <= b' ' || byte == 127 || b"<>".contains(&byte));
    plain && text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && Domain::parse(domain).is_ok())
}

/// What becomes of mail by its class.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Actions {
    /// Of clean mail.
    pub clean: Action,
    /// Of spam.
    pub spam: Action,
    /// Of sure spam.
    pub surespam: Action,
    /// Of mail that carries malware.
    pub infected: Action,
    /// Of mail with a file that has such a sign, whatever its class; the gravest counts. Empty unless somebody asks for more.
    pub files: Vec<(Sign, Action)>,
}

impl Default for Actions {
    /// Clean mail is delivered, spam tagged, malware rejected.
    fn default() -> Self {
        Self { clean: Action::Deliver, spam: Action::Tag, surespam: Action::Tag, infected: Action::Reject, files: Vec::new() }
    }
}

impl Actions {
    /// What is set for the class, and for files with these signs.
    fn all_of(&self, class: Class, signs: Signs) -> impl Iterator<Item = &Action> {
        let of_class = match class {
            Class::Clean => &self.clean,
            Class::Infected => &self.infected,
            Class::Spam => &self.spam,
            Class::SureSpam => &self.surespam,
        };
        let of_files = self.files.iter().filter(move |(sign, _)| signs.contains(*sign)).map(|(_, action)| action);
        std::iter::once(of_class).chain(of_files)
    }

    /// The gravest of them.
    fn of(&self, class: Class, signs: Signs) -> &Action {
        self.all_of(class, signs).max_by_key(|action| action.gravity()).unwrap_or(&self.clean)
    }

    /// Whether the message is to be encrypted by whoever comes next, whatever else becomes of it.
    #[must_use]
    pub fn asks_for_encryption(&self, class: Class, signs: Signs) -> bool {
        self.all_of(class, signs).any(|action| *action == Action::Encrypt)
    }

    /// Whether files may be taken out at all.
    #[must_use]
    pub fn may_strip(&self) -> bool {
        let classes = [&self.clean, &self.spam, &self.surespam, &self.infected];
        classes.into_iter().chain(self.files.iter().map(|(_, action)| action)).any(|action| *action == Action::Strip)
    }

    /// The signs whose files [`Disposition::Strip`] takes out: those that are set so, and what does harm by itself.
    #[must_use]
    pub fn stripped(&self) -> Signs {
        let set = self.files.iter().filter(|(_, action)| *action == Action::Strip).map(|(sign, _)| *sign);
        HARMFUL.iter().copied().chain(set).collect()
    }
}

/// What does harm when somebody opens it.
const HARMFUL: &[Sign] = &[
    Sign::Executable,
    Sign::Script,
    Sign::Installer,
    Sign::Shortcut,
    Sign::TestVirus,
    Sign::DangerousName,
    Sign::AutoRun,
    Sign::SuspiciousMacros,
    Sign::EquationObject,
    Sign::LaunchAction,
    Sign::Smuggling,
];

/// Whether the files that are to be taken out of a message can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Takeable {
    /// All can.
    All,
    /// At least one cannot.
    No,
    /// There is none.
    Nothing,
}

impl From<&Stripping> for Takeable {
    fn from(stripping: &Stripping) -> Self {
        match stripping {
            Stripping::Done(_) => Self::All,
            Stripping::Impossible => Self::No,
            Stripping::Nothing => Self::Nothing,
        }
    }
}

/// How many answers the end of the content gets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete: SMTP has one, LMTP one each")]
pub enum Answers {
    /// One for each recipient (RFC 2033 §4.2).
    Each,
    /// One for all (RFC 5321 §4.1.1.4).
    One,
}

/// What becomes of a message for one recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Disposition {
    /// Refused for now.
    Defer,
    /// Delivered as it came.
    Deliver,
    /// Accepted, recorded, gone.
    Discard,
    /// Delivered with a header field that asks for encryption.
    Encrypt,
    /// Accepted and held.
    Quarantine,
    /// Delivered to another address.
    Redirect(String),
    /// Refused for good.
    Reject,
    /// Delivered without its harmful files.
    Strip,
    /// Delivered with header fields that tell the verdict.
    Tag,
}

impl Disposition {
    /// Whether the message is accepted for this recipient: from then on it is ours to see through.
    #[must_use]
    pub fn accepts(&self) -> bool {
        !matches!(self, Self::Defer | Self::Reject)
    }

    /// Whether the message carries the verdict in header fields.
    #[must_use]
    pub fn tells_verdict(&self) -> bool {
        matches!(self, Self::Strip | Self::Tag)
    }

    /// The disposition as a word, for records.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Defer => "defer",
            Self::Deliver => "deliver",
            Self::Discard => "discard",
            Self::Encrypt => "encrypt",
            Self::Quarantine => "quarantine",
            Self::Redirect(_) => "redirect",
            Self::Reject => "reject",
            Self::Strip => "strip",
            Self::Tag => "tag",
        }
    }
}

impl From<&Action> for Disposition {
    fn from(action: &Action) -> Self {
        match action {
            Action::Defer => Self::Defer,
            Action::Deliver => Self::Deliver,
            Action::Discard => Self::Discard,
            Action::Encrypt => Self::Encrypt,
            Action::Quarantine => Self::Quarantine,
            Action::Redirect(address) => Self::Redirect(address.clone()),
            Action::Reject => Self::Reject,
            Action::Strip => Self::Strip,
            Action::Tag => Self::Tag,
        }
    }
}

/// What becomes of a message, one disposition for each recipient in their order.
///
/// # Example: what if one recipient's action is to reject, and another's to deliver?
/// ```
/// use xd_core::{Class, Signs};
/// use xd_core::routing::{Action, Actions, Answers, Disposition, Takeable, route};
///
/// let actions = Actions { spam: Action::Reject, ..Actions::default() };
/// let one = route(&actions, Signs::default(), Takeable::Nothing, [Class::Spam, Class::Clean], Answers::One);
/// assert_eq!(one, [Disposition::Quarantine, Disposition::Deliver]);
/// let each = route(&actions, Signs::default(), Takeable::Nothing, [Class::Spam, Class::Clean], Answers::Each);
/// assert_eq!(each, [Disposition::Reject, Disposition::Deliver]);
/// ```
///
/// `signs` are those of all files in the message, `files` says whether what is to be taken out can be. Where it cannot, the message is
/// held instead: it is never delivered with what was to be taken out. Where there is nothing to take out, it is tagged.
pub fn route(
    actions: &Actions,
    signs: Signs,
    files: Takeable,
    classes: impl IntoIterator<Item = Class>,
    answers: Answers,
) -> Vec<Disposition> {
    let disposition = |class| match actions.of(class, signs) {
        Action::Strip => match files {
            Takeable::All => Disposition::Strip,
            Takeable::No => Disposition::Quarantine,
            Takeable::Nothing => Disposition::Tag,
        },
        action => action.into(),
    };
    let mut plan: Vec<Disposition> = classes.into_iter().map(disposition).collect();
    let alike = |wanted: &Disposition| plan.iter().all(|disposition| disposition == wanted);
    if answers == Answers::One && !alike(&Disposition::Reject) && !alike(&Disposition::Defer) {
        for disposition in &mut plan {
            match disposition {
                Disposition::Reject => *disposition = Disposition::Quarantine,
                // With its score: whoever reads it sees what was thought of it.
                Disposition::Defer => *disposition = Disposition::Tag,
                _ => {}
            }
        }
    }
    // All that accept it get the same content, and nobody else is to lose a file: where they differ, those are asked first.
    if plan.iter().any(|disposition| disposition.accepts() && *disposition != Disposition::Strip) {
        plan.iter_mut()
            .filter(|disposition| **disposition == Disposition::Strip)
            .for_each(|strip| *strip = Disposition::Quarantine);
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(actions: &Actions, classes: &[Class]) -> Vec<Disposition> {
        route(actions, Signs::default(), Takeable::Nothing, classes.iter().copied(), Answers::One)
    }

    #[test]
    fn actions_are_read_as_they_are_spelt() {
        assert_eq!("tag".parse(), Ok(Action::Tag));
        assert_eq!("redirect:spam@example.com".parse(), Ok(Action::Redirect("spam@example.com".to_owned())));
        for wrong in ["", "Tag", "redirect:", "redirect:spam", "redirect:a b@example.com", "redirect:@example.com"] {
            assert!(wrong.parse::<Action>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_refused_alike_are_refused() {
        let actions = Actions { spam: Action::Reject, surespam: Action::Defer, ..Actions::default() };
        assert_eq!(plan(&actions, &[Class::Spam, Class::Spam]), [Disposition::Reject, Disposition::Reject]);
        assert_eq!(plan(&actions, &[Class::SureSpam; 2]), [Disposition::Defer, Disposition::Defer]);
    }

    #[test]
    fn of_mixed_recipients_none_is_refused() {
        let actions = Actions { spam: Action::Reject, surespam: Action::Defer, ..Actions::default() };
        assert_eq!(plan(&actions, &[Class::Spam, Class::Clean]), [Disposition::Quarantine, Disposition::Deliver]);
        assert_eq!(plan(&actions, &[Class::SureSpam, Class::Clean]), [Disposition::Tag, Disposition::Deliver]);
        assert_eq!(plan(&actions, &[Class::SureSpam, Class::Spam]), [Disposition::Tag, Disposition::Quarantine]);
    }

    #[test]
    fn lmtp_answers_each() {
        let actions = Actions { spam: Action::Reject, surespam: Action::Defer, ..Actions::default() };
        let plan =
            route(&actions, Signs::default(), Takeable::Nothing, [Class::Spam, Class::Clean, Class::SureSpam], Answers::Each);
        assert_eq!(plan, [Disposition::Reject, Disposition::Deliver, Disposition::Defer]);
        assert_eq!(plan.iter().map(Disposition::accepts).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn files_count_when_they_are_graver() {
        let files = vec![(Sign::Executable, Action::Strip), (Sign::Encrypted, Action::Quarantine), (Sign::Macros, Action::Tag)];
        let actions = Actions { infected: Action::Reject, files, ..Actions::default() };
        let plan = |signs: &[Sign], class, files| {
            route(&actions, signs.iter().copied().collect(), files, [class], Answers::One).remove(0)
        };
        assert_eq!(plan(&[], Class::Clean, Takeable::All), Disposition::Deliver);
        assert_eq!(plan(&[Sign::Macros], Class::Clean, Takeable::All), Disposition::Tag);
        assert_eq!(plan(&[Sign::Macros, Sign::Executable], Class::Spam, Takeable::All), Disposition::Strip);
        assert_eq!(plan(&[Sign::Executable], Class::Clean, Takeable::No), Disposition::Quarantine);
        assert_eq!(plan(&[Sign::Executable, Sign::Encrypted], Class::Clean, Takeable::All), Disposition::Quarantine);
        assert_eq!(plan(&[Sign::Executable], Class::Infected, Takeable::All), Disposition::Reject);
        assert!(!actions.asks_for_encryption(Class::Clean, Signs::default()));
        let encrypted = Actions { clean: Action::Encrypt, ..actions.clone() };
        assert!(encrypted.asks_for_encryption(Class::Clean, [Sign::Executable].into_iter().collect()));
        let each = Actions { clean: Action::Strip, ..Actions::default() };
        let program = [Sign::Executable].into_iter().collect();
        let mixed = route(&each, program, Takeable::All, [Class::Clean, Class::Spam], Answers::One);
        assert_eq!(mixed, [Disposition::Quarantine, Disposition::Tag], "nobody loses a file for another");
        let clean = Actions { clean: Action::Strip, ..Actions::default() };
        assert_eq!(route(&clean, Signs::default(), Takeable::Nothing, [Class::Clean], Answers::One), [Disposition::Tag]);
        assert!(actions.stripped().contains(Sign::Script) && !actions.stripped().contains(Sign::Macros));
    }
}
