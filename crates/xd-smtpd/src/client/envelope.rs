//! The commands of a transaction: what an envelope becomes for a next hop with given extensions.

use std::fmt::Write as _;

use xd_store::{BodyType, Notify, Ret, SpoolMessage};

use super::Extensions;

/// The part of an envelope that goes in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The message.
    pub message: &'a SpoolMessage,
    /// Which recipients, by their place in the message.
    pub recipients: &'a [u32],
    /// Whether the content is known to hold bytes below 128 alone, whatever was declared.
    pub is_ascii: bool,
    /// Whether the header section is known to hold bytes below 128 alone, whatever was declared.
    pub header_is_ascii: bool,
    /// A forward-path that stands for all recipients, as for archive copies.
    pub redirect: Option<&'a str>,
}

/// Why a next hop cannot take a message, as far as its extensions tell. Nothing was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// 8BITMIME is wanted and not offered (RFC 6152 §3): the content must be looked at.
    #[error("next hop takes no 8-bit content")]
    EightBit,
    /// It is larger than the limit that SIZE names (RFC 1870 §6).
    #[error("next hop takes {limit} bytes at most")]
    Size {
        /// The limit in bytes.
        limit: u64,
    },
    /// SMTPUTF8 is wanted and not offered (RFC 6531 §3.2), and the addresses need it.
    #[error("next hop takes no addresses with other characters than ASCII")]
    Utf8Address,
    /// SMTPUTF8 is wanted and not offered, and only the header section could need it: it must be looked at.
    #[error("next hop takes no header fields with other characters than ASCII")]
    Utf8Header,
    /// A path has characters that cannot stand in a command, or is too long for one.
    #[error("a path cannot be written in a command")]
    Path,
}

/// Bytes of a path: 64 of local part, `@` and 255 of domain are 320; quoting may double the local part. Longer ones end no
/// command in the 512 bytes that RFC 5321 §4.5.3.1.4 grants, with parameters.
const MAX_PATH: usize = 512;

/// A command line and what follows from its reply.
pub(super) struct Commands {
    pub(super) mail: String,
    /// One for each recipient.
    pub(super) rcpt: Vec<String>,
}

impl Envelope<'_> {
    /// The commands for this envelope.
    pub(super) fn commands(&self, extensions: &Extensions) -> Result<Commands, Misfit> {
        let message = self.message;
        if let Some(limit) = extensions.max_size.filter(|limit| message.bytes > *limit) {
            return Err(Misfit::Size { limit });
        }
        let mail = self.mail(extensions)?;
        let recipients = self.recipients.iter().filter_map(|index| message.recipients.get(*index as usize));
        let rcpt = match self.redirect {
            Some(path) => vec![rcpt(path, "", extensions)?],
            None => {
                let one = |recipient: &xd_store::SpoolRecipient| {
                    if !is_writable(recipient.orcpt.as_deref().unwrap_or_default()) {
                        return Err(Misfit::Path);
                    }
                    let mut parameters = String::new();
                    if extensions.dsn {
                        dsn_parameters(&mut parameters, recipient.notify, recipient.orcpt.as_deref());
                    }
                    rcpt(&recipient.forward_path, &parameters, extensions)
                };
                recipients.map(one).collect::<Result<_, _>>()?
            }
        };
        Ok(Commands { mail, rcpt })
    }

    fn mail(&self, extensions: &Extensions) -> Result<String, Misfit> {
        let message = self.message;
        check_path(&message.reverse_path, extensions)?;
        let mut line = format!("MAIL FROM:<{}>", message.reverse_path);
        // A String takes whatever is written to it.
        if extensions.size {
            let _ = write!(line, " SIZE={}", message.bytes);
        }
        if message.body == BodyType::EightBitMime && !self.is_ascii {
            if !extensions.eight_bit_mime {
                return Err(Misfit::EightBit);
            }
            line.push_str(" BODY=8BITMIME");
        }
        let is_plain = self.paths().all(str::is_ascii);
        // A path may need it that the client did not give: one to which the message is redirected.
        if message.smtputf8 || !is_plain {
            match (extensions.smtputf8, is_plain) {
                (true, _) => line.push_str(" SMTPUTF8"),
                (false, false) => return Err(Misfit::Utf8Address),
                // RFC 6531 §3.2: where nothing needs the extension, the message goes as any other.
                (false, true) if self.header_is_ascii => {}
                (false, true) => return Err(Misfit::Utf8Header),
            }
        }
        if extensions.dsn && self.redirect.is_none() {
            match message.ret {
                Some(Ret::Full) => line.push_str(" RET=FULL"),
                Some(Ret::Headers) => line.push_str(" RET=HDRS"),
                None => {}
            }
            if let Some(envid) = &message.envid {
                if !is_writable(envid) {
                    return Err(Misfit::Path);
                }
                let _ = write!(line, " ENVID={envid}");
            }
        }
        line.push_str("\r\n");
        Ok(line)
    }

    /// The recipients to whom alone it could not go, and why.
    pub(super) fn misfits(&self, extensions: &Extensions) -> Vec<(u32, Misfit)> {
        let alone = |index: &u32| {
            let misfit = Envelope { recipients: &[*index], ..*self }.commands(extensions).err()?;
            Some((*index, misfit))
        };
        self.recipients.iter().filter_map(alone).collect()
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        let message = self.message;
        let recipients = self.recipients.iter().filter_map(|index| message.recipients.get(*index as usize));
        let recipients = recipients.map(|recipient| recipient.forward_path.as_str()).filter(|_| self.redirect.is_none());
        recipients.chain(self.redirect).chain([message.reverse_path.as_str()])
    }
}

fn rcpt(path: &str, parameters: &str, extensions: &Extensions) -> Result<String, Misfit> {
    check_path(path, extensions)?;
    Ok(format!("RCPT TO:<{path}>{parameters}\r\n"))
}

fn dsn_parameters(line: &mut String, notify: Notify, orcpt: Option<&str>) {
    if notify != Notify::DEFAULT {
        let names =
            [(Notify::NEVER, "NEVER"), (Notify::SUCCESS, "SUCCESS"), (Notify::FAILURE, "FAILURE"), (Notify::DELAY, "DELAY")];
        let mut mark = " NOTIFY=";
        for (_, name) in names.iter().filter(|(bit, _)| notify.has(*bit)) {
            let _ = write!(line, "{mark}{name}");
            mark = ",";
        }
    }
    if let Some(orcpt) = orcpt {
        let _ = write!(line, " ORCPT={orcpt}");
    }
}

/// Nothing that a path holds may end the line or the path. Quoted strings may hold brackets and spaces.
fn check_path(path: &str, extensions: &Extensions) -> Result<(), Misfit> {
    if path.len() > MAX_PATH || path.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(Misfit::Path);
    }
    let bare = unquoted(path).ok_or(Misfit::Path)?;
    if bare.bytes().any(|byte| matches!(byte, b' ' | b'<' | b'>')) {
        return Err(Misfit::Path);
    }
    // Eight-bit bytes in a command need the extension, declared or not.
    if !path.is_ascii() && !extensions.smtputf8 {
        return Err(Misfit::Utf8Address);
    }
    Ok(())
}

/// What stands behind the quoted string that a path begins with, or all of it; none if the string has no end.
fn unquoted(path: &str) -> Option<&str> {
    let Some(quoted) = path.strip_prefix('"') else { return Some(path) };
    let mut is_escaped = false;
    let end = quoted.find(|character| {
        let ends = character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        ends
    });
    quoted.get(end? + 1..)
}

/// Whether a parameter is one word of visible characters.
fn is_writable(parameter: &str) -> bool {
    parameter.len() <= MAX_PATH && !parameter.bytes().any(|byte| byte <= b' ' || byte == 0x7f)
}
