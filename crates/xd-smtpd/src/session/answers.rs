//! What answers do: decisions, outcomes, passwords; and content on its way to a question.

use std::sync::Arc;

use super::content::{GivenUp, Received};
use super::dialogue::{Asked, Counts, Session, State};
use super::{Authentication, ClientFacts, Event, Outcome, Protocol, Reply, StageDecision, Transaction};

impl Session {
    /// Answers [`Event::Stage`]; ignored when no such question is open.
    pub fn handle_decision(&mut self, decision: StageDecision) {
        let State::Asked(asked) = self.state else { return };
        self.state = State::Command;
        match (asked, decision) {
            (Asked::Connect { .. }, StageDecision::Continue) => {
                let protocol = if self.options.protocol == Protocol::Lmtp { "LMTP" } else { "ESMTP" };
                self.reply(&Reply::plain(220, format!("{} {protocol}", self.options.hostname)));
            }
            (Asked::Connect { .. }, StageDecision::Defer(reply) | StageDecision::Refuse(reply)) => {
                // RFC 5321 §3.1 would keep the connection to answer 503 to all that follows; 421 and closing serve the same.
                self.reply(&reply);
                self.close();
            }
            (Asked::Ehlo, StageDecision::Continue) => self.introduce(),
            (Asked::Ehlo, StageDecision::Defer(reply) | StageDecision::Refuse(reply)) => {
                self.ehlo = None;
                self.extended = false;
                self.turn_down(&reply);
            }
            (Asked::Mail, StageDecision::Continue) => self.reply(&Reply::new(250, (1, 0), "sender ok")),
            (Asked::Mail, StageDecision::Defer(reply) | StageDecision::Refuse(reply)) => {
                self.transaction = None;
                self.turn_down(&reply);
            }
            (Asked::Rcpt, StageDecision::Continue) => {
                if let Some(open) = &mut self.transaction {
                    open.recipients.extend(open.candidate.take());
                }
                self.reply(&Reply::new(250, (1, 5), "recipient ok"));
            }
            (Asked::Rcpt, StageDecision::Defer(reply) | StageDecision::Refuse(reply)) => {
                if let Some(open) = &mut self.transaction {
                    open.candidate = None;
                }
                self.counts.refused_recipients += 1;
                self.turn_down(&reply);
                if self.counts.refused_recipients >= self.options.limits.refused_recipients && !self.client.trusted {
                    let reply = Reply::new(421, (7, 0), format!("{} refused too many recipients", self.options.hostname));
                    self.hang_up("RCPT", reply);
                }
            }
            (Asked::Authentication | Asked::Content | Asked::Etrn | Asked::Xclient, _) => self.state = State::Asked(asked),
        }
    }

    /// Answers [`Event::Content`]; ignored when no content waits for it.
    pub fn handle_outcome(&mut self, outcome: Outcome) {
        if !matches!(self.state, State::Asked(Asked::Content)) {
            return;
        }
        let Some(open) = self.transaction.take() else { return };
        self.state = State::Command;
        let count = open.awaiting;
        let replies: Vec<&Reply> = match (&outcome, self.options.protocol) {
            (Outcome::One(reply), Protocol::Smtp) => vec![reply],
            (Outcome::One(reply), Protocol::Lmtp) => vec![reply; count],
            (Outcome::PerRecipient(replies), Protocol::Smtp) => replies.iter().take(1).collect(),
            (Outcome::PerRecipient(replies), Protocol::Lmtp) => replies.iter().take(count).collect(),
        };
        // A reply that is missing must not shift those of the commands behind.
        let missing = Reply::new(451, (3, 0), "no answer for this recipient");
        let wanted = if self.options.protocol == Protocol::Lmtp { count } else { 1 };
        let replies = replies.into_iter().chain(std::iter::repeat(&missing)).take(wanted);
        let (mut accepted, mut close) = (false, false);
        for reply in replies {
            reply.write_to(&mut self.output);
            accepted |= reply.is_positive();
            close |= reply.code() == 421;
        }
        self.counts.messages += 1;
        // A whole message came, whatever was answered.
        self.counts.commands = 0;
        if accepted {
            let Counts { messages, etrn, failed_authentications, .. } = self.counts;
            self.counts = Counts { messages, etrn, failed_authentications, ..Counts::default() };
        }
        if close {
            self.close();
        } else if self.draining {
            self.shut_down();
        }
    }

    /// Answers [`Event::Authenticate`]; ignored when no password waits.
    pub fn handle_authentication(&mut self, authentication: Authentication) {
        if !matches!(self.state, State::Asked(Asked::Authentication)) {
            return;
        }
        self.state = State::Command;
        match authentication {
            Authentication::Accepted(name) => {
                self.client.authenticated = Some(name);
                self.reply(&Reply::new(235, (7, 0), "welcome"));
            }
            Authentication::Refused => {
                self.counts.failed_authentications += 1;
                self.refuse("AUTH", Reply::new(535, (7, 8), "name or password is wrong"));
                let failed_max = self.options.limits.failed_authentications;
                if self.counts.failed_authentications >= failed_max && !self.client.trusted {
                    self.hang_up("AUTH", Reply::new(421, (7, 0), format!("{} heard enough", self.options.hostname)));
                }
            }
            Authentication::Unavailable => {
                self.refuse("AUTH", Reply::new(454, (7, 0), "passwords cannot be checked now"));
            }
        }
    }

    /// Answers [`Event::Etrn`]; ignored when none waits.
    pub fn handle_etrn(&mut self, reply: &Reply) {
        if matches!(self.state, State::Asked(Asked::Etrn)) {
            self.state = State::Command;
            self.reply(reply);
        }
    }

    /// Answers [`Event::Xclient`]: what is now known of the client. The dialogue begins anew.
    pub fn handle_client(&mut self, client: ClientFacts) {
        if matches!(self.state, State::Asked(Asked::Xclient)) {
            self.client = ClientFacts { tls: self.client.tls, ..client };
            self.forget();
            self.ask(Asked::Connect { first: false }, Event::Stage);
        }
    }

    /// Answers [`Event::StartTls`]: TLS protects the connection. All that was said is forgotten (RFC 3207 §4.2).
    pub fn handle_tls_started(&mut self) {
        if matches!(self.state, State::StartTls { .. }) {
            self.client.tls = true;
            self.client.authenticated = None;
            self.forget();
            self.state = State::Command;
        }
    }

    fn forget(&mut self) {
        self.ehlo = None;
        self.extended = false;
        self.transaction = None;
    }

    /// Passes on a decision against a command.
    fn turn_down(&mut self, reply: &Reply) {
        self.reply(reply);
        if reply.code() == 421 {
            self.close();
        }
    }

    /// Answers HELO, EHLO and LHLO.
    fn introduce(&mut self) {
        use std::io::Write as _;
        let options = Arc::clone(&self.options);
        if !self.extended {
            return self.reply(&Reply::plain(250, options.hostname.clone()));
        }
        let output = &mut self.output;
        // Writing to a Vec cannot fail.
        let _ = write!(output, "250-{}\r\n250-PIPELINING\r\n250-SIZE {}\r\n", options.hostname, options.limits.content_octets);
        if options.etrn && (self.client.etrn || self.client.authenticated.is_some()) {
            output.extend_from_slice(b"250-ETRN\r\n");
        }
        if options.starttls && !self.client.tls {
            output.extend_from_slice(b"250-STARTTLS\r\n");
        }
        if options.auth && self.client.tls && self.client.authenticated.is_none() {
            output.extend_from_slice(b"250-AUTH PLAIN LOGIN\r\n");
        }
        if self.client.xclient {
            output.extend_from_slice(b"250-XCLIENT NAME ADDR PORT LOGIN\r\n");
        }
        output.extend_from_slice(
            b"250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 HELP\r\n",
        );
    }

    /// Takes octets of DATA.
    pub(super) fn handle_data(&mut self, input: &[u8]) -> usize {
        let Some(content) = self.transaction.as_mut().and_then(|open| open.content.as_mut()) else {
            // The state says that there is one; without it nothing better can be done than to read commands.
            self.state = State::Command;
            return 0;
        };
        let (used, ended) = content.handle(input);
        if ended {
            self.content_ended(true);
        } else if content.is_endless() {
            self.too_large();
        }
        used
    }

    /// Takes octets of a chunk.
    pub(super) fn handle_chunk(&mut self, input: &[u8]) -> usize {
        let State::Bdat { left, last, wanted } = self.state else { return 0 };
        // `left` bounds it, and what is no longer than a slice fits.
        let used = (input.len() as u64).min(left) as usize;
        if let Some(content) = self.transaction.as_mut().and_then(|open| open.content.as_mut()).filter(|_| wanted) {
            content.handle(&input[..used]);
            if content.is_endless() {
                self.too_large();
                return used;
            }
        }
        let left = left - used as u64;
        self.state = State::Bdat { left, last, wanted };
        if left == 0 {
            self.chunk_ended();
        }
        used
    }

    pub(super) fn chunk_ended(&mut self) {
        let State::Bdat { last, wanted, .. } = self.state else { return };
        self.state = State::Command;
        match self.transaction.as_ref() {
            Some(open) if wanted => {
                if last || open.content.as_ref().is_some_and(|content| content.given_up().is_some()) {
                    self.content_ended(last);
                } else {
                    self.reply(&Reply::new(250, (0, 0), "chunk taken"));
                }
            }
            Some(_) => self.refuse("BDAT", Reply::new(503, (5, 1), "no valid recipients")),
            None => self.refuse("BDAT", Reply::new(503, (5, 1), "MAIL first")),
        }
    }

    /// Hangs up on a client that goes on and on.
    pub(super) fn too_large(&mut self) {
        let reply = Reply::new(552, (3, 4), format!("at most {} octets are taken", self.options.limits.content_octets));
        self.hang_up("content", reply);
    }

    /// The content is whole, or given up; `last`: nothing of it follows.
    fn content_ended(&mut self, last: bool) {
        let Some(open) = &mut self.transaction else { return };
        let Some(content) = open.content.take() else { return };
        match content.finish() {
            Ok(Received { bytes, sha256, normalized, completed }) => {
                open.awaiting = open.recipients.len();
                let transaction = Transaction {
                    // MAIL needs a name before it.
                    ehlo: self.ehlo.clone().unwrap_or_default(),
                    extended: self.extended,
                    tls: self.client.tls,
                    authenticated: self.client.authenticated.clone(),
                    mail: std::mem::take(&mut open.mail),
                    recipients: std::mem::take(&mut open.recipients),
                    content: bytes,
                    sha256,
                    normalized,
                    completed,
                };
                self.ask(Asked::Content, Event::Content(Box::new(transaction)));
            }
            Err(why) => self.refuse_content(why, last),
        }
    }

    fn refuse_content(&mut self, why: GivenUp, last: bool) {
        let reply = match why {
            GivenUp::BareCr => Reply::new(550, (5, 2), "a CR stands alone in the content"),
            GivenUp::BareLf => Reply::new(550, (5, 2), "an LF stands alone in the content"),
            GivenUp::Memory => Reply::new(452, (3, 1), "no room for the message now"),
            GivenUp::NulDot => Reply::new(550, (5, 2), "a line begins with NUL and a dot"),
            GivenUp::Size => Reply::new(552, (3, 4), format!("at most {} octets are taken", self.options.limits.content_octets)),
        };
        let recipients = self.recipients();
        // RFC 2033 §4.2 answers the end of content for each recipient; RFC 3030 §2 each chunk before it once.
        let replies = if last && self.options.protocol == Protocol::Lmtp { recipients.len() } else { 1 };
        for _ in 1..replies {
            self.reply(&reply);
        }
        self.state = State::Command;
        self.refuse_for("content", reply, recipients);
        self.transaction = None;
        if self.draining && self.is_idle() {
            self.shut_down();
        }
    }
}
