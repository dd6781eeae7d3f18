//! Lookups in rounds: what is worth asking, most decisive first, and what the answers mean.
//!
//! No I/O: an [`Inquiry`] is a check like those of `xd-auth`. While something that may matter is not known it says what to ask; whoever
//! runs it asks a resolver, a recording, or a test table, and runs it again with the answers. It ends when nothing more can be learned,
//! when the caller says that enough is known, or when time is up and the rest is answered as unknown.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use xd_auth::{Answer, Answers, Name, Progress, Question, Record, RecordKind, Wanted};

use super::senders::SenderCheck;
use super::{Evidence, Listing, Senders};
use crate::capsule::{Capsule, Recording, record, worth_keeping};
use crate::judge::judgement;
use crate::rules::{Observation, OpenQuestion, Outcome, Scene};
use crate::{Domain, Engine, Envelope, Host, Judgement, Known, Message, Score, Unknown};

/// Questions that are asked at the same time where others may be spared: with more, less is spared; with fewer, a message waits longer.
const AT_ONCE: usize = 4;
/// Reverse names of one address that are confirmed; RFC 7208 §4.6.4 takes as many.
const MAX_REVERSE_NAMES: usize = 10;

/// The lookups for one message.
///
/// # Example: a round with a table for a resolver
/// ```
/// use xd_auth::{Absence, Answer, Answers, Progress, Wanted};
/// use xd_core::evidence::Inquiry;
/// use xd_core::{Engine, Envelope, Evidence, Known, Limits, Message, RuleSource};
///
/// let rule = "family = 'host'\n[[rule]]\nid = 'no-reverse-name'\nscore = '1.00'\nwhy = 'the host has no name'\n\
///     when = { in = 'evidence.reverse_name', present = false }";
/// let engine = Engine::compile(vec![RuleSource::new("host.toml", rule)])?;
/// let envelope = Envelope { client_address: Known::Found("192.0.2.7".parse().unwrap()), ..Envelope::default() };
/// let message = Message::parse(b"", &Limits::default());
/// let mut inquiry = Inquiry::new(&engine, &envelope, &message, Evidence::default());
///
/// let mut answers = Answers::default();
/// let evidence = loop {
///     match inquiry.progress(&answers) {
///         Progress::Done(evidence) => break evidence,
///         Progress::Wants(wanted) => for wanted in wanted {
///             let Wanted::Records(question) = wanted else { continue };
///             assert_eq!(question.name.as_str(), "7.2.0.192.in-addr.arpa");
///             answers.put(question, Answer::Absent(Absence::Name));
///         },
///     }
/// };
/// assert_eq!(evidence.reverse_names, Known::Absent);
/// assert_eq!(inquiry.judge(&evidence).verdict().score.to_string(), "1.00");
/// # Ok::<(), xd_core::RuleErrors>(())
/// ```
#[derive(Debug)]
pub struct Inquiry<'e, 'a> {
    engine: &'e Engine,
    envelope: &'a Envelope,
    message: &'a Message<'a>,
    given: Evidence,
    senders: Senders,
    asks_all_senders: bool,
    asks_names: bool,
    /// What the tests answered at first, which most of them will at last.
    first: Option<Vec<Outcome>>,
    /// The entries of lists that were asked for, by what was asked.
    listings: BTreeMap<Question, Listing>,
    model: Option<Score>,
    spared: usize,
}

impl<'e, 'a> Inquiry<'e, 'a> {
    /// An inquiry that starts from the evidence there is.
    #[must_use]
    pub fn new(engine: &'e Engine, envelope: &'a Envelope, message: &'a Message<'a>, evidence: Evidence) -> Self {
        let given = evidence.with_shown_by(message).into_owned();
        let senders = Senders::of(envelope, message, &given);
        let model = engine.model_points(message);
        let listings = BTreeMap::new();
        Self {
            engine,
            envelope,
            message,
            given,
            senders,
            asks_all_senders: false,
            asks_names: true,
            first: None,
            listings,
            model,
            spared: 0,
        }
    }

    /// Also asks who sent the message where no rule does, after everything that rules ask.
    #[must_use]
    pub fn with_all_senders(mut self) -> Self {
        self.asks_all_senders = true;
        self
    }

    /// Asks for no names of the client.
    #[must_use]
    pub fn without_names(mut self) -> Self {
        self.asks_names = false;
        self
    }

    /// The evidence, or what to ask for it: what rules that are still open want, those with most points at stake first.
    pub fn progress(&mut self, answers: &Answers) -> Progress<Evidence> {
        self.step(answers, usize::MAX, |_| false)
    }

    /// The same, but ends as soon as `is_settled` says of a judgement that none of what is still open matters. What was not asked then
    /// is [`Unknown::NotNeeded`]. A few questions are asked at a time, since what they find out may spare the others.
    pub fn progress_until(&mut self, answers: &Answers, is_settled: impl FnMut(&Judgement<'_>) -> bool) -> Progress<Evidence> {
        self.step(answers, AT_ONCE, is_settled)
    }

    fn step(
        &mut self,
        answers: &Answers,
        at_once: usize,
        mut is_settled: impl FnMut(&Judgement<'_>) -> bool,
    ) -> Progress<Evidence> {
        loop {
            let mut evidence = self.evidence(answers);
            let (engine, known) = (self.engine, self.listings.len());
            let (wanted, is_over) = {
                let scene = Scene { envelope: self.envelope, message: self.message, evidence: &evidence };
                let seen = observed(engine, scene, self.first.as_deref());
                if self.first.is_none() {
                    self.first = Some(seen.outcomes.clone());
                }
                let wanted = self.wanted(&seen, &evidence, answers, at_once != usize::MAX);
                let is_over = !wanted.is_empty() && is_settled(&judgement(engine, scene, &seen, self.model));
                (wanted, is_over)
            };
            if is_over {
                self.spared = wanted.len();
                not_needed(&mut evidence);
                return Progress::Done(self.kept(evidence, answers));
            }
            if !wanted.is_empty() {
                return Progress::Wants(wanted.into_iter().take(at_once).collect());
            }
            // Entries of lists that are asked for only now may have been answered before.
            if self.listings.len() == known {
                return Progress::Done(self.kept(evidence, answers));
            }
        }
    }

    /// How many questions were spared, at least: those that were next when enough was known.
    #[must_use]
    pub fn spared(&self) -> usize {
        self.spared
    }

    /// What the checks of who sent the message come to, as far as these answers tell.
    #[must_use]
    pub fn sender_results(&self, answers: &Answers) -> super::SenderResults {
        self.senders.results(answers)
    }

    /// Judges the message with what the inquiry came to: the same as [`judge`](crate::judge), without looking again at what has not
    /// changed.
    #[must_use]
    pub fn judge(&self, evidence: &Evidence) -> Judgement<'e> {
        let scene = Scene { envelope: self.envelope, message: self.message, evidence };
        judgement(self.engine, scene, &observed(self.engine, scene, self.first.as_deref()), self.model)
    }

    /// The same, with the record of the cause; the hash is that of the message's bytes.
    #[must_use]
    pub fn judge_recorded(&self, evidence: &Evidence, sha256: [u8; 32], recording: &Recording) -> (Judgement<'e>, Capsule) {
        let scene = Scene { envelope: self.envelope, message: self.message, evidence };
        let seen = observed(self.engine, scene, self.first.as_deref());
        let judgement = judgement(self.engine, scene, &seen, self.model);
        let capsule = record(self.engine, scene, (&seen, self.model), judgement.verdicts(), sha256, recording);
        (judgement, capsule)
    }

    /// With the answers that it follows from.
    fn kept(&self, evidence: Evidence, answers: &Answers) -> Evidence {
        worth_keeping(self.envelope, self.message, evidence, answers, |question| self.listings.contains_key(question))
    }

    /// The evidence given, with what these answers settle.
    fn evidence(&self, answers: &Answers) -> Evidence {
        let mut evidence = self.given.clone();
        if let Some(client) = self.envelope.client_address.found().filter(|_| evidence.confirmed_name.is_unknown()) {
            fill_names(*client, answers, &mut evidence);
        }
        if evidence.spf.is_unknown() || evidence.dkim.is_unknown() || evidence.dmarc.is_unknown() || evidence.arc.is_unknown() {
            self.senders.fill(answers, &mut evidence);
        }
        for (question, listing) in &self.listings {
            if let Some(answer) = answers.records(question) {
                evidence.listings.entry(listing.clone()).or_insert_with(|| listed(answer));
            }
        }
        evidence
    }

    fn wanted(&mut self, seen: &Observation<'_>, evidence: &Evidence, answers: &Answers, sparing: bool) -> Vec<Wanted> {
        let mut wanted: Vec<(Score, usize, Wanted)> = Vec::new();
        let mut listings = Vec::new();
        let mut add = |stake: Score, one: Wanted| {
            let is_answered = matches!(&one, Wanted::Records(question) if answers.records(question).is_some());
            let order = wanted.len();
            match wanted.iter_mut().find(|(_, _, known)| *known == one) {
                Some((total, _, _)) => *total += stake,
                None if is_answered => {}
                None => wanted.push((stake, order, one)),
            }
        };
        let mut of_senders: Vec<(SenderCheck, Vec<Wanted>)> = Vec::new();
        let mut senders = |check: SenderCheck| match of_senders.iter().find(|(known, _)| *known == check) {
            Some((_, wanted)) => wanted.clone(),
            None => {
                let wanted = match sparing {
                    true => self.senders.wanted_for(check, answers),
                    false => self.senders_wanted(answers),
                };
                of_senders.push((check, wanted.clone()));
                wanted
            }
        };
        let mut add_all = |stake: Score, all: Vec<Wanted>| {
            // Sparing, what is at stake is gained only by all of them together.
            let share = if sparing { stake.shared_by(all.len()) } else { stake };
            all.into_iter().for_each(|one| add(share, one));
        };
        for (question, stake) in self.engine.rules().open_questions(seen, evidence) {
            match &question {
                OpenQuestion::Listing(listing) => {
                    let name = listing.query().and_then(|name| Name::parse(name.as_str()).ok());
                    if let Some(question) = name.map(|name| Question::new(name, RecordKind::A)) {
                        listings.push((question.clone(), listing.clone()));
                        add_all(stake, vec![Wanted::Records(question)]);
                    }
                }
                OpenQuestion::Target(name) => match name.as_str() {
                    "evidence.reverse_name" | "evidence.confirmed_name" => {
                        add_all(stake, self.names_wanted(answers, evidence).into_iter().map(Wanted::Records).collect());
                    }
                    "evidence.spf" => add_all(stake, senders(SenderCheck::Spf)),
                    "evidence.dkim" | "evidence.dkim_domain" => add_all(stake, senders(SenderCheck::Dkim)),
                    "evidence.dmarc" | "evidence.dmarc_policy" => add_all(stake, senders(SenderCheck::Dmarc)),
                    "evidence.arc" => add_all(stake, senders(SenderCheck::Arc)),
                    // Other evidence comes from elsewhere, not from a lookup.
                    _ => {}
                },
            }
        }
        if self.asks_all_senders {
            add_all(Score::ZERO, self.senders_wanted(answers));
        }
        self.listings.extend(listings);
        wanted.sort_by(|(a_stake, a, _), (b_stake, b, _)| b_stake.cmp(a_stake).then(a.cmp(b)));
        wanted.into_iter().map(|(_, _, one)| one).collect()
    }

    /// What all checks of who sent the message want.
    fn senders_wanted(&self, answers: &Answers) -> Vec<Wanted> {
        match self.senders.progress(answers) {
            Progress::Done(_) => Vec::new(),
            Progress::Wants(wanted) => wanted,
        }
    }

    /// What is to be asked for the names of the client.
    fn names_wanted(&self, answers: &Answers, evidence: &Evidence) -> Vec<Question> {
        let Some(client) = self.envelope.client_address.found().filter(|_| self.asks_names) else { return Vec::new() };
        match &evidence.reverse_names {
            Known::Unknown(Unknown::NotAsked) => return vec![Question::reverse(*client)],
            // Whoever asked before got no answer, and would get none now.
            Known::Unknown(_) => return Vec::new(),
            Known::Absent | Known::Found(_) => {}
        }
        let names = evidence.reverse_names.found().into_iter().flatten();
        let questions = names.filter_map(|name| address_question(name, *client));
        questions.filter(|question| answers.records(question).is_none()).collect()
    }
}

fn observed<'m>(engine: &Engine, scene: Scene<'m>, before: Option<&[Outcome]>) -> Observation<'m> {
    match before {
        Some(before) => engine.rules().observe_again(scene, before),
        None => engine.rules().observe(scene),
    }
}

/// Nothing of this is asked any more.
fn not_needed(evidence: &mut Evidence) {
    fn mark<T>(fact: &mut Known<T>) {
        if matches!(fact, Known::Unknown(Unknown::NotAsked)) {
            *fact = Known::Unknown(Unknown::NotNeeded);
        }
    }
    mark(&mut evidence.reverse_names);
    mark(&mut evidence.confirmed_name);
    mark(&mut evidence.spf);
    mark(&mut evidence.dkim);
    mark(&mut evidence.dmarc);
    mark(&mut evidence.arc);
}

/// The names of the client that these answers tell, and the first of them that leads back to it. That none does is known only when every
/// one was answered and none failed.
fn fill_names(client: IpAddr, answers: &Answers, evidence: &mut Evidence) {
    if evidence.reverse_names.is_unknown() {
        evidence.reverse_names = match answers.records(&Question::reverse(client)) {
            None => return,
            Some(Answer::Absent(_)) => Known::Absent,
            Some(Answer::Unknown(why)) => Known::Unknown(*why),
            Some(Answer::Found(records)) => {
                let name = |record: &Record| match record {
                    Record::Ptr(name) => Domain::parse(name.as_str()).ok(),
                    _ => None,
                };
                let names: Vec<Domain> = records.iter().filter_map(name).take(MAX_REVERSE_NAMES).collect();
                // Records that name no host are not none.
                if names.is_empty() { Known::Unknown(Unknown::Malformed) } else { Known::Found(names) }
            }
        };
    }
    let names = match &evidence.reverse_names {
        Known::Found(names) => names,
        Known::Absent => return evidence.confirmed_name = Known::Absent,
        Known::Unknown(why) => return evidence.confirmed_name = Known::Unknown(*why),
    };
    let mut confirmed = Known::Absent;
    for name in names {
        // What cannot be asked for leads nowhere.
        let Some(question) = address_question(name, client) else { continue };
        let Some(answer) = answers.records(&question) else {
            // Not asked yet: an earlier one that is confirmed counts, none that comes later.
            confirmed = Known::Unknown(Unknown::NotAsked);
            break;
        };
        match answer {
            Answer::Found(records) if records.iter().any(|record| is_address(record, client)) => {
                confirmed = Known::Found(name.clone());
                break;
            }
            Answer::Unknown(why) if !confirmed.is_unknown() => confirmed = Known::Unknown(*why),
            Answer::Found(_) | Answer::Absent(_) | Answer::Unknown(_) => {}
        }
    }
    evidence.confirmed_name = confirmed;
}

fn address_question(name: &Domain, client: IpAddr) -> Option<Question> {
    let kind = if client.to_canonical().is_ipv4() { RecordKind::A } else { RecordKind::Aaaa };
    Some(Question::new(Name::parse(name.as_str()).ok()?, kind))
}

fn is_address(record: &Record, client: IpAddr) -> bool {
    match record {
        Record::A(address) => IpAddr::V4(*address) == client.to_canonical(),
        Record::Aaaa(address) => IpAddr::V6(*address) == client.to_canonical(),
        Record::Mx { .. } | Record::Ptr(_) | Record::Tlsa { .. } | Record::Txt(_) => false,
    }
}

/// What the answer of a list means.
fn listed(answer: &Answer<Record>) -> Known<Vec<Ipv4Addr>> {
    match answer {
        Answer::Absent(_) => Known::Absent,
        Answer::Unknown(why) => Known::Unknown(*why),
        Answer::Found(records) => {
            let code = |record: &Record| if let Record::A(address) = record { Some(*address) } else { None };
            let codes: Vec<Ipv4Addr> = records.iter().filter_map(code).collect();
            // What lists answer to those whom they will not serve, as is their habit: it says nothing of the item.
            if codes.iter().any(|code| code.octets().starts_with(&[127, 255, 255])) {
                return Known::Unknown(Unknown::Refused);
            }
            // RFC 5782 §2.1: entries are in 127.0.0.0/8; anything else is a resolver that lies.
            if codes.iter().all(Ipv4Addr::is_loopback) && !codes.is_empty() {
                Known::Found(codes)
            } else {
                Known::Unknown(Unknown::Malformed)
            }
        }
    }
}

impl Listing {
    /// The name to look up, octets or nibbles turned round, then the zone (RFC 5782 §2.1 and §2.4): `7.2.0.192.zen.example.net`. None when it is longer than a name may be.
    #[must_use]
    pub fn query(&self) -> Option<Domain> {
        let item = match &self.item {
            Host::Domain(domain) => domain.to_string(),
            Host::Address(IpAddr::V4(address)) => {
                let [a, b, c, d] = address.octets();
                format!("{d}.{c}.{b}.{a}")
            }
            Host::Address(IpAddr::V6(address)) => {
                let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 0xf, octet >> 4]);
                nibbles.map(|nibble| format!("{nibble:x}")).collect::<Vec<_>>().join(".")
            }
        };
        Domain::parse(&format!("{item}.{}", self.zone)).ok()
    }
}

#[cfg(test)]
mod tests;
