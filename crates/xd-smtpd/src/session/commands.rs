//! What each command does, in the order of a dialogue.

use super::command::{Command, CommandError, parse};
use super::content::Content;
use super::dialogue::{Asked, Open, Session, State};
use super::parameters::{self, Allowed, ParameterError};
use super::sasl::Sasl;
use super::xclient;
use super::{Event, Path, PathError, Protocol, Reply};

/// Recipients beyond the limit of one message that are answered with 452; a client that sends still more does not listen. Postfix
/// has the same (`smtpd_recipient_overshoot_limit`).
const RECIPIENT_OVERSHOOT: u32 = 1_000;

impl Session {
    pub(super) fn handle_command(&mut self, line: &[u8]) {
        let command = match parse(line) {
            Ok(command) => command,
            Err(error) => return self.refuse_line(error),
        };
        // Those that carry a message on don't count; of a chunk, octets follow that have to be taken whatever is answered. One of no
        // octets carries nothing on.
        let carries_on = match command {
            Command::Bdat(octets, last) => octets > 0 || last,
            Command::Data | Command::Quit | Command::Rcpt(_) => true,
            _ => false,
        };
        if !carries_on {
            self.counts.commands += 1;
            if self.counts.commands > self.options.limits.idle_commands && !self.client.trusted {
                let reply = Reply::new(421, (7, 0), format!("{} saw many commands and no message", self.options.hostname));
                return self.hang_up("command", reply);
            }
        }
        match command {
            Command::Auth(mechanism, initial) => self.auth(mechanism, initial),
            Command::Bdat(octets, last) => self.bdat(octets, last),
            Command::Data => self.data(),
            Command::Ehlo(name) => self.greeted("EHLO", name, Protocol::Smtp, true),
            Command::Etrn(domain) => self.etrn(domain),
            Command::Expn => self.refuse("EXPN", Reply::new(502, (5, 1), "EXPN is not offered")),
            Command::Foreign => self.hang_up("command", Reply::new(554, (5, 1), "this is a mail server")),
            Command::Helo(name) => self.greeted("HELO", name, Protocol::Smtp, false),
            Command::Help => self.reply(&Reply::new(214, (0, 0), "RFC 5321 says all")),
            Command::Lhlo(name) => self.greeted("LHLO", name, Protocol::Lmtp, true),
            Command::Mail(argument) => self.mail(argument),
            Command::Noop => self.reply(&Reply::new(250, (0, 0), "done nothing")),
            Command::Quit => {
                self.reply(&Reply::new(221, (0, 0), format!("{} closes", self.options.hostname)));
                self.close();
            }
            Command::Rcpt(argument) => self.rcpt(argument),
            Command::Rset => {
                self.transaction = None;
                self.reply(&Reply::new(250, (0, 0), "forgotten"));
            }
            Command::StartTls => self.start_tls(),
            // RFC 5321 §7.3: 252 where addresses are not told. They are judged at RCPT.
            Command::Vrfy => self.reply(&Reply::new(252, (5, 2), "send mail and see")),
            Command::Xclient(attributes) => self.xclient(attributes),
        }
    }

    fn refuse_line(&mut self, error: CommandError) {
        match error {
            CommandError::Argument(command, syntax) => {
                self.refuse(command, Reply::new(501, (5, 4), format!("the syntax is {syntax}")));
            }
            CommandError::Unknown => self.refuse("command", Reply::new(500, (5, 1), "no such command")),
            CommandError::Unreadable => self.refuse("command", Reply::new(500, (5, 2), "a command is printable ASCII")),
        }
    }

    fn greeted(&mut self, command: &'static str, name: &str, protocol: Protocol, extended: bool) {
        if protocol != self.options.protocol {
            // RFC 2033 §4.1: an LMTP server must not know HELO and EHLO, nor an SMTP server LHLO.
            return self.refuse(command, Reply::new(500, (5, 1), "the other protocol is spoken here"));
        }
        // RFC 5321 §4.1.4: a later one begins anew.
        self.transaction = None;
        self.ehlo = Some(name.into());
        self.extended = extended;
        self.ask(Asked::Ehlo, Event::Stage);
    }

    fn start_tls(&mut self) {
        if !self.options.starttls {
            return self.refuse("STARTTLS", Reply::new(502, (5, 1), "STARTTLS is not offered"));
        }
        if self.client.tls || self.ehlo.is_none() {
            return self.refuse("STARTTLS", Reply::new(503, (5, 1), "not now"));
        }
        self.transaction = None;
        self.reply(&Reply::new(220, (0, 0), "begin TLS"));
        self.state = State::StartTls { injected: false };
        self.events.push_back(Event::StartTls);
    }

    fn auth(&mut self, mechanism: &str, initial: Option<&str>) {
        if !self.options.auth || !self.extended {
            return self.refuse("AUTH", Reply::new(502, (5, 1), "AUTH is not offered"));
        }
        if !self.client.tls {
            return self.refuse("AUTH", Reply::new(538, (7, 11), "a password needs TLS"));
        }
        if self.ehlo.is_none() || self.transaction.is_some() || self.client.authenticated.is_some() {
            return self.refuse("AUTH", Reply::new(503, (5, 1), "not now"));
        }
        let Some(sasl) = Sasl::new(mechanism) else {
            return self.refuse("AUTH", Reply::new(504, (5, 4), "PLAIN and LOGIN are known"));
        };
        self.state = State::Sasl(sasl);
        match initial {
            // RFC 4954 §4: an empty response is written `=`.
            Some("=") => self.handle_response(b""),
            Some(response) => self.handle_response(response.as_bytes()),
            None => self.challenge(),
        }
    }

    fn mail(&mut self, argument: &[u8]) {
        let limits = &self.options.limits;
        let refusal = if self.draining {
            return self.shut_down();
        } else if self.ehlo.is_none() {
            Reply::new(503, (5, 1), if self.options.protocol == Protocol::Lmtp { "LHLO first" } else { "EHLO first" })
        } else if self.transaction.is_some() {
            Reply::new(503, (5, 1), "a transaction is open")
        } else if self.options.require_tls && !self.client.tls {
            Reply::new(530, (7, 0), "STARTTLS first")
        } else if self.options.require_auth && self.client.authenticated.is_none() && !self.client.trusted {
            Reply::new(530, (7, 0), "authentication required")
        } else if self.counts.messages >= limits.messages && !self.client.trusted {
            let reply = Reply::new(421, (7, 0), format!("{} saw many messages, connect again", self.options.hostname));
            return self.hang_up("MAIL", reply);
        } else {
            match parameters::mail(argument, self.allowed()) {
                Err(error) => refusal(error, 7),
                Ok((mail, _)) if mail.size.is_some_and(|size| size > limits.content_octets) => {
                    Reply::new(552, (3, 4), format!("at most {} octets are taken", limits.content_octets))
                }
                Ok((mail, binary)) => {
                    let open = Open { mail, binary, recipients: Vec::new(), candidate: None, content: None, awaiting: 0 };
                    self.transaction = Some(Box::new(open));
                    return self.ask(Asked::Mail, Event::Stage);
                }
            }
        };
        self.refuse("MAIL", refusal);
    }

    fn rcpt(&mut self, argument: &[u8]) {
        let allowed = self.allowed();
        let recipients_max = self.options.limits.recipients;
        let refusal = match &mut self.transaction {
            None => Reply::new(503, (5, 1), "MAIL first"),
            Some(open) if open.content.is_some() => Reply::new(503, (5, 1), "content has begun"),
            Some(open) => match parameters::rcpt(argument, allowed, open.mail.smtputf8) {
                Err(error) => refusal(error, 3),
                Ok(_) if open.recipients.len() >= recipients_max => {
                    // RFC 5321 §4.5.3.1.10. No error of the client's: it sends the message again to the others.
                    let reply = Reply::new(452, (5, 3), "too many recipients");
                    self.counts.overshoot += 1;
                    if self.counts.overshoot > RECIPIENT_OVERSHOOT && !self.client.trusted {
                        let reply = Reply::new(421, (7, 0), format!("{} has said that it is enough", self.options.hostname));
                        return self.hang_up("RCPT", reply);
                    }
                    self.reply(&reply);
                    return self.record("RCPT", reply, vec![Path::of_argument(argument)]);
                }
                Ok(rcpt) => {
                    open.candidate = Some(rcpt);
                    return self.ask(Asked::Rcpt, Event::Stage);
                }
            },
        };
        self.refuse_for("RCPT", refusal, vec![Path::of_argument(argument)]);
    }

    fn data(&mut self) {
        let Some(open) = &mut self.transaction else {
            return self.refuse("DATA", Reply::new(503, (5, 1), "MAIL first"));
        };
        if open.content.is_some() || open.binary {
            // RFC 3030 §2 and §3
            return self.refuse("DATA", Reply::new(503, (5, 1), "BDAT goes on"));
        }
        if open.recipients.is_empty() {
            // RFC 5321 §3.3 lets SMTP choose between the two, RFC 2033 §4.2 wants 503.
            let code = if self.options.protocol == Protocol::Lmtp { 503 } else { 554 };
            return self.refuse("DATA", Reply::new(code, (5, 1), "no valid recipients"));
        }
        self.begin_content(true);
        self.reply(&Reply::plain(354, "end with a dot on a line by itself"));
        self.state = State::Data;
    }

    fn bdat(&mut self, octets: u64, last: bool) {
        let wanted = match &self.transaction {
            Some(open) if open.recipients.is_empty() => false,
            Some(open) if open.content.is_none() => {
                self.begin_content(false);
                true
            }
            Some(_) => true,
            None => false,
        };
        // Whatever is wrong, its octets come and are no commands (RFC 3030 §2).
        self.state = State::Bdat { left: octets, last, wanted };
        if octets == 0 {
            self.chunk_ended();
        } else if octets > self.options.limits.content_octets.saturating_mul(2) {
            // Nobody waits for the end of this.
            self.too_large();
        }
    }

    fn begin_content(&mut self, stuffed: bool) {
        let (endings, octets_max) = (self.line_endings(), self.options.limits.content_octets);
        if let Some(open) = &mut self.transaction {
            open.content = Some(Content::new(stuffed, endings, octets_max, open.mail.size));
        }
    }

    fn etrn(&mut self, domain: &str) {
        let allowed = self.client.etrn || self.client.authenticated.is_some();
        if !self.options.etrn {
            self.refuse("ETRN", Reply::new(502, (5, 1), "ETRN is not offered"));
        } else if !allowed {
            self.refuse("ETRN", Reply::new(550, (7, 1), "ETRN is for known clients"));
        } else if self.ehlo.is_none() || self.transaction.is_some() {
            // RFC 1985 §5.3
            self.refuse("ETRN", Reply::new(503, (5, 1), "not now"));
        } else if domain.starts_with('@') {
            // RFC 1985 §5.3 lets a client ask for all subdomains at once; here each domain is named to whom it is allowed.
            self.refuse("ETRN", Reply::new(458, (5, 4), "each domain is called for by its name"));
        } else if self.counts.etrn >= self.options.limits.etrn && !self.client.trusted {
            self.refuse("ETRN", Reply::new(458, (7, 0), "asked often enough"));
        } else {
            self.counts.etrn += 1;
            self.ask(Asked::Etrn, Event::Etrn(domain.to_owned()));
        }
    }

    fn xclient(&mut self, attributes: &str) {
        if !self.client.xclient {
            return self.refuse("XCLIENT", Reply::new(550, (7, 0), "XCLIENT is for named peers"));
        }
        if self.transaction.is_some() {
            return self.refuse("XCLIENT", Reply::new(503, (5, 1), "a transaction is open"));
        }
        match xclient::parse(attributes) {
            Some(attributes) => self.ask(Asked::Xclient, Event::Xclient(Box::new(attributes))),
            None => self.refuse("XCLIENT", Reply::new(501, (5, 4), "the syntax is XCLIENT name=value ...")),
        }
    }

    fn allowed(&self) -> Allowed {
        Allowed { extended: self.extended, auth: self.options.auth, paths: self.paths() }
    }
}

/// The reply to a wrong argument of MAIL or RCPT; `detail` tells wrong addresses of the two apart (RFC 3463 §3.2).
fn refusal(error: ParameterError, detail: u16) -> Reply {
    match error {
        ParameterError::Path(PathError::NotAscii) => Reply::new(553, (6, 7), PathError::NotAscii.to_string()),
        ParameterError::Path(error) => Reply::new(501, (1, detail), error.to_string()),
        ParameterError::Value(name) => Reply::new(501, (5, 4), format!("wrong value of {name}")),
        ParameterError::Unknown => Reply::new(555, (5, 4), "a parameter is not known"),
    }
}
