//! Evidence: facts about the outside world that were looked up, each found, absent or unknown.
//!
//! The core looks nothing up. Callers fill the slots they can, either directly or by answering an
//! [`Inquiry`] in rounds, and leave the rest unknown. What was consulted of settings and trust is evidence too,
//! so that a verdict can be derived again from its record alone.

mod inquiry;
mod learned;
mod results;
mod senders;
mod settings;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use xd_auth::Answers;
use xd_container::Sign;

pub use inquiry::Inquiry;
pub use learned::Learned;
pub use senders::{SenderResults, Senders};
pub(crate) use senders::{derived_again, from_fields};
pub use settings::{Operator, Settings, SpamClass, Thresholds, ThresholdsError};

use crate::{Domain, Envelope, ForwardPath, Host, Known, Message, Timestamp, Unknown};

/// The result of an SPF check (RFC 7208 §2.6). A temporary error is [`Known::Unknown`], not a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "registered by RFC 7208")]
#[allow(missing_docs, reason = "the registered words say it")]
pub enum SpfResult {
    Fail,
    Neutral,
    None,
    Pass,
    PermError,
    SoftFail,
}

/// The result of verifying one DKIM signature (RFC 8601 §2.7.1). A temporary error is [`Known::Unknown`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "registered by RFC 8601")]
#[allow(missing_docs, reason = "the registered words say it")]
pub enum DkimResult {
    Fail,
    Neutral,
    Pass,
    PermError,
    Policy,
}

/// One verified DKIM signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DkimSignature {
    /// What verifying it gave.
    pub result: DkimResult,
    /// The signing domain (`d=`).
    pub domain: Domain,
}

/// The result of DMARC for the author's domain (RFC 8601 §2.7 and RFC 9989).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "registered")]
#[allow(missing_docs, reason = "the registered words say it")]
pub enum DmarcResult {
    Fail,
    None,
    Pass,
    PermError,
}

/// What the author's domain asks for when DMARC fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "registered")]
#[allow(missing_docs, reason = "the registered words say it")]
pub enum DmarcPolicy {
    None,
    Quarantine,
    Reject,
}

/// DMARC: result and policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dmarc {
    /// Whether an aligned identity passed.
    pub result: DmarcResult,
    /// What the domain asks for otherwise.
    pub policy: DmarcPolicy,
}

/// The result of validating an ARC chain (RFC 8617 §4.4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "registered")]
#[allow(missing_docs, reason = "the registered words say it")]
pub enum ArcResult {
    Fail,
    None,
    Pass,
}

/// What an antivirus engine said.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a scan finds something or nothing")]
pub enum Antivirus {
    /// It found nothing.
    Clean,
    /// It found this.
    Infected(String),
}

/// How a host has behaved towards us.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HostStanding {
    /// Whether it is on our own block list.
    pub listed: bool,
    /// Messages of it that were trusted or clean.
    pub good: u32,
    /// Messages of it that were spam.
    pub bad: u32,
}

/// Earlier mail from our recipient to this sender.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Correspondence {
    /// How many messages our side sent.
    pub sent: u32,
    /// When the last one was sent.
    pub last: Timestamp,
}

/// A name in a DNS list (DNSBL or URIBL): `7.2.0.192.zen.example.net` (RFC 5782 §2.1).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Listing {
    /// The list's zone.
    pub zone: Domain,
    /// What was looked up in it: an address or a domain.
    pub item: Host,
}

/// All evidence about one message.
///
/// # Example: evidence that is known to be absent
/// ```
/// use xd_core::{Evidence, Known};
///
/// let evidence = Evidence { reverse_names: Known::Absent, ..Evidence::default() };
/// assert!(evidence.spf.is_unknown());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// When the message was received.
    pub now: Known<Timestamp>,
    /// The names in the PTR records of the client address.
    pub reverse_names: Known<Vec<Domain>>,
    /// The reverse name that leads back to the client address (FCrDNS); absent when none does.
    pub confirmed_name: Known<Domain>,
    /// SPF for the reverse-path, or for the EHLO domain when it is null.
    pub spf: Known<SpfResult>,
    /// The DKIM signatures verified; absent when the message has none.
    pub dkim: Known<Vec<DkimSignature>>,
    /// DMARC for the author's domain; absent when it publishes no policy.
    pub dmarc: Known<Dmarc>,
    /// The ARC chain; absent when there is none.
    pub arc: Known<ArcResult>,
    /// The answers of DNS that SPF and DMARC follow from; none where these were given, or are not known.
    pub answers: Answers,
    /// Answers of DNS lists; a missing entry is unknown.
    pub listings: BTreeMap<Listing, Known<Vec<Ipv4Addr>>>,
    /// What the antivirus engine said; absent when none is configured.
    pub antivirus: Known<Antivirus>,
    /// How the host has behaved; absent when it was never seen.
    pub host_standing: Known<HostStanding>,
    /// Earlier mail to this sender; absent when there was none.
    pub correspondence: Known<Correspondence>,
    /// What was learned of messages like this one, where it was consulted. Consulting cannot fail, so that nothing of it stays unknown.
    pub learned: Option<Learned>,
    /// Who runs this filter; the same for every recipient.
    pub operator: Operator,
    /// The settings in force for recipients that have none of their own.
    pub settings: Settings,
    /// The settings in force for single recipients, by address in lower case.
    pub recipient_settings: BTreeMap<String, Settings>,
}

impl Evidence {
    /// The settings in force for a recipient.
    #[must_use]
    pub fn settings_for(&self, recipient: &ForwardPath) -> &Settings {
        self.recipient_settings.get(&recipient.mailbox().address.to_lowercase()).unwrap_or(&self.settings)
    }
}

/// What a message read from a file tells of its own way here: the envelope and evidence that the receiving server
/// noted in the topmost trace field and in `Return-Path`.
///
/// Only the topmost field is believed, since the receiving server wrote it last; all below may be forged. Whatever it
/// does not say stays unknown.
///
/// # Example: where did a stored message come from?
/// ```
/// use xd_core::{Known, Limits, Message, evidence};
///
/// let raw = b"Received: from mail.example.net (mail.example.net [192.0.2.7])\r\n\tby mx.example.com with ESMTP;\r\n\
///     \tSun, 22 Nov 2026 01:00:00 +0000\r\nFrom: a@example.net\r\n\r\n";
/// let message = Message::parse(raw, &Limits::default());
/// let (envelope, evidence) = evidence::derive(&message);
/// assert_eq!(envelope.client_address, Known::Found("192.0.2.7".parse().unwrap()));
/// assert_eq!(evidence.now.found().unwrap().to_string(), "2026-11-22T01:00:00Z");
/// assert!(evidence.spf.is_unknown());
/// ```
#[must_use]
pub fn derive(message: &Message<'_>) -> (Envelope, Evidence) {
    let mut envelope = Envelope::default();
    let mut evidence = Evidence::default();
    // RFC 5321 §4.4: final delivery puts Return-Path above the trace fields; one further down came with the message.
    let mut fields = message.header().fields().iter().map(|field| field.name());
    let topmost = fields.find(|name| ["return-path", "received"].iter().any(|known| name.eq_ignore_ascii_case(known)));
    if topmost.is_some_and(|name| name.eq_ignore_ascii_case("return-path"))
        && let Some(path) = message.return_path()
    {
        envelope.reverse_path = Known::Found(path);
    }
    if let Some(hop) = message.newest_hop() {
        envelope.client_address = hop.client_address.map_or_else(Known::default, Known::Found);
        envelope.ehlo = hop.ehlo.map_or_else(Known::default, Known::Found);
        envelope.tls = hop.tls.map_or_else(Known::default, Known::Found);
        envelope.forward_paths = hop.recipient.iter().map(|recipient| ForwardPath::parse(recipient)).collect();
        // A server that found no name and one that could not tell both write `unknown`: only a name is evidence.
        if let Some(Host::Domain(name)) = hop.reverse_name {
            evidence.reverse_names = Known::Found(vec![name]);
        }
        evidence.now = hop.date.map_or_else(Known::default, Known::Found);
    }
    (envelope, evidence)
}

macro_rules! words {
    ($($type:ty { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        impl $type {
            /// The registered word.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The value of a registered word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    )*};
}

words! {
    SpfResult { Fail = "fail", Neutral = "neutral", None = "none", Pass = "pass", PermError = "permerror", SoftFail = "softfail" }
    DkimResult { Fail = "fail", Neutral = "neutral", Pass = "pass", PermError = "permerror", Policy = "policy" }
    DmarcResult { Fail = "fail", None = "none", Pass = "pass", PermError = "permerror" }
    DmarcPolicy { None = "none", Quarantine = "quarantine", Reject = "reject" }
    ArcResult { Fail = "fail", None = "none", Pass = "pass" }
}

/// What the test file for antivirus programs is called where it is found.
const TEST_VIRUS: &str = "EICAR-Test-File";

impl Evidence {
    /// The same, with what the message itself shows: whoever looks into it needs no antivirus engine to know the test file.
    pub(crate) fn with_shown_by(&self, message: &Message<'_>) -> Cow<'_, Self> {
        let is_test = message.signs().contains(Sign::TestVirus);
        if !is_test || matches!(self.antivirus, Known::Found(Antivirus::Infected(_))) {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self { antivirus: Known::Found(Antivirus::Infected(TEST_VIRUS.to_owned())), ..self.clone() })
    }

    /// The points of what was learned, where it was consulted.
    pub(crate) fn learned_points(&self) -> Option<crate::Score> {
        self.learned.map(|learned| learned.points)
    }

    /// The answer of a list, or unknown when no one asked.
    pub(crate) fn listing(&self, listing: &Listing) -> Known<&Vec<Ipv4Addr>> {
        self.listings.get(listing).map_or(Known::Unknown(Unknown::NotAsked), Known::as_ref)
    }
}
