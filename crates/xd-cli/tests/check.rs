//! `xd check` against a name server on loopback: what it says, how it ends, and that what failed is never told as absent.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

#[path = "../../xd-lookup/tests/support/mod.rs"]
#[allow(unreachable_pub, reason = "made for test programs of another crate")]
mod name_server;
mod support;

use hickory_resolver::proto::op::ResponseCode;
use name_server::{Manner, Server, Zone};
use support::{Place, Run};
use tokio::runtime::Runtime;

/// A domain of which all is in order.
const GOOD: [&str; 12] = [
    "example.com TXT v=spf1 ip4:192.0.2.0/28 include:relay.example.net -all",
    "example.com MX 10 mail.example.com",
    "mail.example.com A 192.0.2.1",
    "1.2.0.192.in-addr.arpa PTR mail.example.com",
    "2.2.0.192.in-addr.arpa PTR out.example.com",
    "out.example.com A 192.0.2.2",
    "relay.example.net TXT v=spf1 a:out.relay.example.net -all",
    "out.relay.example.net A 198.51.100.9",
    "out.relay.example.net AAAA 2001:db8::9",
    "_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:d@example.com",
    "one._domainkey.example.com TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "_25._tcp.mail.example.com TLSA 3 1 1 7",
];

/// Runs a command with a name server that knows a zone.
fn run(test: &str, zone: Zone, arguments: &str) -> Run {
    let place = Place::new(test);
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(zone));
    place.run(&format!("{arguments} --dns {}", server.address))
}

#[test]
fn a_domain_in_order_has_only_what_may_be_left_out() {
    let zone = Zone::new().with(&GOOD).with(&["_smtp._tls.example.com TXT v=TLSRPTv1; rua=mailto:t@example.com"]);
    let run =
        run("a_domain_in_order", zone, "check domain example.com --pool 192.0.2.1 --pool 192.0.2.2 --selector one --format json");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let report = &run.json()[0];
    assert_eq!((&report["domain"], &report["worst"]), (&"example.com".into(), &"fine".into()), "{report:#}");
    let topics = ["SPF", "DKIM", "DMARC", "MTA-STS", "TLS-RPT", "MX", "DANE", "PTR"];
    let lines = report["lines"].as_array().unwrap();
    assert!(topics.iter().all(|topic| lines.iter().any(|line| line["topic"] == *topic)), "{report:#}");
}

#[test]
fn an_address_that_spf_leaves_out_is_named() {
    let arguments = "check domain example.com --pool 192.0.2.2 --pool 203.0.113.7 --selector one";
    let run = run("an_address_that_spf_leaves_out", Zone::new().with(&GOOD), arguments);
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""), "{}", run.out);
    assert!(run.out.contains("wrong    203.0.113.7: fail, -all in the record of example.com matches"), "{}", run.out);
    assert!(run.out.contains("→ add ip4:203.0.113.7 to the record before all"), "{}", run.out);
    assert!(run.out.contains("wrong    203.0.113.7 has no name"), "{}", run.out);
}

#[test]
fn what_failed_is_not_absent() {
    let arguments = "check domain example.com --format json";
    for (test, name, topic) in [
        ("spf_failed", "example.com", "SPF"),
        ("dmarc_failed", "_dmarc.example.com", "DMARC"),
        ("dkim_failed", "s1._domainkey.example.com", "DKIM"),
        ("sts_failed", "_mta-sts.example.com", "MTA-STS"),
        ("dane_failed", "_25._tcp.mail.example.com", "DANE"),
    ] {
        let zone = Zone::new().with(&GOOD).manner(name, Manner::Code(ResponseCode::ServFail));
        let run = run(test, zone, arguments);
        let report = &run.json()[0];
        let lines: Vec<_> = report["lines"].as_array().unwrap().iter().filter(|line| line["topic"] == topic).collect();
        assert!(lines.iter().any(|line| line["level"] == "unknown"), "{report:#}");
        let others = lines.iter().filter(|line| line["level"] != "unknown");
        assert!(others.map(|line| line["what"].as_str().unwrap()).all(|what| !what.contains("publish")), "{report:#}");
        assert_eq!(run.code, Some(2), "{report:#}");
    }
}

#[test]
fn nobody_asked_means_nothing_known() {
    let place = Place::new("nobody_asked");
    place.write("xd.toml", "dns = \"off\"\n");
    let run = place.run("check domain example.com --config xd.toml");
    assert_eq!(run.code, Some(2), "{}", run.out);
    assert!(run.out.contains("not-asked") && !run.out.contains("wrong  "), "{}", run.out);
}

#[test]
fn a_sender_is_explained_step_by_step() {
    let arguments = "check sender --ip 198.51.100.9 --helo out.relay.example.net --mail-from ann@example.com";
    let run = run("a_sender_is_explained", Zone::new().with(&GOOD), arguments);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    for expected in [
        "none is published",
        "SPF of the reverse-path ann@example.com",
        "pass  include:relay.example.net in the record of example.com matches",
        "lookups 2 of 10, void ones 0 of 2",
        "    record of example.com\n      include:relay.example.net leads on\n",
        "      record of relay.example.net\n        a:out.relay.example.net matches\n",
        "    out.relay.example.net A: 198.51.100.9\n",
        "SPF of the EHLO domain out.relay.example.net",
        "none  the domain publishes no record",
    ] {
        assert!(run.out.contains(expected), "{expected}\n{}", run.out);
    }
}

#[test]
fn a_sender_as_json() {
    let arguments = "check sender --ip 192.0.2.2 --helo out.example.com --mail-from <> --format json";
    let run = run("a_sender_as_json", Zone::new().with(&GOOD), arguments);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let report = &run.json()[0];
    assert_eq!((&report["reverse"]["state"], &report["reverse"]["confirmed"]), (&"found".into(), &"out.example.com".into()));
    let spf = report["spf"].as_array().unwrap();
    assert_eq!((spf.len(), &spf[0]["identity"], &spf[0]["result"]), (1, &"helo".into(), &"none".into()));
    assert_eq!(spf[0]["questions"][0]["why"], "records");
}

#[test]
fn a_sender_of_whom_nothing_is_known() {
    let zone = Zone::new()
        .with(&GOOD)
        .manner("example.com", Manner::Code(ResponseCode::ServFail))
        .manner("2.2.0.192.in-addr.arpa", Manner::Code(ResponseCode::Refused));
    let run =
        run("a_sender_of_whom_nothing_is_known", zone, "check sender --ip 192.0.2.2 --mail-from ann@example.com --format json");
    assert_eq!(run.code, Some(0));
    let report = &run.json()[0];
    assert_eq!((&report["reverse"]["state"], &report["reverse"]["why"]), (&"unknown".into(), &"refused".into()));
    assert_eq!(report["spf"][0]["result"], "temperror");
    assert_eq!(
        (&report["spf"][0]["questions"][0]["state"], &report["spf"][0]["questions"][0]["why"]),
        (&"unknown".into(), &"server-failure".into())
    );
}

#[test]
fn what_dns_says_drives_no_terminal() {
    let zone = || {
        Zone::new().with(&[
            "example.com TXT v=spf1 \u{1b}[31m\u{202e} -all",
            "7.2.0.192.in-addr.arpa PTR out.example.com",
            "_dmarc.example.com TXT v=DMARC1; p=none; \u{1b}]0;x\u{7}=y",
        ])
    };
    for (test, arguments) in [
        ("terminal_sender", "check sender --ip 192.0.2.7 --mail-from ann@example.com"),
        ("terminal_sender_json", "check sender --ip 192.0.2.7 --mail-from ann@example.com --format json"),
        ("terminal_domain", "check domain example.com"),
        ("terminal_domain_json", "check domain example.com --format json"),
    ] {
        let run = run(test, zone(), arguments);
        assert!(!run.out.is_empty() && !run.out.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{}", run.out);
    }
}

#[test]
fn what_is_wrong_with_the_command_line() {
    let place = Place::new("what_is_wrong_with_the_command_line");
    for arguments in [
        "check sender",
        "check sender --ip mail.example.com",
        "check sender --ip 192.0.2.1 --mail-from <>",
        "check sender --ip 192.0.2.1 --dns ns.example.com",
        "check sender --ip 192.0.2.1 --config gone.toml",
        "check domain",
        "check domain com",
        "check domain example.com --pool 192.0.2.1/24",
        "check domain example.com --selector a;b",
    ] {
        let run = place.run(&format!("{arguments} --dns 127.0.0.1:1"));
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments}");
    }
}
