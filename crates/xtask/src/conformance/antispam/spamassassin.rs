//! Cases of SpamAssassin's: `{message: [{"test", "rules_hit", "rules_not_hit"}…]}`, and what it reads from trace fields.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use xd_core::{Limits, Message};

use super::super::{Case, Reading, VectorFile};
use super::{Seen, symbol_case};

pub(super) fn read(file: &VectorFile, value: &Value) -> Option<Reading> {
    if let Some(cases) = value.as_array() {
        let is_trace = cases.iter().all(|case| case.get("received").is_some() && case.get("relays").is_some());
        return (is_trace && !cases.is_empty()).then(|| Reading::Cases(cases.iter().filter_map(trace).collect()));
    }
    let messages = value.as_object()?;
    let is_rules = messages.values().all(|tests| tests.as_array().is_some_and(|tests| tests.iter().all(is_test)));
    is_rules.then(|| Reading::Cases(messages.iter().flat_map(|(message, tests)| rules(file, message, tests)).collect()))
}

fn is_test(test: &Value) -> bool {
    test.get("rules_hit").is_some() && test.get("rules_not_hit").is_some()
}

/// Each symbol once for a message. Where tests with other settings want it and want it not, it is left out.
fn rules(file: &VectorFile, name: &str, tests: &Value) -> Vec<Case> {
    let Ok(bytes) = fs::read(file.path.with_file_name(name)) else {
        return vec![Case::apart(name, "the message is not here")];
    };
    let message = Message::parse(&bytes, &Limits::default());
    let seen = Seen::of(&message, |_, _| {});
    let mut symbols: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
    for test in tests.as_array().into_iter().flatten() {
        for (key, at) in [("rules_hit", 1), ("rules_not_hit", 0)] {
            for symbol in test.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                symbols.entry(symbol).or_default()[at] = true;
            }
        }
    }
    symbols
        .into_iter()
        .map(|(symbol, wanted)| match wanted {
            [true, true] => Case::apart(name, format!("{symbol} depends on settings of its test")),
            [_, expected] => symbol_case("spamassassin", name, symbol, expected, &seen),
        })
        .collect()
}

/// `{"received": field, "relays": [{"ip", …}…]}`: the address the server saw. What it is not read for is kept here all the same.
fn trace(case: &Value) -> Option<Case> {
    let field = case.get("received")?.as_str()?;
    let relay = case.get("relays")?.as_array()?.first();
    let name: String = field.chars().take(100).collect();
    let Some(expected) = relay.and_then(|relay| relay.get("ip")?.as_str()) else {
        return Some(Case::apart(name, "a trace field that is not to be read; here its date and names are"));
    };
    let raw = format!("Received: {}\r\n\r\n", field.replace('\n', " "));
    let message = Message::parse(raw.as_bytes(), &Limits::default());
    let found = message.hops().first().and_then(|hop| hop.client_address).map(|address| address.to_string());
    let outcome = match found {
        Some(found) if found == expected => Ok(()),
        found => Err(format!("{found:?} where {expected} is expected")),
    };
    Some(Case::new(name, outcome))
}
