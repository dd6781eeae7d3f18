//! Who a message says it is from, in bytes: addresses, and the identifiers of mailing lists.

use super::wire::{DecodeError, Reader, Wire, Writer};
use crate::{Domain, ForwardPath, Mailbox, Message, ReversePath};

/// The identities of a message that trust can match and that stand in its header section. Those of its envelope and its
/// evidence are there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Identities {
    /// The addresses of From, without display names.
    pub from: Vec<Mailbox>,
    /// The identifiers in List-Id (RFC 2919 §2), in lower case.
    pub list_ids: Vec<String>,
}

impl Identities {
    /// The identities of a message.
    pub(super) fn of(message: &Message<'_>) -> Self {
        Self {
            from: message.from().iter().map(without_name).collect(),
            list_ids: message.header().all("list-id").filter_map(|field| list_id(field.decoded())).collect(),
        }
    }
}

/// What stands between the last angle brackets; programs that forget them write the identifier alone.
fn list_id(value: &str) -> Option<String> {
    let inner = value.rsplit_once('<').map_or(value, |(_, rest)| rest.split('>').next().unwrap_or(rest)).trim();
    (!inner.is_empty()).then(|| inner.to_lowercase())
}

/// Rules see names of From from the header section only.
pub(super) fn without_name(mailbox: &Mailbox) -> Mailbox {
    Mailbox { name: String::new(), address: mailbox.address.clone(), domain: mailbox.domain.clone() }
}

/// The mailbox that an address alone gives.
fn plain(address: &str) -> Mailbox {
    let domain = address.rsplit_once('@').and_then(|(_, domain)| Domain::parse(domain.trim()).ok());
    Mailbox { name: String::new(), address: address.to_owned(), domain }
}

impl Wire for Mailbox {
    /// The address, and its domain where the address does not give it.
    fn write(&self, out: &mut Writer) {
        match &self.domain {
            domain if *domain == plain(&self.address).domain => out.byte(0),
            None => out.byte(1),
            Some(domain) => {
                out.byte(2);
                domain.write(out);
            }
        }
        out.text(&self.address);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = from.at();
        let given = match from.byte()? {
            0 => None,
            1 => Some(None),
            2 => Some(Some(Domain::read(from)?)),
            _ => return Reader::wrong(at, "there is no such kind of mailbox"),
        };
        let mailbox = plain(from.text()?);
        match given {
            None => Ok(mailbox),
            Some(domain) if domain != mailbox.domain => Ok(Self { domain, ..mailbox }),
            Some(_) => Reader::wrong(at, "the domain of an address is written twice"),
        }
    }
}

impl Wire for ReversePath {
    fn write(&self, out: &mut Writer) {
        match self {
            Self::Null => out.byte(3),
            Self::Mailbox(mailbox) => mailbox.write(out),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if from.peek() == Some(3) {
            from.byte()?;
            return Ok(Self::Null);
        }
        Mailbox::read(from).map(Self::Mailbox)
    }
}

/// Most recipients of one message share a domain: it stands once.
const SAME_DOMAIN: u8 = 4;

/// Writes a forward-path after another one.
pub(super) fn write_path(path: &ForwardPath, before: Option<&ForwardPath>, out: &mut Writer) {
    match shared(path.mailbox(), before) {
        Some(local) => {
            out.byte(SAME_DOMAIN);
            out.text(local);
        }
        None => path.mailbox().write(out),
    }
}

pub(super) fn read_path(before: Option<&ForwardPath>, from: &mut Reader<'_>) -> Result<ForwardPath, DecodeError> {
    let at = from.at();
    let mailbox = if from.peek() == Some(SAME_DOMAIN) {
        from.byte()?;
        let local = from.text()?;
        match before.and_then(|before| before.mailbox().address.rsplit_once('@')) {
            Some((_, domain)) => plain(&format!("{local}@{domain}")),
            None => return Reader::wrong(at, "no domain stands before"),
        }
    } else {
        Mailbox::read(from)?
    };
    let shares = shared(&mailbox, before).is_some();
    let path = ForwardPath::of(mailbox);
    // One spelling: where the domain can be shared, it is. A path is read before it is compared, so both ways end here.
    if shares != (from.byte_at(at) == Some(SAME_DOMAIN)) {
        return Reader::wrong(at, "a forward-path is not written in its shortest form");
    }
    Ok(path)
}

/// The local part, where the domain is that of the path before, its address gives it, and it is short enough to be repeated.
fn shared<'p>(mailbox: &'p Mailbox, before: Option<&ForwardPath>) -> Option<&'p str> {
    let (local, domain) = mailbox.address.rsplit_once('@')?;
    let (_, known) = before?.mailbox().address.rsplit_once('@')?;
    (domain == known && domain.len() <= 253 && mailbox.domain == plain(&mailbox.address).domain).then_some(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_lists() {
        for (value, expected) in [
            ("Friends <friends.Example.net>", Some("friends.example.net")),
            ("<a.example>", Some("a.example")),
            ("a.example", Some("a.example")),
            ("<>", None),
            ("", None),
        ] {
            assert_eq!(list_id(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_mailbox_comes_back_whatever_its_domain() {
        let domain = || Domain::parse("example.com").ok();
        for (address, domain) in
            [("a@example.com", domain()), ("a@example.com", None), ("a", None), ("", domain()), ("a@b@example.com", domain())]
        {
            let mailbox = Mailbox { name: String::new(), address: address.to_owned(), domain };
            let mut out = Writer::default();
            mailbox.write(&mut out);
            assert_eq!(Mailbox::read(&mut Reader::new(&out.bytes)), Ok(mailbox));
        }
    }
}
