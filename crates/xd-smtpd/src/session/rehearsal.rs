//! A dialogue without a network: for tests, conformance and fuzzing.
//!
//! The gateway behind it is of few words: local parts tell what becomes of recipients.

use std::sync::Arc;

use super::{
    Authentication, ClientFacts, Event, Outcome, RcptParameters, RefusalRecord, Reply, Session, SessionOptions, Stage,
    StageDecision, Transaction,
};

/// A session with a simple gateway behind it.
///
/// Recipients whose local part begins with `unknown` are refused, those with `later` deferred, and contents for `full` (LMTP)
/// too. The password of everyone is `secret`. Whatever XCLIENT says is taken over.
///
/// # Example: what does a server say to an unknown recipient?
/// ```
/// use xd_smtpd::session::{Protocol, SessionOptions, rehearsal::Rehearsal};
///
/// let mut rehearsal = Rehearsal::new(SessionOptions::new("mx.example.net", Protocol::Smtp));
/// rehearsal.say(b"EHLO c\r\nMAIL FROM:<a@example.com>\r\n");
/// rehearsal.replies();
/// rehearsal.say(b"RCPT TO:<unknown@example.net>\r\n");
/// assert_eq!(rehearsal.replies(), "550 5.1.1 mx.example.net does not protect this address\r\n");
/// ```
#[derive(Debug)]
pub struct Rehearsal {
    session: Session,
    hostname: String,
    unread: Vec<u8>,
    /// Messages that were accepted.
    pub accepted: Vec<Transaction>,
    /// Refusals that the session gave by itself.
    pub refusals: Vec<RefusalRecord>,
    /// Whether the connection was closed.
    pub closed: bool,
    /// Whether TLS is to begin.
    pub tls_awaited: bool,
}

impl Rehearsal {
    /// A dialogue with a client that is not known; the greeting is already said.
    #[must_use]
    pub fn new(options: SessionOptions) -> Self {
        Self::with_client(options, ClientFacts::default())
    }

    /// A dialogue with a client of which something is known.
    #[must_use]
    pub fn with_client(options: SessionOptions, client: ClientFacts) -> Self {
        let hostname = options.hostname.clone();
        let mut rehearsal = Self {
            session: Session::new(Arc::new(options), client),
            hostname,
            unread: Vec::new(),
            accepted: Vec::new(),
            refusals: Vec::new(),
            closed: false,
            tls_awaited: false,
        };
        rehearsal.say(b"");
        rehearsal
    }

    /// The client says something.
    pub fn say(&mut self, octets: &[u8]) {
        self.unread.extend_from_slice(octets);
        loop {
            let used = self.session.handle_input(&self.unread);
            self.unread.drain(..used);
            let mut answered = false;
            while let Some(event) = self.session.poll_event() {
                self.answer(event);
                answered = true;
            }
            if !answered {
                break;
            }
        }
    }

    /// TLS begins.
    pub fn start_tls(&mut self) {
        self.tls_awaited = false;
        self.unread.clear();
        self.session.handle_tls_started();
    }

    /// The client is gone, without a word.
    pub fn leave(&mut self) {
        self.session.handle_disconnect();
        while let Some(event) = self.session.poll_event() {
            self.answer(event);
        }
    }

    /// What the server said since this was asked last.
    pub fn replies(&mut self) -> String {
        let text = String::from_utf8_lossy(self.session.poll_output()).into_owned();
        self.session.handle_written(self.session.poll_output().len());
        text
    }

    /// The session.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    fn answer(&mut self, event: Event) {
        match event {
            Event::Authenticate(credentials) => {
                let authentication = if credentials.password == b"secret" {
                    Authentication::Accepted(credentials.user.into())
                } else {
                    Authentication::Refused
                };
                self.session.handle_authentication(authentication);
            }
            Event::Close => self.closed = true,
            Event::Content(transaction) => {
                let replies = transaction.recipients.iter().map(|rcpt| match rcpt.forward_path.local_part() {
                    "full" => Reply::new(452, (2, 2), "the mailbox is full"),
                    _ => Reply::new(250, (0, 0), "kept"),
                });
                let outcome = Outcome::PerRecipient(replies.collect());
                self.accepted.push(*transaction);
                self.session.handle_outcome(outcome);
            }
            Event::Etrn(domain) => self.session.handle_etrn(&Reply::new(250, (0, 0), format!("{domain} is looked at"))),
            Event::Refused(refusal) => self.refusals.push(*refusal),
            Event::Stage => {
                let decision = match self.session.question().map(|question| question.stage) {
                    Some(Stage::Rcpt(rcpt)) => self.decide(rcpt),
                    _ => StageDecision::Continue,
                };
                self.session.handle_decision(decision);
            }
            Event::StartTls => self.tls_awaited = true,
            Event::Xclient(said) => {
                let authenticated = said.login.flatten().map(Arc::from);
                self.session.handle_client(ClientFacts { xclient: true, authenticated, ..ClientFacts::default() });
            }
        }
    }

    fn decide(&self, rcpt: &RcptParameters) -> StageDecision {
        let local = rcpt.forward_path.local_part();
        if local.starts_with("unknown") {
            let text = format!("{} does not protect this address", self.hostname);
            StageDecision::Refuse(Reply::new(550, (1, 1), text))
        } else if local.starts_with("later") {
            StageDecision::Defer(Reply::new(451, (3, 0), "come again"))
        } else {
            StageDecision::Continue
        }
    }
}
