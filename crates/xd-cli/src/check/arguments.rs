//! The command line of `xd check`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use xd_auth::Name;

use super::domain::Pool;
use crate::arguments::Format;

/// Check what DNS says of who sends mail.
#[derive(Debug, Subcommand)]
pub(crate) enum Check {
    /// Audit what a domain publishes for its mail: SPF, DKIM, DMARC, MTA-STS, TLS reports, DANE, MX and reverse names.
    #[command(after_long_help = DOMAIN_EXAMPLES)]
    Domain(Domain),
    /// Explain step by step what SPF and the reverse names say of a client.
    #[command(after_long_help = SENDER_EXAMPLES)]
    Sender(Sender),
}

/// Whom DNS is asked, and how answers are printed.
#[derive(Args, Debug)]
pub(crate) struct Asked {
    /// Ask this name server, as 192.0.2.53 or 192.0.2.53:5353; may be given several times [default: those of the
    /// configuration, or of the system]
    #[arg(long, value_name = "SERVER", value_parser = server)]
    pub(super) dns: Vec<SocketAddr>,
    /// Read settings from this file (TOML): `dns` and `hostname`.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// How to print: for people, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct Sender {
    /// The client address.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) ip: IpAddr,
    /// The EHLO domain.
    #[arg(long, value_name = "NAME")]
    pub(super) helo: Option<String>,
    /// The reverse-path: an address, or `<>` for the null one, of which SPF checks the EHLO domain.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) mail_from: Option<String>,
    #[command(flatten)]
    pub(super) asked: Asked,
}

#[derive(Args, Debug)]
pub(crate) struct Domain {
    /// The domain, as it stands behind the @ of addresses.
    #[arg(value_name = "DOMAIN", value_parser = domain)]
    pub(super) domain: Name,
    /// An address or a network (192.0.2.0/28) that sends mail of the domain: SPF must pass all of it, and each address needs a name
    /// that leads back to it. May be given several times.
    #[arg(long, value_name = "ADDRESS|CIDR")]
    pub(super) pool: Vec<Pool>,
    /// A selector under which a key of DKIM must stand; may be given several times. A few common ones are tried anyway.
    #[arg(long, value_name = "SELECTOR", value_parser = selector)]
    pub(super) selector: Vec<Name>,
    #[command(flatten)]
    pub(super) asked: Asked,
}

fn server(text: &str) -> Result<SocketAddr, String> {
    let with_port = text.parse::<SocketAddr>().ok();
    let server = with_port.or_else(|| text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 53)));
    server.ok_or_else(|| "expected an address, as 192.0.2.53, with a port or without".to_owned())
}

/// A domain of mail in any spelling.
pub(crate) fn domain(text: &str) -> Result<Name, String> {
    let name = Name::parse_unicode(text).map_err(|error| error.to_string())?;
    if name.labels() > 1 && is_plain(&name) { Ok(name) } else { Err("expected a domain, as example.com".to_owned()) }
}

/// A selector of DKIM: one label or several.
pub(crate) fn selector(text: &str) -> Result<Name, String> {
    let name = Name::parse(text).map_err(|error| error.to_string())?;
    if !name.is_root() && is_plain(&name) { Ok(name) } else { Err("expected letters, digits and hyphens".to_owned()) }
}

/// Nothing that a zone file or a header field would have to escape.
fn is_plain(name: &Name) -> bool {
    name.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

const SENDER_EXAMPLES: &str = "\
Examples:
  xd check sender --ip 192.0.2.7 --mail-from ann@example.com
  xd check sender --ip 192.0.2.7 --helo mail.example.com --dns 192.0.2.53

Exit status: 0 when the check ran, whatever its result; 2 when the command line or the configuration is wrong.";

const DOMAIN_EXAMPLES: &str = "\
Examples:
  xd check domain example.com
  xd check domain example.com --pool 192.0.2.0/28 --pool 2001:db8::25 --selector 2026a

Exit status: 0 when all is fine or only worth a warning, 1 when something is wrong, 2 when nothing is known to be wrong but \
something could not be found out, or the command line or the configuration is wrong.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_a_port_or_not() {
        for (text, expected) in [("192.0.2.53", "192.0.2.53:53"), ("192.0.2.53:5353", "192.0.2.53:5353"), ("::1", "[::1]:53")] {
            assert_eq!(server(text).map(|server| server.to_string()).as_deref(), Ok(expected));
        }
        assert!(server("ns.example.com").is_err());
    }

    #[test]
    fn names_that_are_taken() {
        assert_eq!(domain("B\u{fc}cher.Example.").map(|name| name.to_string()).as_deref(), Ok("xn--bcher-kva.example"));
        for text in ["", ".", "com", "a b.example", "a;b.example", "a..example", "x\"y.example"] {
            assert!(domain(text).is_err(), "{text}");
        }
        assert!(selector("2026a").is_ok() && selector("a.b").is_ok());
        assert!(selector("").is_err() && selector("a;b").is_err());
    }
}
