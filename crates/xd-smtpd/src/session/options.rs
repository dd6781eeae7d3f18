//! What a session offers, allows and bears.

use std::sync::Arc;

/// Everything a session must be told before it begins; shared by all sessions of a listener.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The name in the greeting.
    pub hostname: String,
    /// Which protocol is spoken.
    pub protocol: Protocol,
    /// Whether STARTTLS is offered.
    pub starttls: bool,
    /// Whether a client must have started TLS before MAIL.
    pub require_tls: bool,
    /// Whether AUTH is offered, once TLS protects it.
    pub auth: bool,
    /// Whether a client must authenticate before MAIL, unless it is trusted.
    pub require_auth: bool,
    /// Whether ETRN is offered to clients that may use it.
    pub etrn: bool,
    /// What is done with a bare CR or LF of a client that is not trusted.
    pub line_endings: LineEndings,
    /// How closely paths of a client that is not trusted must follow the grammar.
    pub paths: PathSyntax,
    /// Sizes and counts.
    pub limits: SessionLimits,
}

/// Which protocol is spoken. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Protocol {
    /// RFC 2033: LHLO, and a reply for each recipient at the end of data.
    Lmtp,
    /// RFC 5321, from servers and, where authentication is required, from programs that people write with (RFC 6409).
    Smtp,
}

/// What is done with a CR or an LF that stands alone. In either case only CRLF.CRLF ends the data. The complete set.
///
/// Servers disagree on what a bare CR or LF is. Passing it on lets a client say to the next hop what this server took for
/// content (SMTP smuggling, CVE-2023-51764 to -51766), so there is no setting that does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum LineEndings {
    /// In content a bare LF becomes CRLF and a bare CR a space, in commands a bare LF ends a line. Changes the content: its
    /// signatures may break. Postfix does the same by default (`smtpd_forbid_bare_newline = normalize`,
    /// `cleanup_replace_stray_cr_lf`).
    Normalize,
    /// Content is refused with 550 5.5.2 at its end, a command with 500 5.5.2.
    Refuse,
}

/// How closely paths must follow RFC 5321 §4.1.2. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum PathSyntax {
    /// Also blanks after the colon, paths without angle brackets, and dots in the local part wherever they stand: printers,
    /// scripts and a few old providers write these.
    Lenient,
    /// As the standard has it, but for underscores in domains and the lengths of local parts.
    Strict,
}

/// Sizes and counts of one session. Where a client is trusted, the counts that hold a client in check do not apply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionLimits {
    /// Octets of content, as SIZE offers them (RFC 1870). Default 64 MiB: what large providers send, with room.
    pub content_octets: u64,
    /// Recipients of one message; more get 452 and are sent again by the client. RFC 5321 §4.5.3.1.8 wants at least 100.
    /// Default 1,000, as Postfix has.
    pub recipients: usize,
    /// Recipients refused without a message accepted since; then 421. Default 100: lists age, harvesters guess more.
    pub refused_recipients: u32,
    /// Commands in error without a message accepted since; then 421. Default 20: no program recovers from as many.
    pub errors: u32,
    /// Commands that carry no message on, without a message since; then 421. Default 100.
    pub idle_commands: u32,
    /// Messages of one session; then 421, and the client comes again. Default 10,000: a session may live long, not forever.
    pub messages: u32,
    /// ETRN commands of one session; then 458. Default 10.
    pub etrn: u32,
    /// Failed authentications of one session; then 421. Default 3.
    pub failed_authentications: u32,
}

impl SessionOptions {
    /// A server of this name and protocol that offers neither TLS nor authentication.
    #[must_use]
    pub fn new(hostname: impl Into<String>, protocol: Protocol) -> Self {
        Self {
            hostname: hostname.into(),
            protocol,
            starttls: false,
            require_tls: false,
            auth: false,
            require_auth: false,
            etrn: false,
            line_endings: LineEndings::Refuse,
            paths: PathSyntax::Strict,
            limits: SessionLimits::default(),
        }
    }
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            content_octets: 64 << 20,
            recipients: 1_000,
            refused_recipients: 100,
            errors: 20,
            idle_commands: 100,
            messages: 10_000,
            etrn: 10,
            failed_authentications: 3,
        }
    }
}

/// What is known of a client before it says anything.
#[derive(Clone, Debug, Default)]
pub struct ClientFacts {
    /// It is in a network of ours: limits on clients do not apply, and its lines and paths are read leniently.
    pub trusted: bool,
    /// It may say who the real client is (XCLIENT).
    pub xclient: bool,
    /// It may use ETRN without authentication.
    pub etrn: bool,
    /// TLS has begun with the connection.
    pub tls: bool,
    /// Who it is, when another already verified that (a client certificate, XCLIENT).
    pub authenticated: Option<Arc<str>>,
}
