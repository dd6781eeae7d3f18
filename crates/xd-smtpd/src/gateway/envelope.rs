//! From a transaction to what is spooled: the envelope as it must be delivered, and the content with its named changes.

use std::collections::BTreeSet;

use xd_core::report::HeaderLine;
use xd_core::routing::Disposition;
use xd_store::{BodyType, Content, HoldReason, Notify, QueueId, RecipientState, Ret, SpoolMessage, SpoolRecipient};

use super::change::{Changed, Top, change};
use super::judging::Judged;
use super::stage::{Asking, Recipient, recipient};
use super::trace::{Trace, with};
use super::world::{World, now, now_ms};
use crate::server::Peer;
use crate::session::{self, Protocol, RcptParameters, Transaction};

/// The field by which a next hop is asked to encrypt: whoever encrypts stands behind this gateway.
const ENCRYPT: &str = "X-XD-Encrypt";

/// What is spooled of a transaction: whoever the dispositions accept it for, each once. `judged` is what
/// judging came to, or the word for why there was none.
pub(super) fn spooled(
    world: &World,
    peer: &Peer,
    id: QueueId,
    transaction: Transaction,
    dispositions: &[Disposition],
    judged: Result<&Judged, &'static str>,
) -> (SpoolMessage, Content) {
    let arrived = now_ms();
    let accepted = transaction.recipients.iter().zip(dispositions).filter(|(_, disposition)| disposition.accepts());
    let mut recipients: Vec<_> =
        accepted.map(|(recipient, disposition)| spooled_recipient(world, peer, recipient, disposition, arrived)).collect();
    // Two that are redirected to one address, or one that was named twice, get one copy.
    let mut seen = BTreeSet::new();
    recipients.retain(|recipient| seen.insert(recipient.forward_path.clone()));
    let tls = peer.tls.as_deref();
    let authenticated = transaction.authenticated.as_deref().map(str::to_owned);
    let trace = Trace {
        ehlo: &transaction.ehlo,
        client: peer.client(),
        hostname: world.hostname(),
        with: with(
            peer.protocol == Protocol::Lmtp,
            transaction.extended,
            transaction.mail.smtputf8,
            transaction.tls,
            authenticated.is_some(),
        ),
        id,
        only_recipient: match transaction.recipients.as_slice() {
            [only] => Some(only.forward_path.as_str()),
            _ => None,
        },
        now: now(),
    };
    let tells = dispositions.iter().any(Disposition::tells_verdict);
    let mut tags = judged.ok().filter(|_| tells).map(|judged| judged.fields.clone()).unwrap_or_default();
    let tag_subject = dispositions.contains(&Disposition::Tag) && world.config().tags_subject();
    if judged.is_ok_and(|judged| judged.encrypt) {
        tags.push(HeaderLine { name: ENCRYPT, value: "yes".to_owned() });
    }
    let stripped = judged.ok().and_then(|judged| judged.stripped.as_ref());
    let received = match stripped {
        Some(stripped) => stripped.apply(&transaction.content),
        None => transaction.content,
    };
    let (normalized, completed) = (transaction.normalized, transaction.completed);
    let trace = trace.to_field();
    let top = Top {
        trace: &trace,
        results: judged.ok().and_then(|judged| judged.results.as_deref()),
        authserv_id: world.authserv_id().filter(|_| !peer.trusted),
    };
    let Changed { content, sha256: sha256_spooled, mut actions } = change(received, &top, &tags, tag_subject);
    actions.extend(stripped.into_iter().flat_map(|stripped| stripped.actions.iter().cloned()));
    if completed {
        actions.insert(0, "end last line".to_owned());
    }
    if normalized != (0, 0) {
        actions.insert(0, "normalize line ends".to_owned());
    }
    let message = SpoolMessage {
        id,
        arrived,
        reverse_path: transaction.mail.reverse_path.as_str().to_owned(),
        recipients,
        ret: transaction.mail.ret.map(|ret| match ret {
            session::Ret::Full => Ret::Full,
            session::Ret::Headers => Ret::Headers,
        }),
        envid: transaction.mail.envid.map(String::from),
        body: match transaction.mail.body {
            session::Body::EightBitMime => BodyType::EightBitMime,
            session::Body::SevenBit => BodyType::SevenBit,
        },
        smtputf8: transaction.mail.smtputf8,
        bytes: content.bytes(),
        sha256_received: transaction.sha256,
        sha256_spooled,
        actions,
        client: peer.client(),
        ehlo: transaction.ehlo.to_string(),
        tls: tls.map(str::to_owned),
        // Whoever proved who it is, or is our own, gets reports. Others may not have written at all.
        may_report: peer.trusted || authenticated.is_some() || judged.is_ok_and(|judged| judged.spf_passed),
        authenticated,
        class: judged.map_or_else(str::to_owned, |judged| judged.class.to_string()),
        score: judged.map_or_else(|_| String::new(), |judged| judged.score.clone()),
        engine: judged.map_or_else(|_| String::new(), |judged| judged.engine.clone()),
        archive: world.config().archive().is_some(),
    };
    (message, content)
}

fn spooled_recipient(
    world: &World,
    peer: &Peer,
    parameters: &RcptParameters,
    disposition: &Disposition,
    arrived: u64,
) -> SpoolRecipient {
    let path = &parameters.forward_path;
    let asking = Asking::of(peer);
    let forward_path = match disposition {
        Disposition::Redirect(address) => address.clone(),
        // `postmaster` alone gets its domain here.
        _ => match recipient(world.config(), asking, path.local_part(), path.domain()) {
            Recipient::Accepted(address) => address,
            // The configuration changed since RCPT was answered; what was accepted stays accepted.
            Recipient::NotProtected | Recipient::NotRelayed => path.as_str().to_owned(),
        },
    };
    SpoolRecipient {
        forward_path,
        orcpt: parameters.orcpt.as_deref().map(str::to_owned),
        notify: notify(parameters.notify),
        state: match disposition {
            Disposition::Quarantine => RecipientState::Held { reason: HoldReason::Quarantine, since: arrived },
            Disposition::Discard => RecipientState::Done(xd_store::Done::Discarded),
            _ => RecipientState::Waiting,
        },
    }
}

fn notify(asked: session::Notify) -> Notify {
    let session::Notify { never, success, failure, delay } = asked;
    let flags = [(never, Notify::NEVER), (success, Notify::SUCCESS), (failure, Notify::FAILURE), (delay, Notify::DELAY)];
    flags.into_iter().filter(|(set, _)| *set).fold(Notify::DEFAULT, |notify, (_, flag)| notify | flag)
}
