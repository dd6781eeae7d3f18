//! One connection: bytes between a client and its session, questions between the session and the gateway.
//!
//! While a client is silent its connection holds no buffer but for what a line or a chunk began with. Replies to what was pipelined
//! leave in one write.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::clients::{Admission, Excess};
use super::network::any_contains;
use super::running::{Mode, Shared};
use super::stream::{Stream, now};
use super::{Front, ListenerSettings, Peer, ServerSettings, proxy};
use crate::budget::Share;
use crate::session::{
    Authentication, Event, Outcome, Phase, RefusalRecord, Reply, Session, Stage, StageDecision, StageQuestion, Transaction,
    Xclient,
};

/// Octets of content memory that must be free for a message to begin whose size is not announced.
const UNANNOUNCED: u64 = 64 << 10;
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Serves a connection to its end.
pub(super) async fn serve<F: Front>(shared: Arc<Shared<F>>, listener: usize, stream: TcpStream, source: SocketAddr, number: u64) {
    // Errors are the client's or the network's; the session knows nothing of them and nothing is lost.
    let Ok(Some(mut connection)) = Box::pin(Connection::begin(shared, listener, stream, source, number)).await else { return };
    match connection.converse().await {
        Ok(()) => {
            let _ = timeout(FAREWELL, connection.stream.shut_down()).await;
        }
        Err(_) => connection.record_loss(),
    }
}

struct Connection<F> {
    shared: Arc<Shared<F>>,
    settings: Arc<ServerSettings>,
    stream: Stream,
    session: Session,
    peer: Peer,
    /// Where the connection comes from, whoever the client is.
    source: SocketAddr,
    admission: Option<Admission>,
    /// Why the client that a named peer spoke for is not to be served.
    unwelcome: Option<Reply>,
    share: Share,
    mode: watch::Receiver<Mode>,
    input: Vec<u8>,
    /// When the phase began that the client is in.
    since: Instant,
    phase: Phase,
    /// When the content began that is being received, in however many chunks.
    content_since: Option<Instant>,
}

impl<F: Front> Connection<F> {
    /// All that comes before a session: PROXY header, limits, TLS. `None`: the connection is not to be.
    async fn begin(
        shared: Arc<Shared<F>>,
        listener: usize,
        mut stream: TcpStream,
        source: SocketAddr,
        number: u64,
    ) -> io::Result<Option<Self>> {
        let settings = shared.settings();
        let mode = shared.mode();
        let Some(ListenerSettings { session: options, implicit_tls, proxies, xclient, .. }) =
            settings.listeners.get(listener).cloned()
        else {
            return Ok(None);
        };
        stream.set_nodelay(true)?;
        let patience = settings.timeouts.handshake;

        let (mut address, mut via) = (source, None);
        if any_contains(&proxies, source.ip())
            && let Some(client) = timeout(patience, proxy::read(&mut stream)).await??
        {
            (address, via) = (client, Some(source));
        }
        let mut peer = Peer {
            connection: number,
            address,
            via,
            name: None,
            listener,
            protocol: options.protocol,
            trusted: false,
            tls: None,
            authenticated: None,
        };
        let named = any_contains(&xclient, address.ip());
        let facts = settings.facts(peer.client(), named, implicit_tls);
        peer.trusted = facts.trusted;
        let mut stream = Stream::Plain(stream);
        // Who may name clients is not counted as one of them.
        let admission = match shared.admit(&peer, named, &settings) {
            Ok(admission) => admission,
            Err(excess) => {
                let reply = too_many(excess);
                // Who waits for TLS could not read it.
                if !implicit_tls {
                    let mut octets = Vec::new();
                    reply.write_to(&mut octets);
                    let _ = timeout(FAREWELL, stream.write(&octets)).await;
                    let _ = timeout(FAREWELL, stream.shut_down()).await;
                }
                shared.refused(&peer, refusal("connection", reply, None));
                return Ok(None);
            }
        };
        if implicit_tls {
            let Some(certificates) = &settings.certificates else { return Ok(None) };
            peer.tls = Some(timeout(patience, stream.start_tls(certificates.config())).await??);
        }
        Ok(Some(Self {
            session: Session::new(options, facts),
            share: settings.budget.share(),
            shared,
            settings,
            stream,
            peer,
            source,
            admission,
            unwelcome: None,
            mode,
            input: Vec::new(),
            since: Instant::now(),
            phase: Phase::Answer,
            content_since: None,
        }))
    }

    /// The dialogue, to its end.
    async fn converse(&mut self) -> io::Result<()> {
        loop {
            let used = self.session.handle_input(&self.input);
            self.input.drain(..used);
            let mut answered = false;
            while let Some(event) = self.session.poll_event() {
                answered = true;
                if !Box::pin(self.answer(event)).await? {
                    self.flush().await?;
                    return Ok(());
                }
            }
            self.account();
            let phase = self.session.phase();
            // A line that is passed over is no progress.
            if used > 0 && phase != Phase::Content && !self.session.is_skipping() || phase != self.phase {
                (self.phase, self.since) = (phase, Instant::now());
            }
            self.content_since = self.session.is_receiving().then(|| self.content_since.unwrap_or_else(Instant::now));
            // What was read may go on behind the answers.
            if answered && !self.input.is_empty() {
                continue;
            }
            self.flush().await?;
            self.receive().await?;
        }
    }

    /// Holds the share of the content budget that the session needs, with the buffer that content is read into.
    fn account(&mut self) {
        let content = self.session.content_memory();
        let held = if content > 0 { content + self.input.capacity() } else { 0 };
        let before = self.share.octets();
        if !self.share.resize(held) {
            self.session.handle_no_memory();
            self.share.resize(0);
        }
        if self.share.octets() != before {
            self.shared.weigh();
        }
    }

    /// Takes note of what the loss of the connection ended.
    fn record_loss(&mut self) {
        self.session.handle_disconnect();
        while let Some(event) = self.session.poll_event() {
            if let Event::Refused(record) = event {
                self.shared.refused(&self.peer, *record);
            }
        }
    }

    /// Does what an event asks for; `false` when that ends the connection.
    async fn answer(&mut self, event: Event) -> io::Result<bool> {
        match event {
            Event::Authenticate(credentials) => {
                let authentication = match &self.settings.passwords {
                    Some(passwords) => passwords.check(credentials, self.peer.address.ip(), self.peer.trusted).await,
                    None => Authentication::Unavailable,
                };
                if let Authentication::Accepted(name) = &authentication {
                    self.peer.authenticated = Some(Arc::clone(name));
                }
                self.session.handle_authentication(authentication);
            }
            Event::Close => return Ok(false),
            Event::Content(transaction) => {
                // What the content was received under is held on to; it may have grown by what was read last.
                let outcome = if self.share.resize(transaction.content.capacity()) {
                    self.content(*transaction).await?
                } else {
                    self.no_room(&transaction)
                };
                self.share.resize(0);
                self.session.handle_outcome(outcome);
            }
            Event::Etrn(domain) => {
                let reply = self.shared.front().etrn(&self.peer, &domain).await;
                self.session.handle_etrn(&reply);
            }
            Event::Refused(record) => self.shared.refused(&self.peer, *record),
            Event::Stage => {
                let decision = self.decide().await?;
                self.session.handle_decision(decision);
            }
            Event::StartTls => self.start_tls().await?,
            Event::Xclient(said) => self.take_over(*said),
        }
        Ok(true)
    }

    async fn decide(&mut self) -> io::Result<StageDecision> {
        let Some(question) = self.session.question() else { return Ok(StageDecision::Continue) };
        let at_connect = matches!(question.stage, Stage::Connect);
        if let Some(reply) = self.unwelcome.take() {
            self.shared.refused(&self.peer, refusal("connection", reply.clone(), None));
            return Ok(StageDecision::Defer(reply));
        }
        if matches!(question.stage, Stage::Mail)
            && let Some(reply) = self.want_of_room(&question)
        {
            let ehlo = question.ehlo.map(Arc::from);
            self.shared.refused(&self.peer, refusal("MAIL", reply.clone(), ehlo));
            return Ok(StageDecision::Defer(reply));
        }
        let mut written = 0;
        let decision = {
            let mut asked: Pin<Box<_>> = Box::pin(self.shared.front().stage(&self.peer, question));
            match now(asked.as_mut()).await {
                Some(decision) => decision,
                // What is answered already need not wait for this.
                None => {
                    let octets = self.session.poll_output();
                    let patience = self.settings.timeouts.capped(self.settings.timeouts.reply, self.is_pressed());
                    timeout(patience, self.stream.write(octets)).await??;
                    written = octets.len();
                    asked.await
                }
            }
        };
        self.session.handle_written(written);
        if at_connect && self.input.is_empty() {
            // RFC 5321 §4.3.1: a client waits for the greeting. One that did not is told so instead.
            match self.stream.read_now(&mut self.input).await {
                Some(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(read) => {
                    read?;
                    let used = self.session.handle_input(&self.input);
                    self.input.drain(..used);
                }
                None => self.input = Vec::new(),
            }
        }
        Ok(decision)
    }

    /// Why no message can begin now, if that is so.
    fn want_of_room(&self, question: &StageQuestion<'_>) -> Option<Reply> {
        let announced = question.mail.and_then(|mail| mail.size).unwrap_or(UNANNOUNCED).max(UNANNOUNCED);
        if !usize::try_from(announced).is_ok_and(|octets| self.settings.budget.has(octets)) {
            return Some(Reply::new(452, (3, 1), "no room for messages now"));
        }
        let within = |admission: &Admission| admission.message(&self.settings.clients, std::time::Instant::now());
        if !self.admission.as_ref().is_none_or(within) {
            return Some(Reply::new(450, (7, 0), "too many messages a minute from your address"));
        }
        None
    }

    /// The answer to a content for which there is no room after all.
    fn no_room(&self, transaction: &Transaction) -> Outcome {
        let reply = Reply::new(452, (3, 1), "no room for the message now");
        let recipients = transaction.recipients.iter().map(|rcpt| rcpt.forward_path.clone()).collect();
        let reverse_path = Some(transaction.mail.reverse_path.clone());
        let record = refusal("content", reply.clone(), Some(Arc::clone(&transaction.ehlo)));
        self.shared.refused(&self.peer, RefusalRecord { reverse_path, recipients, ..record });
        Outcome::One(reply)
    }

    async fn content(&mut self, transaction: Transaction) -> io::Result<Outcome> {
        let mut asked: Pin<Box<_>> = Box::pin(self.shared.front().content(&self.peer, transaction));
        if let Some(outcome) = now(asked.as_mut()).await {
            return Ok(outcome);
        }
        // The input may hold what was pipelined; an empty buffer is not held while disks work.
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        Ok(asked.await)
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        self.flush().await?;
        // RFC 3207 §4.2: nothing that was sent in the clear is taken for what TLS protects. The session dropped what it was given.
        self.input = Vec::new();
        let Some(certificates) = &self.settings.certificates else { return Err(io::ErrorKind::Unsupported.into()) };
        let patience = self.settings.timeouts.of(Phase::Tls, self.is_pressed());
        self.peer.tls = Some(timeout(patience, self.stream.start_tls(certificates.config())).await??);
        self.peer.authenticated = None;
        self.session.handle_tls_started();
        Ok(())
    }

    /// A named peer spoke for another client.
    fn take_over(&mut self, said: Xclient) {
        let mut address = self.peer.address;
        if let Some(client) = said.address {
            address = client.map_or(proxy::NOBODY, |client| SocketAddr::new(client, 0));
            self.peer.via = Some(self.source);
        }
        if let Some(Some(port)) = said.port {
            address.set_port(port);
        }
        let is_another = said.address.is_some();
        self.peer.address = address;
        if let Some(name) = said.name {
            self.peer.name = name;
        }
        // Only who may speak for others comes here, and goes on to.
        let mut facts = self.settings.facts(self.peer.client(), true, self.peer.tls.is_some());
        // What several commands say of one client adds up; another client is another.
        facts.authenticated = match said.login {
            Some(login) => login.map(Arc::from),
            None if is_another => None,
            None => self.peer.authenticated.take(),
        };
        self.peer.trusted = facts.trusted;
        self.peer.authenticated = facts.authenticated.clone();
        if is_another {
            // The limits that hold are those of the client, not of whoever speaks for it.
            self.admission = None;
            match self.shared.admit(&self.peer, false, &self.settings) {
                Ok(admission) => self.admission = admission,
                Err(excess) => self.unwelcome = Some(too_many(excess)),
            }
        }
        self.session.handle_client(facts);
    }

    /// Writes what the session has to say.
    async fn flush(&mut self) -> io::Result<()> {
        let octets = self.session.poll_output();
        if octets.is_empty() {
            return Ok(());
        }
        let patience = self.settings.timeouts.capped(self.settings.timeouts.reply, self.is_pressed());
        timeout(patience, self.stream.write(octets)).await??;
        let written = octets.len();
        self.session.handle_written(written);
        Ok(())
    }

    /// Reads more; on the way, tells the session of time-outs and of the end of the server.
    async fn receive(&mut self) -> io::Result<()> {
        loop {
            match self.stream.read_now(&mut self.input).await {
                Some(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(read) => {
                    read?;
                    let begun = self.content_since.or_else(|| (self.phase == Phase::Content).then_some(self.since));
                    if begun.is_some_and(|begun| begun.elapsed() > self.settings.timeouts.whole_content) {
                        self.session.handle_timeout();
                    }
                    return Ok(());
                }
                None => {}
            }
            if self.input.is_empty() {
                self.input = Vec::new();
                self.session.rest();
            } else if self.phase == Phase::Command {
                // The beginning of a line: many could wait so.
                self.input.shrink_to_fit();
            }
            // A mode seen here is not waited for below.
            if self.mode.borrow_and_update().draining && self.session.is_idle() {
                self.session.handle_shutdown();
                return Ok(());
            }
            let patience = self.settings.timeouts.of(self.phase, self.is_pressed());
            // A command must be whole in time; of content there must be more.
            let begun = if self.phase == Phase::Content { Instant::now() } else { self.since };
            tokio::select! {
                biased;
                readable = self.stream.readable() => readable?,
                _ = self.mode.changed() => {
                    if self.mode.borrow().draining {
                        self.session.handle_shutdown();
                        return Ok(());
                    }
                }
                () = tokio::time::sleep_until(begun + patience) => {
                    self.session.handle_timeout();
                    return Ok(());
                }
            }
        }
    }

    fn is_pressed(&self) -> bool {
        !self.peer.trusted && self.mode.borrow().pressed
    }
}

/// What a client is told that ran into a limit.
fn too_many(excess: Option<Excess>) -> Reply {
    let text = match excess {
        Some(Excess::Connections) => "too many connections from your address",
        Some(Excess::ConnectionRate) => "too many connections a minute from your address",
        None => "too many connections",
    };
    Reply::new(421, (7, 0), text)
}

/// The record of a refusal that no session gave.
fn refusal(command: &'static str, reply: Reply, ehlo: Option<Arc<str>>) -> RefusalRecord {
    RefusalRecord { command, reply, ehlo, reverse_path: None, recipients: Vec::new() }
}
