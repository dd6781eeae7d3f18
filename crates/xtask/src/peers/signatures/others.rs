//! dkimpy and OpenDKIM, told keys by files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::messages::{DOMAIN, EDWARDS, Keys, MESSAGES, RSA};
use super::write_keys;
use crate::conformance::dkim::Zone;
use crate::report::Shortfall;
use crate::workspace::Workspace;

/// Debian's own, which has Debian's packages.
pub(super) const PYTHON: &str = "/usr/bin/python3";

/// Canonical forms of header and body.
const FORMS: [[&str; 2]; 4] = [["relaxed", "relaxed"], ["relaxed", "simple"], ["simple", "relaxed"], ["simple", "simple"]];

/// Reads a task as JSON and answers it in kind. `verify` gives a list of results for each message, one for each signature; a message
/// that cannot be read has enough of them for all.
const SCRIPT: &str = "\
import base64, dkim, json, sys
task = json.load(open(sys.argv[1]))
def verify(message, keys):
    octets = open(message, 'rb').read()
    def txt(name, timeout=5):
        found = keys.get(name.decode('ascii').rstrip('.').lower())
        return found.encode('utf-8') if found is not None else None
    results = []
    try:
        fields = dkim.rfc822_parse(octets)[0]
    except dkim.MessageFormatError:
        return ['unreadable'] * 20
    for place in range(sum(1 for name, _ in fields if name.strip().lower() == b'dkim-signature')):
        try:
            results.append('pass' if dkim.DKIM(octets, minkey=1024).verify(place, dnsfunc=txt) else 'fail')
        except Exception as error:
            results.append('error: %s' % error)
    return results
def sign(message, key, selector, algorithm, forms):
    octets = open(message, 'rb').read()
    field = dkim.sign(octets, selector.encode(), task['domain'].encode(), key.encode(), signature_algorithm=algorithm.encode(),
        canonicalize=(forms[0].encode(), forms[1].encode()))
    return base64.b64encode(field + octets).decode()
if 'verify' in task:
    answer = [verify(*one) for one in task['verify']]
else:
    answer = [sign(*one) for one in task['sign']]
json.dump(answer, open(sys.argv[2], 'w'))
";

/// dkimpy, asked once for all.
pub(super) struct Dkimpy<'w> {
    workspace: &'w Workspace,
    place: PathBuf,
}

impl<'w> Dkimpy<'w> {
    pub(super) fn new(workspace: &'w Workspace, place: &Path) -> Self {
        Self { workspace, place: place.to_owned() }
    }

    /// What it says of each signature of each message. Writes the messages into a directory.
    pub(super) fn verify(&self, directory: &Path, messages: &[(&Zone, &[u8])]) -> Result<Vec<Vec<String>>, Shortfall> {
        let mut tasks = Vec::new();
        for (number, (zone, octets)) in messages.iter().enumerate() {
            let directory = directory.join(number.to_string());
            fs::create_dir_all(&directory)?;
            let file = directory.join("message.eml");
            fs::write(&file, octets)?;
            tasks.push(json!([file, texts(zone)]));
        }
        let results = self.answer(&json!({"verify": tasks}))?;
        let words = |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(results.iter().map(words).collect())
    }

    /// All messages, signed with each key in each combination of canonical forms.
    pub(super) fn sign(&self, directory: &Path, keys: &Keys) -> Result<Vec<Vec<u8>>, Shortfall> {
        fs::create_dir_all(directory)?;
        let mut tasks = Vec::new();
        for (number, message) in MESSAGES.iter().enumerate() {
            let file = directory.join(format!("{number}.eml"));
            fs::write(&file, message)?;
            for form in FORMS {
                tasks.push(json!([file, keys.rsa_pem, RSA, "rsa-sha256", form]));
                tasks.push(json!([file, keys.seed, EDWARDS, "ed25519-sha256", form]));
            }
        }
        let results = self.answer(&json!({"domain": DOMAIN, "sign": tasks}))?;
        let octets = |value: &Value| STANDARD.decode(value.as_str().unwrap_or_default());
        results.iter().map(|value| octets(value).map_err(|error| Shortfall::Failed(error.to_string()))).collect()
    }

    fn answer(&self, task: &Value) -> Result<Vec<Value>, Shortfall> {
        let (script, question, answer) =
            (self.place.join("dkimpy.py"), self.place.join("task.json"), self.place.join("answer.json"));
        fs::write(&script, SCRIPT)?;
        fs::write(&question, task.to_string())?;
        self.workspace.program(PYTHON).argument(script).argument(question).argument(&answer).run()?;
        let failed = || Shortfall::Failed("dkimpy's answer is no list".to_owned());
        let value: Value = serde_json::from_slice(&fs::read(answer)?).map_err(|_| failed())?;
        if let Value::Array(list) = value { Ok(list) } else { Err(failed()) }
    }
}

fn texts(zone: &Zone) -> Value {
    let text = |answer: &xd_auth::Answer<xd_auth::Record>| match answer {
        xd_auth::Answer::Found(records) => match records.as_slice() {
            [xd_auth::Record::Txt(text)] => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        },
        _ => None,
    };
    zone.iter()
        .filter_map(|(name, answer)| Some((name.clone(), Value::from(text(answer)?))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Once in a while it says 451, "resource unavailable", and signs the same message the next time.
const ATTEMPTS: usize = 3;

/// OpenDKIM in its test mode: it reads a file and says what it would do.
pub(super) struct OpenDkim;

impl OpenDkim {
    /// What it says of each signature, by the first eight characters of `b=`. What it cannot read, it does not mention.
    pub(super) fn verify(&self, directory: &Path, zone: &Zone, octets: &[u8]) -> Result<BTreeMap<String, String>, Shortfall> {
        fs::create_dir_all(directory)?;
        let [message, keys, config] = ["message.eml", "keys", "opendkim.conf"].map(|name| directory.join(name));
        fs::write(&message, octets)?;
        write_keys(&keys, zone)?;
        fs::write(&config, format!("Mode v\nSyslog no\nOn-Default accept\nTestPublicKeys {}\n", keys.display()))?;
        Ok(results(&said_of(&config, &message)?))
    }

    /// All messages, signed with each key in each combination of canonical forms.
    pub(super) fn sign(&self, directory: &Path, keys: &Keys) -> Result<Vec<Vec<u8>>, Shortfall> {
        fs::create_dir_all(directory)?;
        let [file, config, key] = ["message.eml", "opendkim.conf", "key.pem"].map(|name| directory.join(name));
        let mut signed = Vec::new();
        for message in MESSAGES {
            fs::write(&file, message)?;
            for form in FORMS {
                for (pem, selector, algorithm) in
                    [(&keys.rsa_pem, RSA, "rsa-sha256"), (&keys.edwards_pem, EDWARDS, "ed25519-sha256")]
                {
                    fs::write(&key, pem)?;
                    let settings = format!(
                        "Mode s\nSyslog no\nRequireSafeKeys no\nDomain {DOMAIN}\nSelector {selector}\nKeyFile {}\n\
                         SignatureAlgorithm {algorithm}\nCanonicalization {}/{}\nOversignHeaders From\n",
                        key.display(),
                        form[0],
                        form[1]
                    );
                    fs::write(&config, settings)?;
                    let mut said = said_of(&config, &file)?;
                    for _ in 1..ATTEMPTS {
                        if !said.contains("rcode='451'") {
                            break;
                        }
                        said = said_of(&config, &file)?;
                    }
                    let value = said.split_once("hname='DKIM-Signature' hvalue='").and_then(|(_, rest)| rest.rsplit_once('\''));
                    let Some((value, _)) = value else {
                        return Err(Shortfall::Failed(format!("OpenDKIM does not sign: {said}")));
                    };
                    signed.push([b"DKIM-Signature: ", value.replace('\n', "\r\n").as_bytes(), b"\r\n", message].concat());
                }
            }
        }
        Ok(signed)
    }
}

/// What it says it would do with a message.
fn said_of(config: &Path, message: &Path) -> Result<String, Shortfall> {
    let mut command = Command::new("opendkim");
    command.arg("-x").arg(config).arg("-vv").arg("-t").arg(message).stdin(Stdio::null()).stderr(Stdio::null());
    Ok(String::from_utf8_lossy(&command.output()?.stdout).into_owned())
}

/// The results in the Authentication-Results that it would add: `dkim=RESULT … header.b=START`.
fn results(text: &str) -> BTreeMap<String, String> {
    let parts = text.split(';').map(str::trim).filter_map(|part| part.strip_prefix("dkim="));
    let one = |part: &str| {
        let (result, _) = part.split_once(char::is_whitespace)?;
        let (_, start) = part.split_once("header.b=")?;
        let start = start.split(|c: char| c == '\'' || c.is_whitespace()).next()?.trim_matches('"');
        Some((start.to_owned(), result.to_owned()))
    };
    parts.filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_opendkim() {
        let text = "### INSHEADER: idx=0 hname='Authentication-Results' hvalue='DEBUG-j;\n\tdkim=pass header.d=a.example header.b=9/dsDChY;\n\
                    \tdkim=fail reason=\"x\" (1024-bit key) header.s=test header.b=\"icKc+SEZ\";\n\tdkim-atps=neutral'\n";
        let expected = [("9/dsDChY", "pass"), ("icKc+SEZ", "fail")].map(|(start, result)| (start.to_owned(), result.to_owned()));
        assert_eq!(results(text), BTreeMap::from(expected));
    }
}
