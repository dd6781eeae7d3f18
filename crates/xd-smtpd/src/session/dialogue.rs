//! The state of a dialogue, and how bytes move it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::command::{self, RESPONSE_MAX};
use super::content::{Content, GivenUp};
use super::sasl::Sasl;
use super::{
    ClientFacts, Event, LineEndings, MailParameters, Path, PathSyntax, RcptParameters, RefusalRecord, Reply, SessionOptions,
    Stage, StageQuestion,
};

/// One dialogue, from the greeting to the end of the connection.
///
/// ```text
/// Connect? ─▶ greeting ─▶ commands ◀──────────────┐
///                            │  EHLO? MAIL? RCPT? │ a decision
///                            ├─▶ DATA, BDAT ─▶ content? ─▶ an outcome
///                            ├─▶ AUTH ─▶ password? ── ETRN? ── XCLIENT?
///                            ├─▶ STARTTLS ─▶ TLS begins ─▶ commands, all forgotten
///                            └─▶ QUIT, 421 ─▶ closed
/// ```
/// A question mark is an [`Event`] that must be answered before another command is looked at, so replies keep the order of
/// commands however they are pipelined.
#[derive(Debug)]
pub struct Session {
    pub(super) options: Arc<SessionOptions>,
    pub(super) client: ClientFacts,
    pub(super) state: State,
    pub(super) ehlo: Option<Arc<str>>,
    pub(super) extended: bool,
    pub(super) transaction: Option<Box<Open>>,
    pub(super) output: Vec<u8>,
    pub(super) events: VecDeque<Event>,
    pub(super) counts: Counts,
    /// Octets of a line too long that were passed over.
    skipped: Option<usize>,
    /// No further message is begun.
    pub(super) draining: bool,
}

/// What a driver waits for; each has its own patience (RFC 5321 §4.5.3.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Phase {
    /// A question is open: nothing is wanted from the client.
    Answer,
    /// The connection is to be closed.
    Closed,
    /// A command, or more of one.
    Command,
    /// More of a content.
    Content,
    /// The client is to begin TLS.
    Tls,
}

/// Where a dialogue is.
#[derive(Debug)]
pub(super) enum State {
    Asked(Asked),
    /// So many octets of a chunk are still to come. `wanted` is false where they belong to no transaction.
    Bdat {
        left: u64,
        last: bool,
        wanted: bool,
    },
    Closed,
    Command,
    Data,
    Sasl(Sasl),
    /// TLS is to begin. Whether something was sent in the clear behind STARTTLS.
    StartTls {
        injected: bool,
    },
}

/// Octets of one line that are passed over before the connection is given up. No program sends a tenth of it in good faith.
const SKIPPED_MAX: usize = 64 << 10;

/// The question that is open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asked {
    Authentication,
    /// `first` is false after XCLIENT, when the client may well have spoken.
    Connect {
        first: bool,
    },
    Content,
    Ehlo,
    Etrn,
    Mail,
    Rcpt,
    Xclient,
}

/// A transaction that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) mail: MailParameters,
    pub(super) binary: bool,
    pub(super) recipients: Vec<RcptParameters>,
    /// The recipient asked about.
    pub(super) candidate: Option<RcptParameters>,
    pub(super) content: Option<Content>,
    /// How many recipients the content handed over is for.
    pub(super) awaiting: usize,
}

/// What happened since a message was accepted, and in all.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) errors: u32,
    pub(super) commands: u32,
    pub(super) refused_recipients: u32,
    /// Recipients beyond the limit.
    pub(super) overshoot: u32,
    pub(super) messages: u32,
    pub(super) etrn: u32,
    pub(super) failed_authentications: u32,
}

impl Session {
    /// A session at whose beginning [`Stage::Connect`] is asked.
    #[must_use]
    pub fn new(options: Arc<SessionOptions>, client: ClientFacts) -> Self {
        let mut session = Self {
            options,
            client,
            state: State::Asked(Asked::Connect { first: true }),
            ehlo: None,
            extended: false,
            transaction: None,
            output: Vec::new(),
            events: VecDeque::new(),
            counts: Counts::default(),
            skipped: None,
            draining: false,
        };
        session.events.push_back(Event::Stage);
        session
    }

    /// Takes what the client sent; returns how many octets were used.
    ///
    /// What was not used is to be given again, with what follows it: later, when a question is open; together with more, when a
    /// line is not whole. At most 12,288 octets are left for the latter reason. The replies and events are the same however the
    /// input is cut.
    #[must_use]
    pub fn handle_input(&mut self, input: &[u8]) -> usize {
        let mut used = 0;
        while used < input.len() {
            let rest = &input[used..];
            used += match self.state {
                State::Asked(Asked::Connect { first: true }) => {
                    self.speaks_first();
                    rest.len()
                }
                State::Asked(_) => break,
                State::Bdat { .. } => self.handle_chunk(rest),
                State::Closed => rest.len(),
                State::StartTls { injected } => {
                    self.sent_in_clear(injected);
                    rest.len()
                }
                State::Data => self.handle_data(rest),
                State::Command | State::Sasl(_) => match self.handle_line(rest) {
                    0 => break,
                    octets => octets,
                },
            };
        }
        used
    }

    /// The next thing to do, if there is one.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What is to be written to the client.
    #[must_use]
    pub fn poll_output(&self) -> &[u8] {
        &self.output
    }

    /// So many octets of the output were written.
    pub fn handle_written(&mut self, octets: usize) {
        self.output.drain(..octets.min(self.output.len()));
    }

    /// The client was silent for too long.
    pub fn handle_timeout(&mut self) {
        let during = if self.is_receiving() { "content" } else { "connection" };
        self.hang_up(during, Reply::new(421, (4, 2), format!("{} waited too long", self.options.hostname)));
    }

    /// The client is gone. In the middle of content that is recorded, as what it would have been told.
    pub fn handle_disconnect(&mut self) {
        if self.is_receiving() {
            self.record("content", Reply::new(421, (4, 2), "the connection was lost"), self.recipients());
        }
        self.state = State::Closed;
        self.transaction = None;
    }

    /// The server stops: a session between messages ends now, another after its message.
    pub fn handle_shutdown(&mut self) {
        self.draining = true;
        if self.is_idle() {
            self.shut_down();
        }
    }

    /// There is no memory for the content being received: it is given up, and deferred at its end.
    pub fn handle_no_memory(&mut self) {
        if let Some(content) = self.transaction.as_mut().and_then(|open| open.content.as_mut()) {
            content.give_up(GivenUp::Memory);
        }
    }

    /// Frees what the session does not need while its client is silent.
    pub fn rest(&mut self) {
        if self.output.is_empty() {
            self.output = Vec::new();
        }
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
    }

    /// The question that [`Event::Stage`] announced; `None` when none is open.
    #[must_use]
    pub fn question(&self) -> Option<StageQuestion<'_>> {
        let State::Asked(asked) = self.state else { return None };
        let open = self.transaction.as_deref();
        let stage = match asked {
            Asked::Connect { .. } => Stage::Connect,
            Asked::Ehlo => Stage::Ehlo,
            Asked::Mail => Stage::Mail,
            Asked::Rcpt => Stage::Rcpt(open?.candidate.as_ref()?),
            Asked::Authentication | Asked::Content | Asked::Etrn | Asked::Xclient => return None,
        };
        Some(StageQuestion {
            stage,
            ehlo: self.ehlo.as_deref(),
            extended: self.extended,
            tls: self.client.tls,
            authenticated: self.client.authenticated.as_deref(),
            mail: open.map(|open| &open.mail),
            recipients: open.map_or(&[], |open| &open.recipients),
        })
    }

    /// What is waited for.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Asked(_) => Phase::Answer,
            State::Bdat { .. } | State::Data => Phase::Content,
            State::Closed => Phase::Closed,
            State::Command | State::Sasl(_) => Phase::Command,
            State::StartTls { .. } => Phase::Tls,
        }
    }

    /// Whether no transaction is open and no question is: the session can end without a loss to anyone.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.transaction.is_none() && matches!(self.state, State::Command | State::Sasl(_))
    }

    /// Whether a content has begun and is not whole, be it between two chunks.
    #[must_use]
    pub fn is_receiving(&self) -> bool {
        self.transaction.as_ref().is_some_and(|open| open.content.is_some())
    }

    /// Whether a line too long is being passed over: what comes is no progress.
    #[must_use]
    pub fn is_skipping(&self) -> bool {
        self.skipped.is_some()
    }

    /// Octets of memory that the content being received takes.
    #[must_use]
    pub fn content_memory(&self) -> usize {
        self.transaction.as_ref().and_then(|open| open.content.as_ref()).map_or(0, Content::held)
    }

    /// Takes one line; returns its octets, or 0 when its end is not here yet.
    fn handle_line(&mut self, input: &[u8]) -> usize {
        let end = memchr::memchr(b'\n', input);
        let octets = end.map_or(input.len(), |end| end + 1);
        if let Some(skipped) = self.skipped {
            self.skip(skipped + octets, end.is_some());
            return octets;
        }
        let octets_max = match self.state {
            State::Sasl(_) => RESPONSE_MAX,
            _ => command::line_max(input),
        };
        if octets > octets_max {
            self.skip(octets, end.is_some());
            return octets;
        }
        let Some(end) = end else { return 0 };
        let line = match (input[..end].strip_suffix(b"\r"), self.line_endings()) {
            (Some(line), _) => line,
            (None, LineEndings::Normalize) => &input[..end],
            (None, LineEndings::Refuse) => {
                self.cancel_sasl();
                self.refuse("command", Reply::new(500, (5, 2), "a line ends with CR LF"));
                return octets;
            }
        };
        match &self.state {
            State::Sasl(_) => self.handle_response(line),
            _ => self.handle_command(line),
        }
        octets
    }

    /// So many octets of a line too long came; `ended` with its end.
    fn skip(&mut self, octets: usize, ended: bool) {
        self.skipped = (!ended).then_some(octets);
        if octets > SKIPPED_MAX {
            self.hang_up("command", Reply::new(500, (5, 6), "the line is far too long"));
        } else if ended {
            self.cancel_sasl();
            self.refuse("command", Reply::new(500, (5, 6), "the line is too long"));
        }
    }

    /// What is sent in the clear behind STARTTLS must not be taken for what is sent under TLS (RFC 3207 §4.2). Nobody answers it, since
    /// the client expects TLS; that it came is recorded, once.
    fn sent_in_clear(&mut self, injected: bool) {
        if !injected {
            self.state = State::StartTls { injected: true };
            self.counts.errors += 1;
            self.record("STARTTLS", Reply::new(503, (5, 1), "nothing may follow STARTTLS in the clear"), Vec::new());
            // Whoever begins TLS may wait long; the record does not.
            self.events.rotate_right(1);
        }
    }

    fn cancel_sasl(&mut self) {
        if let State::Sasl(_) = self.state {
            self.state = State::Command;
        }
    }

    /// The client speaks before the greeting, as programs do that do not read replies (RFC 5321 §4.3.1).
    fn speaks_first(&mut self) {
        self.events.clear();
        self.hang_up("connection", Reply::new(554, (5, 1), "the server speaks first"));
    }

    pub(super) fn line_endings(&self) -> LineEndings {
        if self.client.trusted { LineEndings::Normalize } else { self.options.line_endings }
    }

    pub(super) fn paths(&self) -> PathSyntax {
        if self.client.trusted { PathSyntax::Lenient } else { self.options.paths }
    }

    pub(super) fn reply(&mut self, reply: &Reply) {
        reply.write_to(&mut self.output);
    }

    /// Asks; until the answer comes, nothing else is looked at.
    pub(super) fn ask(&mut self, asked: Asked, event: Event) {
        self.state = State::Asked(asked);
        self.events.push_back(event);
    }

    /// Refuses a command, which counts as an error of a client that is not trusted.
    pub(super) fn refuse(&mut self, command: &'static str, reply: Reply) {
        self.refuse_for(command, reply, Vec::new());
    }

    /// Refuses a command that concerns these recipients.
    pub(super) fn refuse_for(&mut self, command: &'static str, reply: Reply, recipients: Vec<Path>) {
        self.counts.errors += 1;
        self.reply(&reply);
        self.record(command, reply, recipients);
        if self.counts.errors >= self.options.limits.errors && !self.client.trusted {
            self.hang_up(command, Reply::new(421, (7, 0), format!("{} saw too many errors", self.options.hostname)));
        }
    }

    /// Says so and closes.
    pub(super) fn hang_up(&mut self, command: &'static str, reply: Reply) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.reply(&reply);
        let recipients = if self.is_receiving() { self.recipients() } else { Vec::new() };
        self.record(command, reply, recipients);
        self.close();
    }

    /// The recipients accepted so far.
    pub(super) fn recipients(&self) -> Vec<Path> {
        let recipients = self.transaction.as_ref().map_or(&[][..], |open| &open.recipients);
        recipients.iter().map(|rcpt| rcpt.forward_path.clone()).collect()
    }

    pub(super) fn shut_down(&mut self) {
        self.reply(&Reply::new(421, (3, 2), format!("{} is closing", self.options.hostname)));
        self.close();
    }

    pub(super) fn close(&mut self) {
        self.state = State::Closed;
        self.transaction = None;
        self.events.push_back(Event::Close);
    }

    pub(super) fn record(&mut self, command: &'static str, reply: Reply, recipients: Vec<Path>) {
        self.events.push_back(Event::Refused(Box::new(RefusalRecord {
            command,
            reply,
            ehlo: self.ehlo.clone(),
            reverse_path: self.transaction.as_ref().map(|open| open.mail.reverse_path.clone()),
            recipients,
        })));
    }
}
