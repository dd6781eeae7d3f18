//! SPF (RFC 7208): may this client use this domain?
//!
//! [`check`] is a function of a [`Sender`], [`Options`] and [`Answers`]. While an answer is missing it says which; then it is run
//! again, from the start: that is cheaper than what it would keep in between, and the same answers give the same outcome whatever
//! was asked in which order. An answer that is not known ends in `temperror`, except where the standard says otherwise
//! ([`Outcome::unsure`]).
//!
//! Work is bounded: 10 terms that ask DNS, 10 hosts for each `mx`, 10 names of the client, two void terms
//! ([`Options::voids`]), at most 11 records read; so at most 123 questions are asked, whatever is published.
//!
//! Not here: what to do with a result, the header field `Received-SPF`, and domains that are not in ASCII: their labels must have
//! been converted (RFC 8616 §4), otherwise the result is `none`.

mod addresses;
mod audit;
mod cidr;
mod client;
mod evaluate;
mod expand;
mod macros;
mod outcome;
mod record;
mod syntax;

use std::net::IpAddr;

pub use crate::SpfResult;
pub use audit::{Audit, Finding, FindingKind, Visited, audit};
pub use cidr::DualCidr;
pub use macros::DomainSpec;
pub use outcome::{Course, Outcome, Reason, Step};
pub use record::{Directive, Mechanism, Qualifier, Record};
pub use syntax::{Fault, SyntaxError};

use crate::{Answers, Progress, Wanted};
use evaluate::Evaluation;
use outcome::{quoted, quoted_bytes};

/// Who sends, and who asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sender<'a> {
    /// The client address. One of IPv4 mapped into IPv6 is taken as that of IPv4.
    pub client: IpAddr,
    /// The EHLO domain, as the client said it. Of it, and of the reverse-path, 1,024 octets are looked at: no command of SMTP has
    /// more (RFC 5321 §4.5.3.1.4).
    pub ehlo: &'a str,
    /// The mailbox of the reverse-path. None for the null reverse-path: then `postmaster` at the EHLO domain is checked
    /// (RFC 7208 §2.4), as it is to check the EHLO domain itself (§2.3).
    pub reverse_path: Option<&'a str>,
    /// The name of the receiving host, for explanations (macro `r`).
    pub receiver: &'a str,
    /// Seconds since 1970, for explanations (macro `t`).
    pub now: u64,
}

/// What may be chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    /// How many terms DNS may have nothing for; RFC 7208 §4.6.4 recommends 2.
    pub voids: u32,
    /// Whether the explanation of a `fail` is asked for: one question more, or a few.
    pub explain: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { voids: 2, explain: true }
    }
}

/// Checks whether the client may use the domain of the reverse-path.
///
/// # Example: is this client one of the domain's?
/// ```
/// use xd_auth::spf::{self, Options, Sender, SpfResult};
/// use xd_auth::{Answer, Answers, Progress, Record, Wanted};
///
/// let sender = Sender {
///     client: "192.0.2.7".parse().unwrap(),
///     ehlo: "mail.example.org",
///     reverse_path: Some("ann@example.com"),
///     receiver: "mx.example.net",
///     now: 1_700_000_000,
/// };
/// let mut answers = Answers::default();
/// let Progress::Wants(wanted) = spf::check(&sender, &Options::default(), &answers) else { panic!() };
/// let [Wanted::Records(question)] = wanted.as_slice() else { panic!() };
/// assert_eq!(question.name.as_str(), "example.com");
///
/// let record = Record::Txt(b"v=spf1 ip4:192.0.2.0/24 -all"[..].into());
/// answers.put(question.clone(), Answer::Found(vec![record]));
/// let Progress::Done(outcome) = spf::check(&sender, &Options::default(), &answers) else { panic!() };
/// assert_eq!(outcome.result, SpfResult::Pass);
/// assert_eq!(outcome.reason.to_string(), "ip4:192.0.2.0/24 in the record of example.com matches");
/// ```
#[must_use]
pub fn check(sender: &Sender<'_>, options: &Options, answers: &Answers) -> Progress<Outcome> {
    match Evaluation::new(sender, options, answers).run() {
        Ok(outcome) => Progress::Done(outcome),
        Err(questions) => Progress::Wants(questions.into_iter().map(Wanted::Records).collect()),
    }
}
