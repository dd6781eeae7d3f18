//! Our trace field (RFC 5321 §4.4), and the count of those before it.

use std::net::IpAddr;

use xd_core::Timestamp;
use xd_store::QueueId;

use super::fields::Fields;

/// Trace fields at which mail goes in circles. RFC 5321 §6.3 asks for at least 100.
const HOPS_MAX: usize = 100;

/// What a trace field tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trace<'t> {
    pub(super) ehlo: &'t str,
    pub(super) client: Option<IpAddr>,
    pub(super) hostname: &'t str,
    /// How it came: the registered words `SMTP`, `ESMTP`, `ESMTPSA`, `LMTP`, … (RFC 3848).
    pub(super) with: &'t str,
    pub(super) id: QueueId,
    /// Named when there is no other: nobody need learn who else got a message.
    pub(super) only_recipient: Option<&'t str>,
    pub(super) now: Timestamp,
}

impl Trace<'_> {
    /// The whole field with its line end.
    pub(super) fn to_field(self) -> String {
        let Self { ehlo, hostname, with, id, now, .. } = self;
        let client = match self.client.map(|client| client.to_canonical()) {
            Some(IpAddr::V4(client)) => format!(" ([{client}])"),
            Some(IpAddr::V6(client)) => format!(" ([IPv6:{client}])"),
            None => String::new(),
        };
        let recipient = self.only_recipient.map(|path| format!("\r\n\tfor <{path}>")).unwrap_or_default();
        let ehlo = if ehlo.is_empty() { "unknown" } else { ehlo };
        format!("Received: from {ehlo}{client}\r\n\tby {hostname} with {with} id {id}{recipient};\r\n\t{}\r\n", now.to_rfc5322())
    }
}

/// The registered word for how a message came (RFC 3848, RFC 6531 §4.3).
pub(super) fn with(lmtp: bool, extended: bool, smtputf8: bool, tls: bool, authenticated: bool) -> &'static str {
    match (lmtp, smtputf8, tls, authenticated) {
        (false, false, false, false) => {
            if extended {
                "ESMTP"
            } else {
                "SMTP"
            }
        }
        (false, false, true, false) => "ESMTPS",
        (false, false, false, true) => "ESMTPA",
        (false, false, true, true) => "ESMTPSA",
        (false, true, false, false) => "UTF8SMTP",
        (false, true, true, false) => "UTF8SMTPS",
        (false, true, false, true) => "UTF8SMTPA",
        (false, true, true, true) => "UTF8SMTPSA",
        (true, false, false, false) => "LMTP",
        (true, false, true, false) => "LMTPS",
        (true, false, false, true) => "LMTPA",
        (true, false, true, true) => "LMTPSA",
        (true, true, false, false) => "UTF8LMTP",
        (true, true, true, false) => "UTF8LMTPS",
        (true, true, false, true) => "UTF8LMTPA",
        (true, true, true, true) => "UTF8LMTPSA",
    }
}

/// Whether a message has been passed on so often that it can only be going in circles.
pub(super) fn goes_in_circles(content: &[u8]) -> bool {
    Fields::of(content).filter(|field| field.name.eq_ignore_ascii_case(b"received")).nth(HOPS_MAX - 1).is_some()
}

#[cfg(test)]
mod tests {
    use xd_core::{Known, Limits, Message, evidence};

    use super::*;

    #[test]
    fn our_own_trace_field_is_understood() {
        let trace = Trace {
            ehlo: "mail.example.net",
            client: Some("::ffff:192.0.2.7".parse().unwrap()),
            hostname: "mx.example.com",
            with: "ESMTPS",
            id: QueueId::new(7),
            only_recipient: Some("bob@example.com"),
            now: Timestamp::from_unix(1_795_309_200),
        };
        let field = trace.to_field();
        assert!(field.lines().all(|line| line.len() <= 78), "{field}");
        let content = format!("{field}From: a@example.net\r\n\r\n");
        let message = Message::parse(content.as_bytes(), &Limits::default());
        let (envelope, evidence) = evidence::derive(&message);
        assert_eq!(envelope.client_address, Known::Found("192.0.2.7".parse().unwrap()));
        assert_eq!(evidence.now, Known::Found(Timestamp::from_unix(1_795_309_200)));
        assert_eq!(envelope.ehlo.found().unwrap().to_string(), "mail.example.net");
    }

    #[test]
    fn circles_are_seen_at_a_hundred() {
        let content = |hops: usize| format!("{}Subject: x\r\n\r\n", "Received: from a by b; c\r\n".repeat(hops)).into_bytes();
        assert!(!goes_in_circles(&content(99)));
        assert!(goes_in_circles(&content(100)));
    }
}
