//! `xd dkim keygen`: a private key in a file of its own, and the record to publish for it.
//!
//! The record is printed only once the key is safely on disk: a record without its key helps nobody.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use xd_auth::{Algorithm, Name, SigningKey};
use xd_lookup::signature::{KeyStore, NewKey, generate};

use super::{Bits, Keygen, Kind};
use crate::arguments::Format;
use crate::failure::{Failure, reason};
use crate::json;
use crate::output::Output;
use crate::terminal::Terminal;

/// The record to publish.
#[derive(Debug, Serialize)]
struct Record {
    /// Where it stands.
    name: String,
    /// What it says.
    text: String,
    /// The same in strings of at most 255 octets, as DNS has them.
    strings: Vec<String>,
    /// The line of a zone file.
    zone: String,
    /// Where the private key is.
    file: String,
}

/// Octets of one string of a TXT record (RFC 1035 §3.3).
const MAX_STRING: usize = 255;

pub(super) fn run(arguments: &Keygen) -> Result<ExitCode, Failure> {
    let name = Name::parse(&format!("{}._domainkey.{}", arguments.selector, arguments.domain))
        .map_err(|error| Failure::operator(format!("{}._domainkey.{}: {error}", arguments.selector, arguments.domain)))?;
    let (kind, algorithm) = match (arguments.kind, arguments.bits) {
        (Kind::Ed25519, None) => (NewKey::Ed25519, Algorithm::Ed25519Sha256),
        (Kind::Ed25519, Some(_)) => return Err(Failure::operator("a key of Ed25519 has no choice of bits: leave --bits out")),
        (Kind::Rsa, None | Some(Bits::Two)) => (NewKey::Rsa2048, Algorithm::RsaSha256),
        (Kind::Rsa, Some(Bits::Three)) => (NewKey::Rsa3072, Algorithm::RsaSha256),
        (Kind::Rsa, Some(Bits::Four)) => (NewKey::Rsa4096, Algorithm::RsaSha256),
    };
    let pem = generate(kind).map_err(|error| Failure::operator(error.to_string()))?;
    let key = SigningKey { algorithm, domain: arguments.domain.clone(), selector: arguments.selector.clone() };
    let mut store = KeyStore::default();
    store.add(key.clone(), pem.as_bytes()).map_err(|error| Failure::operator(error.to_string()))?;
    let text = store.record(&key).ok_or_else(|| Failure::operator("the key that was made cannot be read"))?;
    let path = arguments.out.display();
    write(&arguments.out, &pem).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::operator(format!("{path} is there already and was not touched: name a file that is not there"))
        }
        _ => Failure::operator(format!("{path}: {}", reason(&error))),
    })?;
    let record = Record::new(&name, text, path.to_string());
    let mut output = Output::new(Terminal::of_output());
    match arguments.format {
        Format::Text => output.lines(&record.zone)?,
        Format::Json => {
            let mut line = Vec::new();
            json::write_line(&mut line, &record)?;
            output.lines(line)?;
        }
    }
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that was not there, for its owner alone, and sees it onto the disk.
fn write(path: &Path, pem: &str) -> io::Result<()> {
    // With `create_new`, no link is followed, and nobody gets in between.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(pem.as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a key is no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(directory)?.sync_all()
}

impl Record {
    fn new(name: &Name, text: String, file: String) -> Self {
        // A record of a key is ASCII: tags and base64.
        let strings: Vec<String> =
            text.as_bytes().chunks(MAX_STRING).map(|chunk| String::from_utf8_lossy(chunk).into_owned()).collect();
        let quoted: Vec<String> = strings.iter().map(|string| format!("\"{string}\"")).collect();
        let zone = match &quoted[..] {
            [one] => format!("{name}. IN TXT {one}\n"),
            several => format!("{name}. IN TXT (\n    {}\n)\n", several.join("\n    ")),
        };
        Self { name: name.to_string(), text, strings, zone, file }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_at_their_edges() {
        let name = Name::parse("one._domainkey.example.com").unwrap();
        let record = |length: usize| Record::new(&name, "a".repeat(length), String::new());
        assert_eq!(record(255).zone, format!("one._domainkey.example.com. IN TXT \"{}\"\n", "a".repeat(255)));
        assert_eq!(
            record(256).zone,
            format!("one._domainkey.example.com. IN TXT (\n    \"{}\"\n    \"a\"\n)\n", "a".repeat(255))
        );
        assert!(record(800).strings.iter().all(|string| string.len() <= MAX_STRING));
        assert_eq!(record(800).strings.concat(), record(800).text);
    }
}
