//! Cases of rspamd's: `{"kind": "find" | "parse", "text", "host", "user", "valid", "fields"}`.

use serde_json::Value;
use xd_core::Domain;

use super::{Case, MAIL_ADDRESS, found_in_text, host_text, read_target};
use crate::conformance::same;

pub(super) fn case(case: &Value) -> Option<Case> {
    let (kind, text) = (case.get("kind")?.as_str()?, case.get("text")?.as_str()?);
    let fields = case.get("fields").unwrap_or(case);
    let field = |key: &str| fields.get(key).and_then(Value::as_str);
    let link = match kind {
        "find" if text.contains('@') && !text.contains("//") => return Some(Case::apart(text, MAIL_ADDRESS)),
        "find" => found_in_text(text).into_iter().next(),
        "parse" if text.contains(':') => read_target(text),
        "parse" => found_in_text(text).into_iter().next(),
        _ => return None,
    };
    let host = link.as_ref().and_then(|link| link.host.as_ref()).map(host_text);
    let outcome = if case.get("valid").and_then(Value::as_bool) == Some(false) {
        host.map_or(Ok(()), |host| Err(format!("leads to {host}")))
    } else {
        let expected =
            field("host").map(|host| Domain::parse(host).map_or_else(|_| host.to_owned(), |domain| domain.to_string()));
        match (host, expected) {
            (None, _) => Err("no link with a host".to_owned()),
            (Some(_), None) => Ok(()),
            (Some(host), Some(expected)) => same(&host, &expected),
        }
        .and_then(|()| {
            let url = link.as_ref().map(|link| link.url.as_str()).unwrap_or_default();
            match field("user") {
                Some(user) if !url.contains(&format!("//{user}")) => Err(format!("no user {user} in {url}")),
                _ => Ok(()),
            }
        })
    };
    Some(Case::new(text, outcome))
}
