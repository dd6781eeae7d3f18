use std::time::Duration;

use xd_core::evidence::{Operator, Settings};
use xd_core::routing::Action;
use xd_core::{Engine, Score};

use super::*;
use crate::{Dns, NextHop, Protocol, Ptr, TlsPolicy};

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(RuleSource::new("xd.toml", text)).map_err(|error| error.to_string())
}

fn settings(text: &str) -> Result<Settings, String> {
    let rules = "family = \"t\"\n\
        [[rule]]\nid = \"one\"\nscore = \"1.00\"\nwhy = \"one\"\nwhen = { in = \"subject\", words = [\"one\"] }\n\
        [[rule]]\nid = \"two\"\nscore = \"2.00\"\nwhy = \"two\"\nwhen = { in = \"subject\", words = [\"two\"] }\n";
    let engine = Engine::compile(vec![RuleSource::new("rules.toml", rules)]).unwrap();
    parse(text)?.settings(&engine).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(text: &str, place: &str, words: &str) {
    let message = settings(text).unwrap_err();
    assert!(message.starts_with(&format!("xd.toml:{place}: ")), "{message}");
    assert!(message.contains(words), "{message}");
}

fn is_trusted(config: &Config, client: &str) -> bool {
    let client = client.parse().unwrap();
    config.trusted().iter().any(|network| network.contains(client))
}

const GATEWAY: &str = r#"
data = "/var/lib/xd"
hostname = "mx1.example.net"
admin = "127.0.0.1:8025"
dns = ["127.0.0.1:5353"]
trusted = ["10.0.0.0/8", "2001:db8::/32"]
actions = { surespam = "quarantine", infected = "reject" }
subject_tag = true
quarantine_keep = "14d"

[[listener]]
protocol = "smtp"
address = "127.0.0.1:2530"
xclient_from = ["127.0.0.1"]

[[domain]]
name = "Example.COM"
recipients = ["Alice", "bob"]
next_hop = ["127.0.0.1:2730", "127.0.0.1:2731"]
greeting_timeout = "120s"

[[domain]]
name = "example.org"
recipients = "any"
next_hop = ["lmtp:[::1]:24"]

[[route]]
domain = "partner.example"
tls = "verified"

[[route]]
domain = "*"
next_hop = ["relay.example.net:25"]

[[client]]
networks = ["192.0.2.7"]
etrn = ["example.com"]

[limits]
recipients = 100

[delivery]
retry = "10m"
expire = "2d"

[archive]
next_hop = "maildir:/var/archive"
"#;

#[test]
fn nothing_configured_is_the_default() {
    assert_eq!(settings("").unwrap(), Settings::default());
    let config = parse("").unwrap();
    assert_eq!(config.operator(), Operator::default());
    assert_eq!(config.message_bytes(), 64 << 20);
    assert_eq!(config.delivery().unwrap().expire, Duration::from_secs(7 * 86_400));
    assert_eq!(config.actions().surespam, Action::Tag);
    assert_eq!(config.control().to_str(), Some("xd-data/control.sock"));
    assert!(is_trusted(&config, "127.0.0.1") && is_trusted(&config, "::1") && !is_trusted(&config, "10.0.0.1"));
}

#[test]
fn a_gateway_is_read_whole() {
    let config = parse(GATEWAY).unwrap();
    assert_eq!((config.hostname(), config.brand()), (Some("mx1.example.net"), Some("mx1.example.net")));
    assert_eq!(*config.dns(), Dns::Servers(vec!["127.0.0.1:5353".parse().unwrap()]));
    assert!(is_trusted(&config, "10.1.2.3") && !is_trusted(&config, "127.0.0.1"));
    assert_eq!((config.actions().spam, config.actions().surespam), (Action::Tag, Action::Quarantine));
    let listener = config.listeners().next().unwrap();
    assert!(listener.protocol == Protocol::Smtp && listener.scan && listener.xclient_from.len() == 1);
    let domain = config.domain("EXAMPLE.com").unwrap();
    assert!(domain.recipients.contain("aLICE") && domain.recipients.contain("Postmaster") && !domain.recipients.contain("eve"));
    assert_eq!(config.route("example.com").greeting_timeout, Some(Duration::from_secs(120)));
    assert_eq!(config.route("example.org").next_hops[0].to_string(), "lmtp:[::1]:24");
    assert_eq!(
        (config.route("partner.example").tls, &config.route("partner.example").next_hops[0]),
        (TlsPolicy::Verified, &NextHop::Mx)
    );
    assert_eq!(config.route("else.example").next_hops[0].to_string(), "relay.example.net:25");
    assert_eq!(config.clients().next().unwrap().etrn, ["example.com"]);
    assert_eq!(config.limits().recipients, 100);
    assert_eq!(config.delivery().unwrap().retry, Duration::from_secs(600));
    assert_eq!(config.archive().unwrap().next_hop.to_string(), "maildir:/var/archive");
}

#[test]
fn one_threshold_alone_leaves_the_other() {
    let settings = settings("thresholds = { spam = \"6\" }").unwrap();
    assert_eq!(settings.thresholds.spam(), Score::from_hundredths(600));
    assert_eq!(settings.thresholds.surespam(), Score::from_hundredths(1000));
}

#[test]
fn judging_is_set_by_the_same_file() {
    let text = "brand = \"Acme\"\nhostname = \"mx1.acme.example\"\nthresholds = { spam = \"4.00\", surespam = \"8.00\" }\n\
         [limits]\nmessage_bytes = 1000\n[rules]\ndisable = [\"one\"]\n[rules.scores]\n\"two\" = \"-1.50\"\n\
         [operator]\nnames = [\"Acme Mail\"]\ndomains = [\"ACME.example.\"]\n";
    assert_eq!(parse(text).unwrap().message_bytes(), 1000);
    let settings = settings(text).unwrap();
    assert!(settings.disabled.contains("one"));
    assert_eq!(settings.scores["two"], Score::from_hundredths(-150));
    let operator = parse(text).unwrap().operator();
    assert_eq!(operator.names, ["Acme", "Acme Mail"]);
    assert_eq!(operator.domains, [Domain::parse("acme.example").unwrap()]);
}

#[test]
fn unknown_keys_are_refused_with_their_place() {
    refused("brand = \"\"\ntreshold = 1\n", "2:1", "unknown field `treshold`");
    refused("[limits]\n  bytes = 1\n", "2:3", "expected one of");
    refused(&GATEWAY.replace("xclient_from", "xclient_form"), "14:1", "unknown field `xclient_form`");
}

#[test]
fn wrong_values_are_refused_with_their_place() {
    refused("thresholds = { spam = \"5.001\" }", "1:23", "at most two decimals");
    refused("thresholds = { spam = 5.0 }", "1:23", "expected a string");
    refused("\nthresholds = { spam = \"10.00\" }", "2:14", "must be below");
    refused("hostname = \"a b\"", "1:12", "is no domain");
    refused("[limits]\nmessage_bytes = 0", "2:17", "expected 1 to");
    refused("[limits]\nmessage_bytes = 1073741825", "2:17", "expected 1 to");
    refused("[limits]\nrecipients = 99", "2:14", "expected 100 to");
    refused("trusted = [\"10.0.0.1/8\"]", "1:11", "bits are set");
    refused("dns = \"of\"", "1:7", "expected \"system\"");
    refused("actions = { spam = \"tagg\" }", "1:20", "expected deliver, tag");
    refused("brand = ", "1:9", "");
}

#[test]
fn contradictions_are_refused_with_their_place() {
    refused(&GATEWAY.replace("example.org", "example.com"), "23:8", "a second time");
    refused(&GATEWAY.replace("partner.example", "example.com"), "28:10", "has its route in its [[domain]]");
    refused(&GATEWAY.replace("[\"lmtp:[::1]:24\"]", "[]"), "25:12", "at least one next hop");
    refused(&GATEWAY.replace("[\"lmtp:[::1]:24\"]", "[\"mx\", \"127.0.0.1:25\"]"), "25:12", "stand alone");
    refused(&GATEWAY.replace("hostname", "#"), "11:1", "set hostname");
    refused(&GATEWAY.replace("\"smtp\"", "\"smtps\""), "11:1", "add [tls]");
    refused("[limits]\ncontent_memory_bytes = 2000000", "2:24", "must hold a message");
    refused(&GATEWAY.replace("maildir:/var/archive", "mx"), "47:12", "an archive needs a place");
}

#[test]
fn what_would_open_the_gateway_to_everybody_is_refused() {
    let more = |table: &str| format!("{GATEWAY}\n{table}");
    refused("trusted = [\"10.0.0.0/8\", \"0.0.0.0/0\"]", "1:26", "name your own networks");
    refused("trusted = [\"::/0\"]", "1:12", "name your own networks");
    refused(&GATEWAY.replace("xclient_from = [\"127.0.0.1\"]", "xclient_from = [\"0.0.0.0/0\"]"), "14:17", "name the peers");
    refused(&GATEWAY.replace("xclient_from = [\"127.0.0.1\"]", "proxy_from = [\"::/0\"]"), "14:15", "name the proxies");
    refused(&more("[[client]]\nnetworks = [\"0.0.0.0/0\"]\nrelay = true"), "50:13", "name the networks that may");
    // Whoever calls for waiting mail gets none of it.
    assert!(parse(&more("[[client]]\nnetworks = [\"0.0.0.0/0\"]\netrn = [\"example.com\"]")).is_ok());
}

#[test]
fn what_says_nothing_is_refused() {
    let more = |table: &str| format!("{GATEWAY}\n{table}");
    refused(&more("[[client]]\nnetworks = []\nrelay = true"), "50:12", "at least one network");
    refused(&more("[[client]]\nnetworks = [\"192.0.2.1\"]"), "49:1", "set relay or etrn");
    refused(&GATEWAY.replace("etrn = [\"example.com\"]", "etrn = [\"else.example\"]"), "37:9", "add a [[domain]]");
    assert!(parse(&GATEWAY.replace("etrn = [\"example.com\"]", "etrn = [\"partner.example\"]")).is_ok());
    refused(&more("[auth]\nfile = \"passwords\""), "49:1", "protocol submission or smtps");
    assert!(parse("[auth]\nfile = \"passwords\"").is_ok(), "a file for judging alone");
    refused("[limits]\ncommands = 9", "2:12", "expected 10 to");
    refused("trusted = [\"::ffff:10.0.0.0/104\"]", "1:11", "written as such");
}

#[test]
fn what_defeats_itself_is_refused() {
    refused(&GATEWAY.replace("admin = \"127.0.0.1:8025\"", "admin = \"127.0.0.1:2530\""), "4:9", "has this address");
    refused(&GATEWAY.replace("expire = \"2d\"", "expire = \"9m\""), "44:10", "before it is tried again");
    assert!(parse("[delivery]\nexpire = \"1m\"").is_ok(), "one attempt alone is a way too");
    refused(&GATEWAY.replace("127.0.0.1:2731", "127.0.0.1:2530"), "19:12", "mail would come back");
    refused(&GATEWAY.replace("relay.example.net:25", "127.0.0.1:2530"), "33:12", "mail would come back");
}

#[test]
fn unknown_rules_are_refused_with_their_place() {
    refused("[rules]\ndisable = [\"no-such-rule\"]", "2:12", "there is no rule \"no-such-rule\"");
    refused("[rules.scores]\n\"no-such-rule\" = \"1.00\"", "2:1", "there is no rule");
}

#[test]
fn names_of_clients_are_scored_unless_set() {
    assert_eq!(parse("").unwrap().ptr(), Ptr::Score);
    for (text, ptr) in [("off", Ptr::Off), ("score", Ptr::Score), ("defer", Ptr::Defer)] {
        assert_eq!(parse(&format!("ptr = \"{text}\"")).unwrap().ptr(), ptr);
    }
    assert!(parse("ptr = \"reject\"").unwrap_err().contains("unknown variant `reject`"));
}
