//! The dialogue itself, from greeting to QUIT.
//!
//! ```text
//! Greeting ─220─▶ Ehlo ─250─▶ Ready ◀─▶ transactions ─▶ Quit
//!                  │ 5yz        ▲ │ STARTTLS offered and wished
//!                  ▼            │ ▼
//!                 Helo ─250─────┘ StartTls ─220─▶ (handshake by the driver) ─▶ Ehlo
//! ```
//!
//! With PIPELINING, MAIL, RCPT and DATA of a transaction leave in one piece, and those of the next right behind the final dot: a
//! message then costs one round trip. Without it, one command at a time.

use std::collections::VecDeque;
use std::time::Duration;

use xd_core::schedule::{ReplyClass, classify};

use super::content::Stuffing;
use super::transaction::{Content, Expected, Transaction};
use super::{Answer, Envelope, Extensions, Fault, Misfit, Protocol, Reply, ReplyReader, Stage, Timeouts};

/// Settings of one connection.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// SMTP or LMTP.
    pub protocol: Protocol,
    /// Our name in EHLO.
    pub hostname: String,
    /// Whether STARTTLS is asked for.
    pub tls: TlsWish,
    /// How long to wait for replies.
    pub timeouts: Timeouts,
}

/// Whether STARTTLS is asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum TlsWish {
    /// Never.
    Never,
    /// Where it is offered.
    #[default]
    Offered,
    /// Always: without it, no mail is sent.
    Must,
}

/// Names a transaction within its connection.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Token(u64);

/// What the driver has to know.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The next hop is ready for transactions.
    Ready,
    /// The TLS handshake is due, then [`Client::handle_tls`].
    StartTls,
    /// The content of this transaction is due, by [`Client::send_content`] and [`Client::end_content`].
    WantContent(Token),
    /// A transaction is over.
    Finished(Finished),
    /// The dialogue is over; close the connection. None after QUIT.
    Over(Option<Fault>),
}

/// The end of a transaction.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "made here only")]
pub struct Finished {
    /// Which one.
    pub token: Token,
    /// What became of each recipient, in the order of the envelope.
    pub recipients: Vec<RecipientResult>,
}

/// What became of a recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "made here only")]
pub struct RecipientResult {
    /// Which command was answered.
    pub stage: Stage,
    /// How.
    pub answer: Answer,
}

/// The client's side of one connection.
///
/// # Example: how does a delivery read?
/// ```
/// # use xd_smtpd::client::{Client, ClientOptions, Event, TlsWish};
/// # let options = ClientOptions { protocol: Default::default(), hostname: "mx.example.net".into(), tls: TlsWish::Never,
/// #     timeouts: Default::default() };
/// let mut client = Client::new(options);
/// client.handle_input(b"220 mail.example.com ready\r\n");
/// assert_eq!(client.output(), b"EHLO mx.example.net\r\n");
/// client.handle_sent(client.output().len());
/// client.handle_input(b"250-mail.example.com\r\n250 PIPELINING\r\n");
/// assert_eq!(client.poll_event(), Some(Event::Ready));
/// assert!(client.can_begin() && client.extensions().pipelining);
/// ```
#[derive(Debug)]
pub struct Client {
    options: ClientOptions,
    extensions: Extensions,
    reader: ReplyReader,
    output: Vec<u8>,
    /// How much of the output was sent.
    sent: usize,
    /// Bytes sent before those in `output`.
    taken: u64,
    /// What replies are due, in order.
    expected: VecDeque<Expected>,
    /// For each of them, how many bytes were to be sent up to its end.
    ends: VecDeque<u64>,
    /// At most two: one that awaits its final replies, and the one pipelined behind it.
    transactions: VecDeque<Transaction>,
    events: VecDeque<Event>,
    next_token: u64,
    ready: bool,
    encrypted: bool,
    /// A transaction was left open at the next hop: RSET comes before the next.
    unfinished: bool,
    over: bool,
    /// The next hop said that it closes.
    closing: bool,
    /// Grows with all that shows the next hop alive.
    progress: u64,
}

impl Client {
    /// The dialogue of a new connection, which begins with the greeting of the next hop.
    #[must_use]
    pub fn new(options: ClientOptions) -> Self {
        Self {
            options,
            extensions: Extensions::default(),
            reader: ReplyReader::default(),
            output: Vec::new(),
            sent: 0,
            taken: 0,
            expected: VecDeque::from([Expected::Greeting]),
            ends: VecDeque::from([0]),
            transactions: VecDeque::new(),
            events: VecDeque::new(),
            next_token: 0,
            ready: false,
            encrypted: false,
            unfinished: false,
            over: false,
            closing: false,
            progress: 0,
        }
    }

    /// Takes bytes from the next hop.
    pub fn handle_input(&mut self, mut bytes: &[u8]) {
        while !self.over && !bytes.is_empty() {
            match self.reader.read(&mut bytes) {
                Ok(Some(reply)) => {
                    self.progress += 1;
                    // RFC 3207 §6: what came in clear behind the reply to STARTTLS must not be believed.
                    let is_tls = self.expected.front() == Some(&Expected::StartTls) && reply.is_positive();
                    if is_tls && !bytes.is_empty() {
                        return self.fail(Fault::Nonsense("more behind the reply to STARTTLS".into()));
                    }
                    self.handle_reply(reply);
                }
                Ok(None) => return,
                Err(error) => return self.fail(Fault::Nonsense(error.to_string())),
            }
        }
    }

    /// So many bytes of the output were sent.
    pub fn handle_sent(&mut self, bytes: usize) {
        self.progress += 1;
        self.sent = self.sent.saturating_add(bytes).min(self.output.len());
        if self.sent == self.output.len() {
            self.taken += self.output.len() as u64;
            self.output.clear();
            self.sent = 0;
            // A long message must not leave its memory with an idle connection.
            if self.output.capacity() > KEPT_OUTPUT {
                self.output = Vec::new();
            }
        }
    }

    /// The TLS handshake is done: the dialogue begins anew with EHLO (RFC 3207 §4.2).
    pub fn handle_tls(&mut self) {
        self.encrypted = true;
        self.extensions = Extensions::default();
        self.say_hello();
    }

    /// Whether the command that the next reply answers was sent whole. A reply that comes before was made up by somebody in between, or
    /// answers something else.
    fn is_asked(&self) -> bool {
        let sent = self.taken + self.sent as u64;
        self.ends.front().is_none_or(|end| *end <= sent)
    }

    /// The connection is closed, late or broken. Transactions that are open end.
    pub fn fail(&mut self, fault: Fault) {
        if self.over {
            return;
        }
        self.over = true;
        // After our QUIT nothing is lost by a close; nor after a 421, which is what ended the dialogue.
        let is_expected = self.transactions.is_empty() && (self.expected.front() == Some(&Expected::Quit) || self.closing);
        while let Some(transaction) = self.transactions.pop_front() {
            let lost = transaction.lost(&fault);
            self.finish(transaction, lost);
        }
        self.events.push_back(Event::Over((!is_expected).then_some(fault)));
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When the next hop's extensions do not allow it. Nothing was sent, and another may begin.
    pub fn begin(&mut self, envelope: &Envelope<'_>) -> Result<Token, Misfit> {
        let commands = envelope.commands(&self.extensions)?;
        let token = Token(self.next_token);
        self.next_token += 1;
        let mut lines = VecDeque::with_capacity(commands.rcpt.len() + 3);
        if std::mem::take(&mut self.unfinished) {
            lines.push_back((Expected::Rset, "RSET\r\n".to_owned()));
        }
        lines.push_back((Expected::Mail, commands.mail));
        let recipients = commands.rcpt.len();
        lines.extend(commands.rcpt.into_iter().enumerate().map(|(index, line)| (Expected::Rcpt(index), line)));
        lines.push_back((Expected::Data, "DATA\r\n".to_owned()));
        let mut transaction = Transaction {
            token,
            waiting: VecDeque::new(),
            results: vec![None; recipients],
            answered: false,
            content: Content::Not,
        };
        if self.extensions.pipelining {
            for (expected, line) in lines {
                self.say(expected, &line);
            }
        } else {
            if let Some((expected, line)) = lines.pop_front() {
                self.say(expected, &line);
            }
            transaction.waiting = lines;
        }
        self.transactions.push_back(transaction);
        Ok(token)
    }

    /// The recipients to whom alone a transaction could not begin, each with its reason.
    #[must_use]
    pub fn misfits(&self, envelope: &Envelope<'_>) -> Vec<(u32, Misfit)> {
        envelope.misfits(&self.extensions)
    }

    /// Adds a piece of the content of the transaction that wants it.
    pub fn send_content(&mut self, piece: &[u8]) {
        if let Some(Transaction { content: Content::Open(stuffing), .. }) = self.transactions.front_mut() {
            stuffing.add(piece, &mut self.output);
        }
    }

    /// Ends the content of the transaction that wants it.
    pub fn end_content(&mut self) {
        let Some(transaction) = self.transactions.front_mut() else { return };
        let Content::Open(stuffing) = transaction.content else { return };
        transaction.content = Content::Ended;
        stuffing.end(&mut self.output);
        match self.options.protocol {
            Protocol::Smtp => self.expected.push_back(Expected::Content(0)),
            // RFC 2033 §4.2: one reply for each recipient that was accepted, in their order.
            Protocol::Lmtp => {
                let accepted = transaction.results.iter().enumerate().filter(|(_, result)| result.is_none());
                self.expected.extend(accepted.map(|(index, _)| Expected::Content(index)));
            }
        }
        self.ends.resize(self.expected.len(), self.taken + self.output.len() as u64);
    }

    /// Says QUIT. No transaction may begin any more.
    pub fn quit(&mut self) {
        if self.ready && !self.over {
            self.ready = false;
            self.say(Expected::Quit, "QUIT\r\n");
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What is to be sent.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    /// Whether a transaction may begin: none is open, or with PIPELINING the content of the only one has been given whole.
    #[must_use]
    pub fn can_begin(&self) -> bool {
        self.ready
            && !self.over
            && !self.closing
            && match (self.transactions.front(), self.transactions.len()) {
                (None, _) => true,
                (Some(Transaction { content: Content::Ended, .. }), 1) => self.extensions.pipelining && !self.unfinished,
                _ => false,
            }
    }

    /// Whether no transaction is open.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.transactions.is_empty()
    }

    /// Whether the connection cannot be used again.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over || self.closing
    }

    /// What the next hop offers.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// A number that changes whenever the next hop showed itself alive: a whole reply came, or bytes were taken. A reply that
    /// trickles in is no progress.
    #[must_use]
    pub fn progress(&self) -> u64 {
        self.progress
    }

    /// How long to wait for progress, before [`Fault::Timeout`].
    #[must_use]
    pub fn timeout(&self) -> Duration {
        let timeouts = &self.options.timeouts;
        if !self.output().is_empty() {
            return timeouts.block;
        }
        match self.expected.front() {
            Some(Expected::Greeting) => timeouts.greeting,
            Some(Expected::Data) => timeouts.data,
            Some(Expected::Content(_) | Expected::Nothing) => timeouts.end,
            Some(Expected::Quit) => QUIT_TIMEOUT,
            Some(_) => timeouts.command,
            None => timeouts.idle,
        }
    }

    /// What the next reply will answer.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.expected.front() {
            Some(Expected::Greeting) => Stage::Greeting,
            Some(Expected::Ehlo | Expected::Helo) => Stage::Ehlo,
            Some(Expected::StartTls) => Stage::StartTls,
            Some(Expected::Mail) | None => Stage::Mail,
            Some(Expected::Rcpt(_)) => Stage::Rcpt,
            Some(Expected::Data) => Stage::Data,
            Some(Expected::Content(_) | Expected::Nothing) => Stage::Content,
            Some(Expected::Rset) => Stage::Rset,
            Some(Expected::Quit) => Stage::Quit,
        }
    }

    fn say(&mut self, expected: Expected, line: &str) {
        self.expected.push_back(expected);
        self.output.extend_from_slice(line.as_bytes());
        self.ends.push_back(self.taken + self.output.len() as u64);
    }

    fn say_hello(&mut self) {
        let verb = match self.options.protocol {
            Protocol::Lmtp => "LHLO",
            Protocol::Smtp => "EHLO",
        };
        let line = format!("{verb} {}\r\n", self.options.hostname);
        self.say(Expected::Ehlo, &line);
    }

    fn handle_reply(&mut self, reply: Reply) {
        if !self.is_asked() && reply.code != 421 {
            return self.fail(Fault::Nonsense(format!("before it was asked: {reply}")));
        }
        self.ends.pop_front();
        let Some(expected) = self.expected.pop_front() else {
            // RFC 5321 §3.8: a server may say 421 at any time, and closes.
            let fault = if reply.code == 421 { Fault::Refused(reply) } else { Fault::Nonsense(format!("unasked: {reply}")) };
            return self.fail(fault);
        };
        let closes = reply.code == 421;
        match expected {
            Expected::Greeting => match reply.code {
                220 => self.say_hello(),
                400..=599 => self.fail(Fault::Refused(reply)),
                _ => self.nonsense(&reply),
            },
            Expected::Ehlo | Expected::Helo => self.handle_hello(expected, reply),
            Expected::StartTls => match (reply.code, self.options.tls) {
                (220, _) => self.events.push_back(Event::StartTls),
                (400..=599, TlsWish::Must) => self.fail(Fault::Tls(reply.to_string())),
                (400..=599, _) if !closes => self.become_ready(),
                (400..=599, _) => self.fail(Fault::Refused(reply)),
                _ => self.nonsense(&reply),
            },
            // A server that does not understand RSET cannot be told to forget.
            Expected::Rset if reply.is_positive() => self.continue_waiting(),
            Expected::Rset | Expected::Nothing if closes => self.fail(Fault::Refused(reply)),
            Expected::Rset => self.nonsense(&reply),
            Expected::Quit => {
                self.over = true;
                self.events.push_back(Event::Over(None));
            }
            Expected::Nothing => self.finish_front(),
            Expected::Mail | Expected::Rcpt(_) | Expected::Data | Expected::Content(_) => self.handle_answer(expected, reply),
        }
    }

    fn handle_hello(&mut self, asked: Expected, reply: Reply) {
        match reply.code {
            250 => {
                if asked == Expected::Ehlo {
                    self.extensions = Extensions::read(&reply);
                }
                let wants_tls = !self.encrypted && self.options.tls != TlsWish::Never;
                if wants_tls && self.extensions.starttls {
                    return self.say(Expected::StartTls, "STARTTLS\r\n");
                }
                if wants_tls && self.options.tls == TlsWish::Must {
                    return self.fail(Fault::Tls("next hop does not offer STARTTLS".into()));
                }
                self.become_ready();
            }
            // RFC 5321 §3.2: a server that does not know EHLO may know HELO. There is nothing before LHLO.
            500..=599 if asked == Expected::Ehlo && self.options.protocol == Protocol::Smtp => {
                let line = format!("HELO {}\r\n", self.options.hostname);
                self.say(Expected::Helo, &line);
            }
            400..=599 => self.fail(Fault::Refused(reply)),
            _ => self.nonsense(&reply),
        }
    }

    fn become_ready(&mut self) {
        self.ready = true;
        self.events.push_back(Event::Ready);
    }

    /// Replies to the commands of the first transaction that is not through with them.
    fn handle_answer(&mut self, expected: Expected, reply: Reply) {
        let is_rcpt = matches!(expected, Expected::Rcpt(_));
        let class = classify(reply.code, reply.enhanced, is_rcpt);
        let fits = match expected {
            Expected::Data => reply.code == 354 || !reply.is_positive() && reply.code / 100 != 3,
            _ => reply.code / 100 != 3,
        };
        if class == ReplyClass::Nonsense || !fits {
            return self.nonsense(&reply);
        }
        let closes = reply.code == 421;
        let protocol = self.options.protocol;
        let Some(transaction) = self.transactions.front_mut() else { return };
        transaction.answered = true;
        match expected {
            Expected::Mail if class != ReplyClass::Done => transaction.answer_all(Stage::Mail, &reply),
            Expected::Rcpt(index) if class != ReplyClass::Done => transaction.answer(index, Stage::Rcpt, reply.clone()),
            Expected::Data => {
                let anybody = transaction.results.iter().any(Option::is_none);
                match (class, anybody) {
                    (ReplyClass::Done, true) => {
                        transaction.content = Content::Open(Stuffing::new());
                        let token = transaction.token;
                        return self.events.push_back(Event::WantContent(token));
                    }
                    // RFC 2033 §4.2 owes no reply to the end of a message for nobody: what comes next could not be told apart.
                    (ReplyClass::Done, false) if protocol == Protocol::Lmtp => {
                        self.finish_front();
                        return self.fail(Fault::Nonsense("DATA was accepted for nobody".into()));
                    }
                    // RFC 2920 §3.1: DATA was accepted though no recipient was; an empty message for nobody ends it.
                    (ReplyClass::Done, false) => return self.say(Expected::Nothing, ".\r\n"),
                    _ => {
                        transaction.answer_all(Stage::Data, &reply);
                        self.unfinished = true;
                    }
                }
            }
            Expected::Content(index) => match protocol {
                Protocol::Smtp => transaction.answer_all(Stage::Content, &reply),
                Protocol::Lmtp => transaction.answer(index, Stage::Content, reply.clone()),
            },
            _ => {}
        }
        if closes {
            // RFC 5321 §3.8: the next hop closes; whatever else was under way fares as with a closed connection.
            self.closing = true;
            return self.fail(Fault::Refused(reply));
        }
        self.continue_waiting();
    }

    /// Says the next command of a transaction that goes one by one, and ends one that has nothing more to come.
    fn continue_waiting(&mut self) {
        let Some(transaction) = self.transactions.front_mut() else { return };
        let is_hopeless = transaction.results.iter().all(Option::is_some);
        if is_hopeless && !transaction.waiting.is_empty() {
            // MAIL was accepted, unless it is what was refused: with RSET the next transaction is sure of its ground.
            transaction.waiting.clear();
            self.unfinished = true;
        }
        if let Some((expected, line)) = transaction.waiting.pop_front() {
            return self.say(expected, &line);
        }
        // Replies to commands that were sent before the refusal are still to come.
        let more = self.expected.front().is_some_and(|next| !matches!(next, Expected::Mail | Expected::Rset | Expected::Quit));
        if is_hopeless && !more {
            self.finish_front();
        }
    }

    fn finish_front(&mut self) {
        if let Some(transaction) = self.transactions.pop_front() {
            self.finish(transaction, Answer::Untried);
        }
    }

    /// Tells of the end of a transaction; what was not answered fared as `rest` says.
    fn finish(&mut self, transaction: Transaction, rest: Answer) {
        let stage = match transaction.content {
            Content::Not => Stage::Mail,
            Content::Open(_) | Content::Ended => Stage::Content,
        };
        let result = |result: Option<RecipientResult>| result.unwrap_or_else(|| RecipientResult { stage, answer: rest.clone() });
        let recipients = transaction.results.into_iter().map(result).collect();
        self.events.push_back(Event::Finished(Finished { token: transaction.token, recipients }));
    }

    fn nonsense(&mut self, reply: &Reply) {
        self.fail(Fault::Nonsense(reply.to_string()));
    }
}

/// Bytes of output memory that an idle connection keeps.
const KEPT_OUTPUT: usize = 64 << 10;
/// How long to wait for the reply to QUIT. Nothing depends on it.
const QUIT_TIMEOUT: Duration = Duration::from_secs(5);
