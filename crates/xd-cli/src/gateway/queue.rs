//! `xd queue`: what waits for delivery, read from disk; and what is to happen to it, asked of the running gateway.

use std::cell::Cell;
use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;
use xd_config::control::{QueueAction, Request, Response, Selection};
use xd_core::{Domain, Timestamp};
use xd_store::{QueueId, QueuedMessage, RecipientState, Spool, SpoolError, SpoolRecipient, SpoolView};

use super::arguments::{Change, Chosen, List, Place, Queue};
use super::socket;
use crate::arguments::ScanFormat;
use crate::escape::Plain;
use crate::failure::{FAILED, Failure, UNREAD};
use crate::json::{self, Hex};
use crate::output::{Output, complain};
use crate::stop;
use crate::terminal::{Style, Terminal};

pub(crate) fn run(queue: &Queue) -> Result<ExitCode, Failure> {
    stop::listen()?;
    match queue {
        Queue::Delete(change) => self::change(QueueAction::Delete, change),
        Queue::Export(chosen) => export(chosen),
        Queue::Hold(change) => self::change(QueueAction::Hold, change),
        Queue::List(list) => self::list(list),
        Queue::Release(change) => self::change(QueueAction::Release, change),
        Queue::Retry(change) => self::change(QueueAction::Retry, change),
        Queue::Show(chosen) => show(chosen),
    }
}

fn change(action: QueueAction, arguments: &Change) -> Result<ExitCode, Failure> {
    let selection = arguments.which.named()?;
    let request = Request::Queue { action, selection, dry_run: arguments.dry_run };
    let Response::Count { messages, left } = socket::ask(&arguments.place.control()?, &request)? else {
        return Err(Failure::operator("the gateway answered something else"));
    };
    let mut output = Output::new(Terminal::of_output());
    let mut line = Vec::new();
    match arguments.place.format {
        ScanFormat::Text => {
            let would = if arguments.dry_run { "would be " } else { "" };
            let done = match action {
                QueueAction::Delete => "deleted",
                QueueAction::Hold => "held",
                QueueAction::Release => "released",
                QueueAction::Retry => "tried now",
            };
            let noun = if messages == 1 { "message" } else { "messages" };
            let left = if left > 0 { format!(", {left} left alone: under way, or not to be read now") } else { String::new() };
            line = format!("{messages} {noun} {would}{done}{left}\n").into_bytes();
        }
        ScanFormat::Jsonl => json::write_line(&mut line, &serde_json::json!({ "messages": messages, "left": left }))?,
    }
    output.lines(line)?;
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// The spool of a place, and the messages of it that are meant.
struct Found {
    view: SpoolView,
    selection: Selection,
    ids: Vec<QueueId>,
    /// Whether something could not be read, and was named.
    damaged: Cell<bool>,
}

impl Found {
    fn try_new(place: &Place, selection: Selection) -> Result<Self, Failure> {
        let path = place.data()?.join("spool");
        let view = Spool::read_dir(&path).map_err(|error| Failure::operator(format!("{}: {error}", path.display())))?;
        let mut ids = Vec::new();
        if let Selection::Ids(named) = &selection {
            for name in named {
                ids.push(name.parse().map_err(|error| Failure::operator(format!("{name}: {error}")))?);
            }
        }
        Ok(Self { view, selection, ids, damaged: Cell::new(false) })
    }

    /// The messages, read one by one. What cannot be read is named and passed over.
    fn messages(&self) -> impl Iterator<Item = QueuedMessage> {
        let readable = self.view.messages().filter_map(|message| match message {
            Ok(queued) => Some(queued),
            Err(error) => {
                complain("spool", &error.to_string());
                self.damaged.set(true);
                None
            }
        });
        readable.filter(|queued| match &self.selection {
            Selection::All => true,
            Selection::Domain(domain) => queued.message.recipients.iter().any(|recipient| is_in(recipient, domain)),
            Selection::Held => queued.message.recipients.iter().any(is_held),
            Selection::Ids(_) => self.ids.contains(&queued.message.id),
        })
    }

    /// Names on standard error what was meant and is not there, and what could not be read.
    fn ending(&self) -> ExitCode {
        let mut code = ExitCode::SUCCESS;
        for id in self.ids.iter().filter(|&&id| matches!(self.view.message(id), Err(SpoolError::Unknown(_)))) {
            complain(&id.to_string(), "is not in the queue");
            code = ExitCode::from(FAILED);
        }
        for (path, damage) in self.view.damages() {
            complain(&path.display().to_string(), &damage.to_string());
            code = ExitCode::from(UNREAD);
        }
        if self.damaged.get() { ExitCode::from(UNREAD) } else { code }
    }
}

fn is_in(recipient: &SpoolRecipient, domain: &str) -> bool {
    // By whichever of its names.
    let named = |text: &str| Domain::parse(text).map_or_else(|_| text.to_ascii_lowercase(), |domain| domain.as_str().to_owned());
    recipient.forward_path.rsplit_once('@').is_some_and(|(_, own)| named(own) == named(domain))
}

fn is_held(recipient: &SpoolRecipient) -> bool {
    matches!(recipient.state, RecipientState::Held { .. })
}

fn list(arguments: &List) -> Result<ExitCode, Failure> {
    let found = Found::try_new(&arguments.place, arguments.which.or_all())?;
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    let text = arguments.place.format == ScanFormat::Text;
    if text {
        let heading = format!("{:<13}  {:<20}  {:>9}  {:<8}  {:>5}  envelope", "id", "arrived", "bytes", "class", "tries");
        output.lines(format!("{}\n", terminal.paint(Style::Dim, heading)))?;
    }
    let mut count = 0_u64;
    for queued in found.messages() {
        if stop::asked() {
            break;
        }
        count += 1;
        let mut line = Vec::new();
        if text {
            line = row(&queued).into_bytes();
        } else {
            json::write_line(&mut line, &Entry::of(&queued))?;
        }
        output.lines(line)?;
    }
    if text {
        output.lines(format!("\n{count} message{}\n", if count == 1 { "" } else { "s" }))?;
    }
    output.finish()?;
    Ok(found.ending())
}

fn row(queued: &QueuedMessage) -> String {
    let message = &queued.message;
    let attempts = queued.attempt.as_ref().map_or(0, |attempt| attempt.count);
    let first = message.recipients.first().map_or(String::new(), |recipient| recipient.forward_path.clone());
    let more = message.recipients.len().saturating_sub(1);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let held = if message.recipients.iter().any(is_held) { ", held" } else { "" };
    format!(
        "{}  {:<20}  {:>9}  {:<8}  {attempts:>5}  <{}> to <{}>{more}{held}\n",
        message.id,
        moment(message.arrived),
        message.bytes,
        Plain(&message.class),
        Plain(&message.reverse_path),
        Plain(&first)
    )
}

fn moment(ms: u64) -> String {
    Timestamp::from_unix(i64::try_from(ms / 1_000).unwrap_or(i64::MAX)).to_string()
}

/// A message of the queue as JSON.
#[derive(Serialize)]
struct Entry<'m> {
    id: String,
    arrived: String,
    reverse_path: &'m str,
    recipients: Vec<Recipient<'m>>,
    bytes: u64,
    class: &'m str,
    score: &'m str,
    engine: &'m str,
    client: Option<String>,
    ehlo: &'m str,
    authenticated: Option<&'m str>,
    tls: Option<&'m str>,
    sha256_received: String,
    sha256_spooled: String,
    actions: &'m [String],
    archive: bool,
    attempts: u32,
    next_try: Option<String>,
    last_reply: Option<&'m str>,
}

#[derive(Serialize)]
struct Recipient<'m> {
    forward_path: &'m str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

impl<'m> Entry<'m> {
    fn of(queued: &'m QueuedMessage) -> Self {
        let message = &queued.message;
        let hex = |hash: [u8; 32]| Hex::of(hash).as_str().to_owned();
        Self {
            id: message.id.to_string(),
            arrived: moment(message.arrived),
            reverse_path: &message.reverse_path,
            recipients: message.recipients.iter().map(Recipient::of).collect(),
            bytes: message.bytes,
            class: &message.class,
            score: &message.score,
            engine: &message.engine,
            client: message.client.map(|client| client.to_string()),
            ehlo: &message.ehlo,
            authenticated: message.authenticated.as_deref(),
            tls: message.tls.as_deref(),
            sha256_received: hex(message.sha256_received),
            sha256_spooled: hex(message.sha256_spooled),
            actions: &message.actions,
            archive: message.archive,
            attempts: queued.attempt.as_ref().map_or(0, |attempt| attempt.count),
            next_try: queued.attempt.as_ref().map(|attempt| moment(attempt.next_try)),
            last_reply: queued.attempt.as_ref().map(|attempt| attempt.last_reply.as_str()),
        }
    }
}

impl<'m> Recipient<'m> {
    fn of(recipient: &'m SpoolRecipient) -> Self {
        let (state, reason, since) = match recipient.state {
            RecipientState::Waiting => ("waiting", None, None),
            RecipientState::Held { reason, since } => ("held", Some(reason.as_str()), Some(moment(since))),
            RecipientState::Done(done) => (done.as_str(), None, None),
        };
        Self { forward_path: &recipient.forward_path, state, reason, since }
    }
}

fn show(arguments: &Chosen) -> Result<ExitCode, Failure> {
    let found = Found::try_new(&arguments.place, arguments.which.named()?)?;
    let mut output = Output::new(Terminal::of_output());
    for queued in found.messages() {
        let mut text = Vec::new();
        match arguments.place.format {
            ScanFormat::Text => text = page(&queued).into_bytes(),
            ScanFormat::Jsonl => json::write_line(&mut text, &Entry::of(&queued))?,
        }
        output.lines(text)?;
    }
    output.finish()?;
    Ok(found.ending())
}

/// All that is known of a message, for people.
fn page(queued: &QueuedMessage) -> String {
    let (entry, mut text) = (Entry::of(queued), String::new());
    let mut line = |name: &str, value: &str| text += &format!("{name:<12} {}\n", Plain(value));
    line("id", &entry.id);
    line("arrived", &entry.arrived);
    let client = entry.client.as_deref().unwrap_or("unknown");
    let mut origin = format!("{client} ({})", entry.ehlo);
    origin.extend(entry.authenticated.map(|name| format!(", authenticated as {name}")));
    origin.extend(entry.tls.map(|tls| format!(", {tls}")));
    line("from", &origin);
    line("reverse-path", &format!("<{}>", entry.reverse_path));
    for recipient in &entry.recipients {
        let mut value = format!("<{}> {}", recipient.forward_path, recipient.state);
        value.extend(recipient.reason.map(|reason| format!(", {reason}")));
        value.extend(recipient.since.as_ref().map(|since| format!(" since {since}")));
        line("recipient", &value);
    }
    line("verdict", &format!("{} {} by {}", entry.class, entry.score, entry.engine));
    line("bytes", &entry.bytes.to_string());
    line("changed", &entry.actions.join(", "));
    line("received", &entry.sha256_received);
    line("spooled", &entry.sha256_spooled);
    if let (Some(next), Some(reply)) = (&entry.next_try, entry.last_reply) {
        line("attempts", &format!("{}, the next at {next}", entry.attempts));
        line("last reply", reply);
    }
    text.push('\n');
    text
}

fn export(arguments: &Chosen) -> Result<ExitCode, Failure> {
    let found = Found::try_new(&arguments.place, arguments.which.named()?)?;
    let as_mailbox = found.messages().nth(1).is_some();
    let mut output = std::io::stdout().lock();
    let mut ending = found.ending();
    for queued in found.messages() {
        if stop::asked() {
            break;
        }
        let id = queued.message.id;
        let content = found.view.read_content(id).and_then(|mut reader| reader.read_all());
        match content {
            Ok(content) if as_mailbox => write_mailbox(&mut output, &queued, &content)?,
            Ok(content) => output.write_all(&content)?,
            Err(error) => {
                complain(&id.to_string(), &error.to_string());
                ending = ExitCode::from(UNREAD);
            }
        }
    }
    output.flush()?;
    Ok(ending)
}

/// Writes a message as mboxrd has it: a line that begins with `From `, after any number of `>`, gets one more.
fn write_mailbox(output: &mut impl Write, queued: &QueuedMessage, content: &[u8]) -> std::io::Result<()> {
    let message = &queued.message;
    let sender = if message.reverse_path.is_empty() { "MAILER-DAEMON" } else { &message.reverse_path };
    let date = Timestamp::from_unix(i64::try_from(message.arrived / 1_000).unwrap_or(i64::MAX)).to_rfc5322();
    if let [weekday, day, month, year, time, ..] = date.split([' ', ',']).filter(|word| !word.is_empty()).collect::<Vec<_>>()[..]
    {
        let sender = sender.replace(char::is_whitespace, "_");
        writeln!(output, "From {sender} {weekday} {month} {day:>2} {time} {year}")?;
    }
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        let quotes = line.iter().take_while(|&&byte| byte == b'>').count();
        if line[quotes..].starts_with(b"From ") {
            output.write_all(b">")?;
        }
        output.write_all(line)?;
    }
    output.write_all(if content.ends_with(b"\n") { b"\n" } else { b"\n\n" })
}
