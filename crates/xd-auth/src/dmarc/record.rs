//! A DMARC policy record as read (RFC 9989 §4.7 and §4.8), and what its publisher got wrong.

use super::uri::{self, ReportUri};
use crate::tag_list::{is_version, tags};

/// What the publisher of a record wishes done with mail that fails (`p`, `sp`, `np`), from the mildest on.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9989 §4.7 names them all")]
pub enum Policy {
    /// No wish.
    None,
    /// It is suspicious.
    Quarantine,
    /// The name was not used by its owner.
    Reject,
}

/// How alike two domains must be (`adkim`, `aspf`).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9989 §4.7 names them all")]
pub enum Mode {
    /// Of the same organizational domain.
    #[default]
    Relaxed,
    /// The same domain.
    Strict,
}

/// What a record says of its domain as a boundary between organizations (`psd`).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9989 §4.7 names them all")]
pub enum Psd {
    /// The domain is the organizational domain of all below it (`n`).
    Organizational,
    /// The domain is a public suffix (`y`).
    PublicSuffix,
    /// It does not say (`u`).
    #[default]
    Unsaid,
}

/// A record below `_dmarc`. Faults in it leave the default of the tag concerned (§4.8).
///
/// # Example: what does a domain wish?
/// ```
/// use xd_auth::dmarc::{Policy, PolicyRecord};
///
/// let record = PolicyRecord::parse(b"v=DMARC1; p=reject; rua=mailto:dmarc@example.com; pct=50").unwrap();
/// assert_eq!(record.policy, Policy::Reject);
/// assert_eq!(record.aggregate[0].as_str(), "mailto:dmarc@example.com");
/// // Not of this version: no record.
/// assert!(PolicyRecord::parse(b"v=dmarc1; p=reject").is_none());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PolicyRecord {
    /// `p`: for the domain itself, and for those below it unless said otherwise.
    pub policy: Policy,
    /// `sp`: for domains below it.
    pub subdomains: Option<Policy>,
    /// `np`: for domains below it that do not exist.
    pub nonexistent: Option<Policy>,
    /// `psd`.
    pub psd: Psd,
    /// `t=y`: the policy is on trial, the next milder one is to be applied.
    pub testing: bool,
    /// `adkim`.
    pub dkim: Mode,
    /// `aspf`.
    pub spf: Mode,
    /// `rua`: where aggregate reports go, at most [`MAX_URIS`](uri::MAX_URIS).
    pub aggregate: Vec<ReportUri>,
    /// `ruf`: where failure reports go, at most [`MAX_URIS`](uri::MAX_URIS).
    pub failure: Vec<ReportUri>,
    /// `fo`, without regard to whether there is a `ruf`.
    pub when: FailureOptions,
    /// Whether DMARC applies by this record: without usable policies it does so only if it names where reports go (§4.10.1).
    pub applies: bool,
    /// What is wrong with it, at most [`MAX_FAULTS`].
    pub faults: Vec<Fault>,
}

/// When a failure report is asked for (`fo`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 9989 §4.7 names them all")]
pub struct FailureOptions {
    /// `1`: when any mechanism gave no aligned pass; else only when all did (`0`).
    pub any: bool,
    /// `d`: when a signature of DKIM did not hold.
    pub dkim: bool,
    /// `s`: when SPF failed.
    pub spf: bool,
}

/// Something wrong with a record.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "a tag and what is wrong with it")]
pub struct Fault {
    /// The name of the tag, in lower case and cut to 16 characters.
    pub tag: Box<str>,
    /// What is wrong with it.
    pub kind: FaultKind,
}

/// What is wrong with a tag.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// It means nothing since RFC 9989 (`pct`, `rf`, `ri`).
    Historic,
    /// Its value is none that it can have; the default holds.
    Invalid,
    /// It is not there though it is recommended (`p`).
    Missing,
    /// It stands there again; the first counts.
    Repeated,
    /// No such tag is known, or it has no value.
    Unknown,
}

/// Faults of a record that are kept: enough to mend it by, whatever its length.
pub const MAX_FAULTS: usize = 16;

const VERSION: &str = "DMARC1";
const HISTORIC: [&str; 3] = ["pct", "rf", "ri"];

impl PolicyRecord {
    /// Reads a TXT record; none when it is not of this version of DMARC (§4.7, `v`).
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(text);
        if !is_version(&text, VERSION) {
            return None;
        }
        let mut read = Read::default();
        let mut record = Self::empty();
        for (name, value) in tags(&text).skip(1) {
            record.take(&mut read, &name.to_ascii_lowercase(), value);
        }
        record.settle(&read);
        Some(record)
    }

    /// What is to be done with mail of the domain itself that fails, with mail of one below it, or of one below it that does not exist.
    #[must_use]
    pub fn policy_for(&self, relation: Relation) -> Policy {
        let below = self.subdomains.unwrap_or(self.policy);
        match relation {
            Relation::Itself => self.policy,
            Relation::Below => below,
            Relation::BelowNonexistent => self.nonexistent.unwrap_or(below),
        }
    }

    fn empty() -> Self {
        Self {
            policy: Policy::None,
            subdomains: None,
            nonexistent: None,
            psd: Psd::default(),
            testing: false,
            dkim: Mode::default(),
            spf: Mode::default(),
            aggregate: Vec::new(),
            failure: Vec::new(),
            when: FailureOptions { any: false, dkim: false, spf: false },
            applies: true,
            faults: Vec::new(),
        }
    }

    /// Takes one tag. Names are in either case, as ABNF has it, though RFC 6376 §3.2 tells cases apart: who writes `P=reject` means it.
    fn take(&mut self, read: &mut Read, name: &str, value: Option<&str>) {
        let Some(known) = TAGS.iter().position(|known| *known == name) else {
            let kind = if HISTORIC.contains(&name) { FaultKind::Historic } else { FaultKind::Unknown };
            return self.fault(name, kind);
        };
        // RFC 6376 §3.2 voids the whole list for a second tag of a name; RFC 9989 §4.8 asks to discard only what is wrong.
        if std::mem::replace(&mut read.seen[known], true) {
            return self.fault(name, FaultKind::Repeated);
        }
        let value = value.unwrap_or_default();
        let valid = match name {
            "adkim" => put(&mut self.dkim, mode(value)),
            "aspf" => put(&mut self.spf, mode(value)),
            "fo" => put(&mut self.when, failure_options(value)),
            "np" => put(&mut read.nonexistent, policy(value).map(Some)),
            "p" => put(&mut read.policy, policy(value).map(Some)),
            "psd" => put(&mut self.psd, psd(value)),
            "rua" => uri::read_list(value, &mut self.aggregate),
            "ruf" => uri::read_list(value, &mut self.failure),
            "sp" => put(&mut read.subdomains, policy(value).map(Some)),
            "t" => put(&mut self.testing, flag(value)),
            _ => false,
        };
        if !valid {
            read.policies_invalid |= matches!(name, "np" | "p" | "sp");
            self.fault(name, FaultKind::Invalid);
        }
    }

    /// RFC 9989 §4.10.1: without a valid `p`, or with an invalid `sp` or `np`, the record stands for `p=none` if it names where
    /// aggregate reports go, and for nothing otherwise.
    fn settle(&mut self, read: &Read) {
        match read.policy {
            Some(policy) if !read.policies_invalid => {
                self.policy = policy;
                self.subdomains = read.subdomains;
                self.nonexistent = read.nonexistent;
            }
            policy => {
                if policy.is_none() && !read.policies_invalid {
                    self.fault("p", FaultKind::Missing);
                }
                self.applies = !self.aggregate.is_empty();
            }
        }
    }

    fn fault(&mut self, tag: &str, kind: FaultKind) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { tag: tag.chars().take(16).collect(), kind });
        }
    }
}

/// Where a domain stands to the one of the record.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Relation {
    /// It is that domain.
    Itself,
    /// It is below it, and exists.
    Below,
    /// It is below it, and does not exist (RFC 8020: NXDOMAIN).
    BelowNonexistent,
}

/// Tags of RFC 9989 after `v`.
const TAGS: [&str; 10] = ["adkim", "aspf", "fo", "np", "p", "psd", "rua", "ruf", "sp", "t"];

/// What is kept while a record is read.
#[derive(Default)]
struct Read {
    seen: [bool; TAGS.len()],
    policy: Option<Policy>,
    subdomains: Option<Policy>,
    nonexistent: Option<Policy>,
    policies_invalid: bool,
}

/// Whether there was a value to put.
fn put<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

fn policy(value: &str) -> Option<Policy> {
    [Policy::None, Policy::Quarantine, Policy::Reject].into_iter().find(|policy| value.eq_ignore_ascii_case(policy.as_str()))
}

fn mode(value: &str) -> Option<Mode> {
    match value {
        "r" | "R" => Some(Mode::Relaxed),
        "s" | "S" => Some(Mode::Strict),
        _ => None,
    }
}

fn psd(value: &str) -> Option<Psd> {
    match value {
        "n" | "N" => Some(Psd::Organizational),
        "y" | "Y" => Some(Psd::PublicSuffix),
        "u" | "U" => Some(Psd::Unsaid),
        _ => None,
    }
}

fn flag(value: &str) -> Option<bool> {
    match value {
        "y" | "Y" => Some(true),
        "n" | "N" => Some(false),
        _ => None,
    }
}

fn failure_options(value: &str) -> Option<FailureOptions> {
    let mut options = FailureOptions { any: false, dkim: false, spf: false };
    for option in value.split(':') {
        match option.trim() {
            "0" => {}
            "1" => options.any = true,
            "d" | "D" => options.dkim = true,
            "s" | "S" => options.spf = true,
            _ => return None,
        }
    }
    Some(options)
}

impl Policy {
    /// The policy as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }

    /// The next milder one, which `t=y` asks for.
    #[must_use]
    pub fn milder(self) -> Self {
        match self {
            Self::None | Self::Quarantine => Self::None,
            Self::Reject => Self::Quarantine,
        }
    }
}

#[cfg(test)]
mod tests;
