//! DKIM: the keys under the selectors that were given, and under common ones.

use xd_auth::dkim::{PublishedKey, Reason};
use xd_auth::{Algorithm, Answer, Name, Question, Record, RecordKind, Unknown};

use super::audit::{Known, Plan};
use super::report::{Lines, Topic};

/// Selectors that are tried when nobody names them: what programs and large services propose. Selectors cannot be listed by asking DNS.
const COMMON: [&str; 24] = [
    "default",
    "dkim",
    "dkim1",
    "dkim2",
    "email",
    "fm1",
    "fm2",
    "fm3",
    "google",
    "k1",
    "k2",
    "k3",
    "key1",
    "key2",
    "mail",
    "mta",
    "mx",
    "s1",
    "s2",
    "selector1",
    "selector2",
    "sig1",
    "smtp",
    "x",
];

/// RFC 8301 §3.2: signers should use at least so many bits.
const GOOD_BITS: u32 = 2_048;

pub(super) fn audit(plan: &Plan<'_>, known: &mut Known<'_>, lines: &mut Lines) {
    let mut found = false;
    for selector in plan.selectors {
        let Some(question) = question(selector.as_str(), plan.domain, lines) else { continue };
        match known.records(&question) {
            None => {}
            Some(Answer::Found(records)) => {
                found = true;
                key(selector.as_str(), &texts(records), true, lines);
            }
            Some(Answer::Absent(_)) => lines.wrong(
                Topic::Dkim,
                format!("selector {selector}: no key is published at {}", question.name),
                "publish the record that `xd dkim keygen` printed",
            ),
            Some(Answer::Unknown(why)) => lines.unknown(Topic::Dkim, &question, *why),
        }
    }
    let (mut unknown, mut revoked): (Vec<(&str, Unknown)>, Vec<&str>) = (Vec::new(), Vec::new());
    let is_given = |selector: &str| plan.selectors.iter().any(|given| given.as_str() == selector);
    for selector in COMMON.into_iter().filter(|selector| !is_given(selector)) {
        let Ok(name) = Name::parse(&format!("{selector}._domainkey.{}", plan.domain)) else { continue };
        match known.records(&Question::new(name, RecordKind::Txt)) {
            // A wildcard revokes them all at once, to say that nothing is signed.
            Some(Answer::Found(records)) if is_revoked(&texts(records)) => revoked.push(selector),
            Some(Answer::Found(records)) => found |= key(selector, &texts(records), false, lines),
            Some(Answer::Unknown(why)) => unknown.push((selector, *why)),
            Some(Answer::Absent(_)) | None => {}
        }
    }
    if !revoked.is_empty() {
        found = true;
        lines.fine(Topic::Dkim, format!("revoked: selector {}", revoked.join(", ")));
    }
    if let Some((first, why)) = unknown.first() {
        let others = if unknown.len() > 1 { format!(" and {} other common ones", unknown.len() - 1) } else { String::new() };
        lines.unsaid(Topic::Dkim, format!("selector {first}{others}: whether a key is published is not known: {}", why.as_str()));
    } else if !found && plan.selectors.is_empty() {
        lines.warn(
            Topic::Dkim,
            "no key is published under a common selector; there may be others, which DNS does not list",
            "name your selectors: --selector NAME; without keys, make one: xd dkim keygen",
        );
    }
}

fn question(selector: &str, domain: &Name, lines: &mut Lines) -> Option<Question> {
    let name = Name::parse(&format!("{selector}._domainkey.{domain}"));
    match name {
        Ok(name) => Some(Question::new(name, RecordKind::Txt)),
        Err(error) => {
            lines.wrong(Topic::Dkim, format!("selector {selector}: {error}"), "choose a shorter one");
            None
        }
    }
}

fn texts(records: &[Record]) -> Vec<&[u8]> {
    records.iter().filter_map(|record| if let Record::Txt(text) = record { Some(&**text) } else { None }).collect()
}

fn is_revoked(texts: &[&[u8]]) -> bool {
    matches!(texts, [text] if PublishedKey::parse(text) == Err(Reason::KeyRevoked))
}

/// Says what the records under a selector are. Whether one is a key: under a selector that nobody gave, anything may stand.
fn key(selector: &str, texts: &[&[u8]], is_given: bool, lines: &mut Lines) -> bool {
    let keys: Vec<Result<PublishedKey, Reason>> = texts.iter().map(|text| PublishedKey::parse(text)).collect();
    let is_key =
        |key: &&Result<PublishedKey, Reason>| !matches!(key, Err(Reason::KeySyntax | Reason::Syntax | Reason::DuplicateTag));
    if !is_given && !keys.iter().any(|key| is_key(&key)) {
        return false;
    }
    if keys.len() > 1 {
        lines.wrong(
            Topic::Dkim,
            format!("selector {selector}: {} records; which of them counts is left to chance (RFC 6376 §3.6.2.2)", keys.len()),
            "leave one",
        );
    }
    for key in keys {
        match key {
            Ok(key) => usable(selector, key, lines),
            Err(Reason::KeyRevoked) => {
                lines.wrong(Topic::Dkim, format!("selector {selector}: the key is revoked"), "sign with another selector");
            }
            Err(reason) => lines.wrong(
                Topic::Dkim,
                format!("selector {selector}: no signature can use the record: {reason}"),
                "publish the record that `xd dkim keygen` printed",
            ),
        }
    }
    true
}

fn usable(selector: &str, key: PublishedKey, lines: &mut Lines) {
    let kind = match key.algorithm {
        Algorithm::Ed25519Sha256 => "Ed25519".to_owned(),
        Algorithm::RsaSha256 => format!("RSA with {} bits", key.bits),
    };
    let what = format!("selector {selector}: {kind}");
    match key.algorithm {
        Algorithm::RsaSha256 if key.bits < GOOD_BITS => {
            lines.warn(Topic::Dkim, format!("{what}, which is weak"), "change to a key with 2048 bits, under a new selector");
        }
        _ => lines.fine(Topic::Dkim, what),
    }
    if key.testing {
        lines.warn(
            Topic::Dkim,
            format!("selector {selector}: the record says that the domain is only trying (t=y)"),
            "remove the y from t=",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::audit::tests::{faults, lines};
    use super::super::report::Level::{Unknown, Warn, Wrong};

    /// RSA with 1024 bits, and Ed25519 (RFC 8463 appendix A).
    const RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
    const EDWARDS: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    #[test]
    fn keys_under_selectors() {
        let short = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2leFxfS/AVJ+dYfY+hXqMsT7l+MZvvh/R1WzN4MO/kI/7XsCAwEAAQ==";
        for (text, level, word) in [
            (format!("TXT v=DKIM1; p={RSA}"), Warn, "1024"),
            (format!("TXT v=DKIM1; t=y; k=ed25519; p={EDWARDS}"), Warn, "t=y"),
            ("TXT v=DKIM1; p=".to_owned(), Wrong, "revoked"),
            (format!("TXT v=DKIM1; p={short}"), Wrong, "512 bits"),
            ("TXT v=DKIM1; p=YQ==".to_owned(), Wrong, "makes no sense"),
            ("?".to_owned(), Unknown, "not known"),
            ("A 192.0.2.1".to_owned(), Wrong, "no key is published"),
        ] {
            let found = faults("DKIM", &format!("one._domainkey.example.com {text}"), &[], &["one"]);
            assert!(matches!(&found[..], [(found, what)] if *found == level && what.contains(word)), "{text}: {found:?}");
        }
        let good = format!("one._domainkey.example.com TXT k=ed25519; p={EDWARDS}");
        assert_eq!(faults("DKIM", &good, &[], &["one"]), []);
        let twice = format!("{good}\none._domainkey.example.com TXT v=DKIM1; k=ed25519; p={EDWARDS}");
        assert!(matches!(&faults("DKIM", &twice, &[], &["one"])[..], [(Wrong, what)] if what.contains("2 records")));
    }

    #[test]
    fn common_selectors_are_tried() {
        assert!(matches!(&faults("DKIM", "", &[], &[])[..], [(Warn, what)] if what.contains("common selector")));
        assert_eq!(faults("DKIM", "", &[], &["one"]).len(), 1);
        let zone = format!("s1._domainkey.example.com TXT k=ed25519; p={EDWARDS}\ns2._domainkey.example.com TXT p=");
        assert_eq!((lines("DKIM", &zone, &[], &[]).len(), faults("DKIM", &zone, &[], &[])), (2, vec![]));
        // A text of something else is no key.
        let other = "s1._domainkey.example.com TXT v=spf1 -all";
        assert!(matches!(&faults("DKIM", other, &[], &[])[..], [(Warn, _)]));
        // Nobody could say: then nothing is said of absence.
        let unknown = "s1._domainkey.example.com ?\ns2._domainkey.example.com ?";
        assert!(matches!(&faults("DKIM", unknown, &[], &[])[..], [(Unknown, what)] if what.contains("1 other")));
    }
}
