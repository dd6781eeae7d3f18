//! Names parse, and values are spelled as their targets say.

use proptest::prelude::*;

use super::*;
use crate::evidence::derive;
use crate::{Domain, ForwardPath, Limits, ReversePath};

#[test]
fn names_are_distinct_and_parse_to_themselves() {
    for (index, named) in NAMED.iter().enumerate() {
        assert_eq!(Target::parse(named.name), Some(Target::Named(index)), "{}", named.name);
    }
}

#[test]
fn header_targets_take_lower_case_names() {
    let target = Target::parse("header:x-mailer").unwrap();
    assert_eq!(target.to_string(), "header:x-mailer");
    assert_eq!(Target::parse("header:X-Mailer"), None);
    assert_eq!(Target::parse("header:"), None);
    assert_eq!(Target::parse("nonsense"), None);
}

/// A message in which a text stands wherever values come from.
fn with(text: &str) -> String {
    format!(
        "Received: from {text} ({text} [192.0.2.7]) by {text} for <{text}@example.com>; Sun, 22 Nov 2026 01:00:00 +0000\n\
         Subject: {text}\nFrom: {text} <{text}@{text}.Example>, \"{text}\"@EXAMPLE.com\nSender: {text} <a@{text}>\n\
         Reply-To: {text}@{text}.example\nTo: {text} <{text}@Example.org>\nCc: A@{text}\nX-{text}: {text}\n\
         Content-Type: multipart/mixed; boundary=b\n\n\
         --b\nContent-Type: TEXT/Html; charset=\"{text}\"\n\n<b>{text}</b><a href='HTTP://{text}.Example/{text}'>{text}</a>\n\
         <img src=\"https://[2001:DB8::1]/{text}\"><form action=\"//{text}.example\"></form>\n\
         --b\nContent-Type: {text}/X\nContent-Disposition: attachment; filename=\"{text}\"\n\n{text}\n--b--\n"
    )
}

proptest! {
    #[test]
    fn values_are_spelled_as_declared(text in "(\\PC|[ -~]|[Aa\u{fa}\u{130}\u{200b}\u{2019}\u{ff21}\u{1d400}\u{1}]){0,12}") {
        let raw = with(&text);
        let message = Message::parse(raw.as_bytes(), &Limits::default());
        let (mut envelope, mut evidence) = derive(&message);
        envelope.reverse_path = Known::Found(ReversePath::parse(&format!("<{text}@example.com>")));
        envelope.forward_paths = vec![ForwardPath::parse(&format!("<{text}@Example.com>"))];
        envelope.tls = Known::Found(text.clone());
        envelope.authenticated_identity = Known::Found(text.clone());
        evidence.antivirus = Known::Found(Antivirus::Infected(text.clone()));
        evidence.operator.names = vec![text.clone()];
        evidence.operator.domains = Domain::parse(&text).into_iter().collect();
        let scene = Scene { envelope: &envelope, message: &message, evidence: &evidence };
        for named in NAMED {
            for value in (named.values)(scene).found().into_iter().flatten().filter(|_| named.shape.is_normal()) {
                let lines: Vec<_> = value.split('\n').map(normalize).collect();
                prop_assert_eq!(&lines.join("\n"), value.as_ref(), "{}", named.name);
                prop_assert!(named.shape.is_text() || lines.len() == 1, "{}", named.name);
                match named.shape {
                    Shape::Address => prop_assert!(value.parse::<std::net::IpAddr>().is_ok()),
                    Shape::Host => {
                        let address = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).unwrap_or(value);
                        let domain = Domain::parse(value).is_ok_and(|domain| domain.as_str() == value.as_ref());
                        prop_assert!(domain || address.parse::<std::net::IpAddr>().is_ok(), "{}: {}", named.name, value);
                    }
                    _ => {}
                }
            }
        }
    }
}
