//! Made-up worlds: what DNS answers about one message, each answer drawn by a hash of seed, message and question.
//!
//! The same question has the same answer however often and in whatever order it is asked, so that two ways of asking can be compared.

use std::net::Ipv4Addr;

use sha2::{Digest, Sha256};
use xd_auth::{Absence, Answer, Name, Question, Record, RecordKind, Unknown};

use crate::report::Shortfall;

/// A public key that is well formed; whether signatures are its own is drawn.
const KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAolI07v75MbvvAJlsOoy8rNIK+YQu+49yCoUU6w4vJBYgv5Xq+i5DLoruHnZbktj/DKBYo/BaDBR6FUjgQrhNHUjOpNdLzmSaxNbn+uD11n3cEikYRpmmxAyCmO4mzqcK9WQb6bjet6/X9jCmBWng1Zogo8lg7Xt29j9s8b5oFL5OSsVamU19PAKVK7mbTvYVKJICwvI+SEwX3dBGs4qkCYLCbsuHxtJrvG4Ihws+b0PxhancCopXdXNxnFl/xtYmKWTpzsE5KmTNmOKupD6qkw176bXDY5J8eCK+VAlIvakMR4+CbPL06ay5+TL1VA0E+s9FHlynbXcijUYME9DycQIDAQAB";
const ALL: u64 = 10_000;
const HOST: &str = "out.example.net";
const LISTS: &str = ".example.net";

/// How often what is answered, in parts of ten thousand.
#[derive(Clone, Debug)]
pub(super) struct Rates(toml::Table);

impl Rates {
    /// Those of a kind of message, "ham" or "spam".
    pub(super) fn read(text: &str, kind: &str) -> Result<Self, Shortfall> {
        let table: toml::Table = text.parse().map_err(|error| Shortfall::Failed(format!("rates.toml: {error}")))?;
        let rates = table.get(kind).and_then(toml::Value::as_table);
        rates.cloned().map(Self).ok_or_else(|| Shortfall::Failed(format!("rates.toml says nothing of {kind}")))
    }

    fn of(&self, name: &str) -> u64 {
        self.0.get(name).and_then(toml::Value::as_integer).and_then(|rate| rate.try_into().ok()).unwrap_or_default()
    }
}

/// What DNS answers about one message.
#[derive(Debug)]
pub(super) struct World<'a> {
    pub(super) rates: &'a Rates,
    /// All rates are taken so many halves.
    pub(super) halves: u64,
    /// Seed and message.
    pub(super) seed: &'a str,
}

impl World<'_> {
    /// The client, of the addresses for documentation.
    pub(super) fn client(&self) -> Ipv4Addr {
        Ipv4Addr::new(198, 51, 100, u8::try_from(self.hash("client") % 250 + 1).unwrap_or(1))
    }

    /// Whether the record is replayed, which takes longer than judging: one in eight at the stated rates.
    pub(super) fn is_replayed(&self) -> bool {
        self.halves == 2 && self.hash("replayed").is_multiple_of(8)
    }

    pub(super) fn host() -> &'static str {
        HOST
    }

    pub(super) fn answer(&self, question: &Question) -> Answer<Record> {
        let name = question.name.as_str();
        let asked = format!("{name} {:?}", question.kind);
        if self.draw(&format!("unanswered {asked}"), &["unanswered"]).is_some() {
            let is_silent = self.hash(&format!("how {asked}")).is_multiple_of(2);
            return Answer::Unknown(if is_silent { Unknown::Timeout } else { Unknown::ServerFailure });
        }
        let address = |address| Answer::Found(vec![Record::A(address)]);
        let text = |text: String| Answer::Found(vec![Record::Txt(text.into_bytes().into())]);
        match question.kind {
            RecordKind::Ptr => match (self.draw(&asked, &["no_name"]), Name::parse(HOST)) {
                (None, Ok(host)) => Answer::Found(vec![Record::Ptr(host)]),
                _ => Answer::Absent(Absence::Name),
            },
            RecordKind::A if name == HOST => match self.draw(&asked, &["unconfirmed"]) {
                None => address(self.client()),
                Some(_) => address(Ipv4Addr::new(203, 0, 113, 1)),
            },
            RecordKind::A if name.ends_with(LISTS) => {
                let rate = if name.ends_with(".welcome.example.net") { "welcome" } else { "listed" };
                match self.draw(&asked, &[rate]) {
                    Some(_) => address(Ipv4Addr::new(127, 0, 0, 2)),
                    None => Answer::Absent(Absence::Name),
                }
            }
            RecordKind::Txt if name.starts_with("_dmarc.") => {
                let policy = self.draw(&asked, &["dmarc_none", "dmarc_quarantine", "dmarc_reject"]);
                match policy.filter(|_| question.name.labels() > 2).and_then(|policy| policy.strip_prefix("dmarc_")) {
                    Some(policy) => text(format!("v=DMARC1; p={policy}")),
                    None => Answer::Absent(Absence::Name),
                }
            }
            RecordKind::Txt if name.contains("._domainkey.") => text(format!("v=DKIM1; k=rsa; p={KEY}")),
            RecordKind::Txt => self.spf(name).map_or(Answer::Absent(Absence::Records), text),
            _ => Answer::Absent(Absence::Name),
        }
    }

    /// Whether a signature holds.
    pub(super) fn holds(&self, signature: &[u8]) -> bool {
        self.draw(&format!("signature {signature:?}"), &["signature_broken"]).is_none()
    }

    /// Half of the domains have their networks in a record of their own, as providers do it.
    fn spf(&self, name: &str) -> Option<String> {
        let domain = name.strip_prefix("_spf.").unwrap_or(name);
        let result = self.draw(&format!("spf {domain}"), &["spf_none", "spf_neutral", "spf_softfail", "spf_fail"]);
        let (address, rest) = match result {
            None => (self.client(), "-all"),
            Some("spf_none") => return None,
            Some("spf_neutral") => (Ipv4Addr::new(203, 0, 113, 1), "?all"),
            Some("spf_softfail") => (Ipv4Addr::new(203, 0, 113, 1), "~all"),
            Some(_) => (Ipv4Addr::new(203, 0, 113, 1), "-all"),
        };
        let includes = domain == name && self.hash(&format!("include {domain}")).is_multiple_of(2);
        Some(if includes { format!("v=spf1 include:_spf.{domain} {rest}") } else { format!("v=spf1 ip4:{address} {rest}") })
    }

    /// Which of these is drawn; none for the rest.
    fn draw<'n>(&self, what: &str, of: &[&'n str]) -> Option<&'n str> {
        let mut drawn = self.hash(what) % ALL;
        of.iter().copied().find(|name| {
            let rate = self.rates.of(name) * self.halves / 2;
            let is_drawn = drawn < rate;
            drawn = drawn.saturating_sub(rate);
            is_drawn
        })
    }

    fn hash(&self, what: &str) -> u64 {
        let digest = Sha256::digest(format!("{}\n{what}", self.seed));
        digest.iter().take(8).fold(0, |hash, &octet| hash << 8 | u64::from(octet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_stays_and_rates_hold() {
        let rates = Rates::read("[spam]\nlisted = 2500", "spam").unwrap();
        let listed = |halves: u64| {
            (0..1_000)
                .filter(|number| {
                    let seed = number.to_string();
                    let world = World { rates: &rates, halves, seed: &seed };
                    let name = Name::parse("7.2.0.192.block.example.net").unwrap();
                    let question = Question::new(name, RecordKind::A);
                    assert_eq!(world.answer(&question), world.answer(&question));
                    matches!(world.answer(&question), Answer::Found(_))
                })
                .count()
        };
        assert!((200..300).contains(&listed(2)), "{}", listed(2));
        assert!((80..170).contains(&listed(1)), "{}", listed(1));
        assert_eq!(listed(8), 1_000);
    }
}
