//! The tables of the file as they are written; every key is here, and no other is taken.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use crate::value::{
    ActionText, Dns, DomainText, Network, NextHop, NoticeText, PrivateAddresses, Recipients, ScoreText, SignText, Span,
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tables {
    pub(crate) data: Option<PathBuf>,
    pub(crate) control: Option<PathBuf>,
    pub(crate) admin: Option<Spanned<SocketAddr>>,
    pub(crate) hostname: Option<Spanned<DomainText>>,
    pub(crate) brand: Option<String>,
    pub(crate) dns: Dns,
    pub(crate) user: Option<String>,
    pub(crate) trusted: Option<Vec<Spanned<Network>>>,
    pub(crate) thresholds: Option<Spanned<ThresholdsTable>>,
    pub(crate) actions: ActionsTable,
    pub(crate) subject_tag: bool,
    pub(crate) texts: TextsTable,
    pub(crate) ptr: Ptr,
    pub(crate) quarantine_keep: Option<Span>,
    pub(crate) on_engine_failure: OnEngineFailure,
    pub(crate) listener: Vec<Spanned<ListenerTable>>,
    pub(crate) domain: Vec<Spanned<DomainTable>>,
    pub(crate) route: Vec<Spanned<RouteTable>>,
    pub(crate) client: Vec<Spanned<ClientTable>>,
    pub(crate) limits: LimitsTable,
    pub(crate) delivery: DeliveryTable,
    pub(crate) tls: Option<Spanned<TlsTable>>,
    pub(crate) auth: Option<Spanned<AuthTable>>,
    pub(crate) archive: Option<ArchiveTable>,
    pub(crate) journal: JournalTable,
    pub(crate) rules: RulesTable,
    pub(crate) capsules: CapsulesTable,
    pub(crate) operator: OperatorTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ThresholdsTable {
    pub(crate) spam: ScoreText,
    pub(crate) surespam: ScoreText,
}

impl Default for ThresholdsTable {
    fn default() -> Self {
        let defaults = xd_core::Thresholds::default();
        Self { spam: ScoreText(defaults.spam()), surespam: ScoreText(defaults.surespam()) }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ActionsTable {
    pub(crate) clean: Option<ActionText>,
    pub(crate) spam: Option<ActionText>,
    pub(crate) surespam: Option<ActionText>,
    pub(crate) infected: Option<ActionText>,
    pub(crate) files: BTreeMap<SignText, ActionText>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TextsTable {
    pub(crate) stripped: Option<NoticeText>,
}

/// What is answered to a message that could not be judged because judging itself failed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "the set is complete: later, or unjudged")]
pub enum OnEngineFailure {
    /// It is delivered unjudged, and the journal says so.
    Accept,
    /// It is refused for now.
    #[default]
    Defer,
}

/// What is made of the names of clients: of their PTR records, and of those among them that lead back.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "the set is complete: not asked, asked, insisted on")]
pub enum Ptr {
    /// A client that certainly has no name that leads back to it is refused for now.
    Defer,
    /// They are not looked up.
    Off,
    /// They are looked up for rules to judge by.
    #[default]
    Score,
}

/// What a listener speaks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "whoever listens has to know all of them")]
pub enum Protocol {
    /// LMTP (RFC 2033): one answer per recipient.
    Lmtp,
    /// SMTP.
    Smtp,
    /// SMTP within TLS from the first byte.
    Smtps,
    /// SMTP for clients that authenticate (RFC 6409).
    Submission,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenerTable {
    pub(crate) protocol: Protocol,
    pub(crate) address: Spanned<SocketAddr>,
    #[serde(default = "yes")]
    pub(crate) scan: bool,
    #[serde(default)]
    pub(crate) proxy_from: Vec<Spanned<Network>>,
    #[serde(default)]
    pub(crate) xclient_from: Vec<Spanned<Network>>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DomainTable {
    pub(crate) name: Spanned<DomainText>,
    pub(crate) recipients: Recipients,
    pub(crate) next_hop: Spanned<Vec<NextHop>>,
    pub(crate) greeting_timeout: Option<Span>,
    #[serde(default)]
    pub(crate) tls: TlsPolicy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteTable {
    pub(crate) domain: Spanned<RouteDomain>,
    #[serde(default = "by_mx")]
    pub(crate) next_hop: Spanned<Vec<NextHop>>,
    pub(crate) greeting_timeout: Option<Span>,
    #[serde(default)]
    pub(crate) tls: TlsPolicy,
}

fn by_mx() -> Spanned<Vec<NextHop>> {
    Spanned::new(0..0, vec![NextHop::Mx])
}

/// The domain a route is for: a name, or `*` for all that have none of their own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RouteDomain(pub(crate) Option<DomainText>);

impl<'de> Deserialize<'de> for RouteDomain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        if text == "*" {
            return Ok(Self(None));
        }
        text.parse().map(|domain| Self(Some(domain))).map_err(|why| D::Error::custom(format!("{text:?}: {why}")))
    }
}

/// How much delivery by SMTP insists on encryption.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum TlsPolicy {
    /// None is tried.
    #[serde(rename = "off")]
    Never,
    /// It is used where it is offered; certificates are not checked, since without encryption there would be none to check.
    #[default]
    Opportunistic,
    /// Without it, nothing is delivered; certificates are not checked.
    Required,
    /// Without it and a certificate that names the host, nothing is delivered.
    Verified,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientTable {
    pub(crate) networks: Spanned<Vec<Spanned<Network>>>,
    #[serde(default)]
    pub(crate) etrn: Vec<Spanned<DomainText>>,
    #[serde(default)]
    pub(crate) relay: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitsTable {
    pub(crate) message_bytes: Option<Spanned<i64>>,
    pub(crate) content_memory_bytes: Option<Spanned<i64>>,
    pub(crate) recipients: Option<Spanned<i64>>,
    pub(crate) connections: Option<Spanned<i64>>,
    pub(crate) connections_per_client: Option<Spanned<i64>>,
    pub(crate) connection_rate: Option<Spanned<i64>>,
    pub(crate) message_rate: Option<Spanned<i64>>,
    pub(crate) errors: Option<Spanned<i64>>,
    pub(crate) commands: Option<Spanned<i64>>,
    pub(crate) spool_free_bytes: Option<Spanned<i64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeliveryTable {
    pub(crate) retry: Option<Span>,
    pub(crate) expire: Option<Spanned<Span>>,
    pub(crate) concurrency: Option<Spanned<i64>>,
    pub(crate) greeting_timeout: Option<Span>,
    pub(crate) private_addresses: PrivateAddresses,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsTable {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthTable {
    pub(crate) file: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArchiveTable {
    pub(crate) next_hop: Spanned<NextHop>,
    pub(crate) address: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct JournalTable {
    pub(crate) keep: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RulesTable {
    pub(crate) directories: Vec<PathBuf>,
    /// A name, a path, or `none`.
    pub(crate) model: Option<Spanned<String>>,
    pub(crate) delta: Option<Spanned<PathBuf>>,
    pub(crate) disable: Vec<Spanned<String>>,
    pub(crate) scores: BTreeMap<Spanned<String>, ScoreText>,
}

/// How much of each message its capsule keeps.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "the levels of capsules, and none")]
pub enum CapsuleLevel {
    /// What the verdict follows from.
    #[default]
    Causes,
    /// The whole message too.
    Content,
    /// Header fields, links and attachments' names too.
    Facts,
    /// No capsules: verdicts cannot be replayed.
    Off,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CapsulesTable {
    pub(crate) level: CapsuleLevel,
    pub(crate) pseudonym_key_file: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OperatorTable {
    pub(crate) names: Vec<String>,
    pub(crate) domains: Vec<DomainText>,
}
