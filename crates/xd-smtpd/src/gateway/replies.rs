//! What clients are told, in one place: codes, enhanced status codes (RFC 3463), texts.

use std::net::IpAddr;

use xd_core::routing::Disposition;
use xd_store::{CommitError, QueueId};

use crate::session::{Outcome, Protocol, Reply};

/// Sites search their logs for this text, word for word.
pub(super) fn not_protected(brand: &str) -> Reply {
    Reply::new(550, (1, 1), format!("{brand} does not protect this address"))
}

pub(super) fn not_relayed(brand: &str) -> Reply {
    Reply::new(550, (7, 1), format!("{brand} does not relay to this address"))
}

/// The words that administrators of such hosts know; RFC 7372 §3.3 would have X.7.25.
pub(super) fn nameless(brand: &str, client: IpAddr) -> Reply {
    let text = format!(
        "Access temporarily denied. {brand} requires you to have valid reverse DNS PTR record in order to send mail from [{client}]"
    );
    Reply::new(450, (7, 1), text)
}

pub(super) fn not_ready() -> Reply {
    Reply::new(421, (3, 2), "not accepting mail now; come again")
}

/// To MAIL, while what was delivered cannot be remembered, and so nothing can be accepted.
pub(super) fn no_room() -> Reply {
    Reply::new(452, (3, 1), "no room now; come again")
}

/// The answers to ETRN (RFC 1985 §5.2). How many messages that are is not looked for while the client waits.
pub(super) fn called_for(is_any: bool) -> Reply {
    if is_any { Reply::new(250, (0, 0), "what waits is on its way") } else { Reply::new(251, (0, 0), "nothing waits") }
}

pub(super) fn not_called_for() -> Reply {
    Reply::new(459, (7, 1), "this is not for you to call for")
}

pub(super) fn called_for_too_often() -> Reply {
    Reply::new(458, (7, 0), "this domain was called for often; come again in a minute")
}

pub(super) fn circles() -> Reply {
    Reply::new(554, (4, 6), "this message goes in circles")
}

pub(super) fn unjudged() -> Reply {
    Reply::new(451, (3, 0), "this message could not be judged; come again")
}

pub(super) fn unspooled(error: &CommitError) -> Reply {
    match error {
        CommitError::Full { .. } => no_room(),
        CommitError::Unfit { .. } => Reply::new(552, (3, 4), "this message cannot be kept"),
        _ => Reply::new(451, (3, 0), "this message could not be made safe; come again"),
    }
}

/// The answers when no recipient gets the message.
pub(super) fn refused(brand: &str, protocol: Protocol, dispositions: &[Disposition]) -> Outcome {
    match (protocol, dispositions) {
        (Protocol::Smtp, [first, ..]) => Outcome::One(refusal(brand, first)),
        _ => Outcome::PerRecipient(dispositions.iter().map(|disposition| refusal(brand, disposition)).collect()),
    }
}

/// The answers when at least one recipient gets it.
pub(super) fn accepted(brand: &str, protocol: Protocol, id: QueueId, dispositions: &[Disposition]) -> Outcome {
    let kept = || Reply::new(250, (0, 0), format!("kept as {id}"));
    match protocol {
        Protocol::Smtp => Outcome::One(kept()),
        _ => {
            let reply = |disposition: &Disposition| if disposition.accepts() { kept() } else { refusal(brand, disposition) };
            Outcome::PerRecipient(dispositions.iter().map(reply).collect())
        }
    }
}

fn refusal(brand: &str, disposition: &Disposition) -> Reply {
    match disposition {
        Disposition::Defer => Reply::new(450, (7, 1), format!("{brand} does not take this message now")),
        _ => Reply::new(550, (7, 1), format!("{brand} does not take this message")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_recipients_are_told_in_the_words_that_sites_know() {
        assert_eq!(not_protected("mx.example.net").to_string(), "550 5.1.1 mx.example.net does not protect this address");
    }

    #[test]
    fn a_full_disk_is_not_for_ever() {
        assert_eq!(unspooled(&CommitError::Full { free: 1 }).code(), 452);
        assert_eq!(unspooled(&CommitError::Closed).code(), 451);
    }

    #[test]
    fn lmtp_tells_each_recipient() {
        let id = QueueId::new(1);
        let dispositions = [Disposition::Deliver, Disposition::Reject, Disposition::Defer];
        let Outcome::PerRecipient(replies) = accepted("mx", Protocol::Lmtp, id, &dispositions) else { panic!("one each") };
        assert_eq!(replies.iter().map(Reply::code).collect::<Vec<_>>(), [250, 550, 450]);
        assert!(matches!(accepted("mx", Protocol::Smtp, id, &dispositions), Outcome::One(reply) if reply.code() == 250));
    }
}
