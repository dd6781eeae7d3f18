//! Cases of rspamd's: `[{"suite", "name", "message", "scan": {…}, "expect": [[what, symbol, …]…]}…]`, messages beside them.

use std::fs;

use serde_json::Value;
use xd_core::{Envelope, ForwardPath, Host, Known, Limits, Message, ReversePath};

use super::super::{Case, Reading, VectorFile};
use super::{Seen, symbol_case};

pub(super) fn read(file: &VectorFile, value: &Value) -> Option<Reading> {
    let Some(cases) = value.as_array() else {
        // Answers of a made-up DNS, by file.
        let is_dns = value.as_object()?.values().any(|one| one.to_string().contains("\"type\"") && one.is_array());
        return is_dns.then_some(Reading::Companion);
    };
    if !cases.iter().all(|case| case.get("message").is_some() && case.get("expect").is_some()) {
        return None;
    }
    Some(Reading::Cases(cases.iter().flat_map(|case| one(file, case)).collect()))
}

fn one(file: &VectorFile, case: &Value) -> Vec<Case> {
    let text = |key: &str| case.get(key).and_then(Value::as_str).unwrap_or_default();
    let (name, path) = (text("name"), file.path.with_file_name("messages").join(text("message")));
    let Ok(bytes) = fs::read(&path) else {
        return vec![Case::apart(name, "the message is not here")];
    };
    let message = Message::parse(&bytes, &Limits::default());
    let seen = Seen::of(&message, |envelope, _| case.get("scan").into_iter().for_each(|scan| change(scan, envelope)));
    let expectations = case.get("expect").and_then(Value::as_array).into_iter().flatten();
    expectations
        .filter_map(|expectation| {
            let what = expectation.get(0)?.as_str()?;
            let symbol = expectation.get(1)?.as_str()?;
            Some(if what.contains("Symbol") {
                symbol_case("rspamd", name, symbol, !what.starts_with("Do Not"), &seen)
            } else {
                Case::apart(name, format!("no equivalent of \"{what}\""))
            })
        })
        .collect()
}

fn change(scan: &Value, envelope: &mut Envelope) {
    let text = |key: &str| scan.get(key).and_then(Value::as_str);
    if let Some(address) = text("IP").and_then(|text| text.parse().ok()) {
        envelope.client_address = Known::Found(address);
    }
    if let Some(host) = text("Helo").and_then(Host::parse) {
        envelope.ehlo = Known::Found(host);
    }
    if let Some(path) = text("From") {
        envelope.reverse_path = Known::Found(ReversePath::parse(path));
    }
    if let Some(path) = text("Rcpt") {
        envelope.forward_paths = vec![ForwardPath::parse(path)];
    }
    if let Some(user) = text("User") {
        envelope.authenticated_identity = Known::Found(user.to_owned());
    }
}
