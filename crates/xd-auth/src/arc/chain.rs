//! A chain, prepared once and verified in rounds (RFC 8617 §5.2).

use super::outcome::{ArcResult, Hop, Outcome, Reason};
use super::sets::Sets;
use crate::content::Content;
use crate::dkim::field::Form;
use crate::dkim::prepared::{Prepared, Read};
use crate::dkim::select::HeaderIndex;
use crate::dkim::{BodyHashes, Canonicalization};
use crate::{Answers, DkimResult, Name, Progress};

/// The chain of a message, with all that follows from the message alone.
///
/// # Example: a message that nobody sealed
/// ```
/// use xd_auth::arc::{ArcResult, Chain};
/// use xd_auth::content::Content;
/// use xd_auth::dkim::BodyHashes;
/// use xd_auth::{Answers, Progress};
///
/// let content = Content::split(b"From: a@example.com\r\n\r\nHello\r\n");
/// let chain = Chain::prepare(&content, &mut BodyHashes::of(&content));
/// let Progress::Done(outcome) = chain.verify(&Answers::default(), 1_700_000_000) else { panic!() };
/// assert_eq!(outcome.result(), ArcResult::None);
/// ```
#[derive(Clone, Debug)]
pub struct Chain {
    links: Vec<Link>,
    /// What is settled by the form alone.
    settled: Option<Reason>,
}

#[derive(Clone, Debug)]
struct Link {
    results: Box<str>,
    sealer: Option<Name>,
    message: Prepared,
    seal: Prepared,
}

impl Chain {
    /// Reads the chain of a message and computes the hashes that it needs and nobody computed before.
    #[must_use]
    pub fn prepare(content: &Content<'_>, hashes: &mut BodyHashes<'_>) -> Self {
        let found = Sets::of(content);
        if found.is_empty() {
            return Self { links: Vec::new(), settled: Some(Reason::NoChain) };
        }
        if let Some(fault) = found.fault {
            return Self { links: Vec::new(), settled: Some(Reason::Structure(fault)) };
        }
        let messages: Vec<Read<'_>> = found.sets.iter().map(|set| Read::new(set.message, Form::ArcMessage)).collect();
        let requests: Vec<_> = messages.iter().filter_map(Read::request).collect();
        hashes.prepare(&requests);
        let index = HeaderIndex::of(content);
        // RFC 8617 §5.1.1: a seal covers all sets up to its own, each with results, message signature and seal, in relaxed form.
        let mut before = Vec::with_capacity(4_096);
        let links = found.sets.iter().zip(messages).map(|(set, message)| {
            for field in [&set.results, &set.message] {
                Canonicalization::Relaxed.field(field, &mut before);
                before.extend_from_slice(b"\r\n");
            }
            let seal = Read::new(set.seal, Form::ArcSeal).prepare_seal(before.clone());
            Canonicalization::Relaxed.field(&set.seal, &mut before);
            before.extend_from_slice(b"\r\n");
            let message = message.prepare(&index, content.is_whole(), hashes);
            Link { results: set.results_text(), sealer: seal.domain().cloned(), message, seal }
        });
        // RFC 8617 §5.2 step 2: a chain that had failed stays failed; nothing more is verified.
        Self { links: links.collect(), settled: found.has_failed.then_some(Reason::FailedBefore) }
    }

    /// Verifies the chain at a time, in seconds since 1970: the message signature of the last hop and all seals, which must hold, and from
    /// there down those message signatures that may hold too. Asks for all keys in the first round and for all verifications in the
    /// second.
    #[must_use]
    pub fn verify(&self, answers: &Answers, now: u64) -> Progress<Outcome> {
        let mut hops: Vec<Hop> = (1..).zip(&self.links).map(|(instance, link)| link.hop(instance)).collect();
        if let Some(reason) = self.settled {
            return Progress::Done(Outcome { reason, oldest_pass: None, hops });
        }
        let mut wanted = Vec::new();
        let mut oldest_pass = None;
        for (hop, link) in hops.iter_mut().zip(&self.links).rev() {
            hop.message = link.message.outcome(answers, now, &mut wanted);
            match hop.message.as_ref().map(|message| message.result()) {
                Some(DkimResult::Pass) => oldest_pass = Some(hop.instance),
                // Whatever comes of those below, this one does not hold.
                Some(_) => break,
                None => {}
            }
        }
        for (hop, link) in hops.iter_mut().zip(&self.links) {
            hop.seal = link.seal.outcome(answers, now, &mut wanted);
        }
        let message = hops.last().and_then(|hop| hop.message.as_ref()).map(|message| Reason::Message(message.reason));
        let seal = |hop: &Hop| Some(Reason::Seal { instance: hop.instance, reason: hop.seal.as_ref()?.reason });
        let found =
            |result: ArcResult| message.into_iter().chain(hops.iter().rev().filter_map(seal)).find(|one| one.result() == result);
        // What fails for sure settles it, whatever else is still to be known.
        let reason = match found(ArcResult::Fail) {
            Some(failed) => failed,
            None if !wanted.is_empty() => return Progress::Wants(wanted),
            None => found(ArcResult::TempError).unwrap_or(Reason::Holds),
        };
        let oldest_pass = oldest_pass.filter(|_| reason == Reason::Holds);
        Progress::Done(Outcome { reason, oldest_pass, hops })
    }

    /// How many sets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether there is no whole set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }
}

impl Link {
    fn hop(&self, instance: u32) -> Hop {
        Hop { instance, sealer: self.sealer.clone(), results: self.results.clone(), message: None, seal: None }
    }
}
