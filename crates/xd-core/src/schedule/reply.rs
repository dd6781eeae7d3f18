//! What a reply of a next hop means for the message and for the next hop (RFC 5321 §4.2.1, RFC 3463).

/// What a reply says about what was asked.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum ReplyClass {
    /// It is done (2yz), or may go on (3yz).
    Done,
    /// Not now (4yz), and who is meant by it.
    Deferred(Extent),
    /// Never (5yz).
    Failed,
    /// Not a reply that may stand here: the next hop cannot be understood, so nothing is known. Never permanent.
    Nonsense,
}

/// Whom a deferral concerns.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Extent {
    /// This message or recipient only: greylisting, a full mailbox, a policy. It waits by its own schedule.
    Message,
    /// The next hop is closing or short of something (421, 4.3.x and 4.4.5): others would fare no better, so all wait
    /// a little.
    NextHop,
    /// Too many recipients in one transaction (452 or 4.5.3 after RCPT): the rest goes in another, at once.
    Recipients,
}

/// The class of a reply: its code, its enhanced status code where it has one, and whether it answered RCPT.
///
/// # Example: a server under pressure and a greylisted sender are not the same
/// ```
/// use xd_core::schedule::{Extent, ReplyClass, classify};
///
/// assert_eq!(classify(452, Some([4, 3, 1]), false), ReplyClass::Deferred(Extent::NextHop));
/// assert_eq!(classify(450, Some([4, 7, 1]), true), ReplyClass::Deferred(Extent::Message));
/// ```
#[must_use]
pub fn classify(code: u16, enhanced: Option<[u16; 3]>, after_rcpt: bool) -> ReplyClass {
    // RFC 2034 §4: the class of an enhanced code equals the first digit of the reply; where it does not, the reply stands.
    let enhanced = enhanced.filter(|status| status[0] == code / 100);
    match code {
        200..=399 => ReplyClass::Done,
        // RFC 5321 §3.8: 421 may answer anything, and the server closes.
        421 => ReplyClass::Deferred(Extent::NextHop),
        400..=499 => ReplyClass::Deferred(match (code, enhanced) {
            (_, Some([4, 5, 3])) if after_rcpt => Extent::Recipients,
            // RFC 5321 §4.5.3.1.10: too many recipients is 452, and so is insufficient storage; an enhanced code tells them apart.
            (452, None) if after_rcpt => Extent::Recipients,
            (_, Some([4, 3, _] | [4, 4, 5])) | (452, None) => Extent::NextHop,
            _ => Extent::Message,
        }),
        // RFC 5321 §4.5.3.1.10: a client should treat a 552 after RCPT as 452, since RFC 821 meant too many recipients by it.
        552 if after_rcpt && enhanced.is_none() => ReplyClass::Deferred(Extent::Recipients),
        500..=599 => ReplyClass::Failed,
        _ => ReplyClass::Nonsense,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_and_their_classes() {
        use ReplyClass::{Deferred, Done, Failed, Nonsense};
        for (code, enhanced, after_rcpt, class) in [
            (250, None, false, Done),
            (250, Some([2, 1, 5]), true, Done),
            (354, None, false, Done),
            (421, None, false, Deferred(Extent::NextHop)),
            (421, Some([4, 7, 0]), true, Deferred(Extent::NextHop)),
            (450, None, true, Deferred(Extent::Message)),
            (450, Some([4, 2, 0]), true, Deferred(Extent::Message)),
            (451, None, false, Deferred(Extent::Message)),
            (451, Some([4, 3, 0]), false, Deferred(Extent::NextHop)),
            (431, Some([4, 3, 1]), false, Deferred(Extent::NextHop)),
            (452, None, false, Deferred(Extent::NextHop)),
            (452, None, true, Deferred(Extent::Recipients)),
            (452, Some([4, 5, 3]), true, Deferred(Extent::Recipients)),
            (452, Some([4, 2, 2]), true, Deferred(Extent::Message)),
            (452, Some([4, 3, 1]), true, Deferred(Extent::NextHop)),
            // An enhanced code of another class says nothing.
            (452, Some([5, 3, 1]), false, Deferred(Extent::NextHop)),
            (451, Some([5, 3, 1]), false, Deferred(Extent::Message)),
            (550, Some([4, 3, 1]), true, Failed),
            (552, None, true, Deferred(Extent::Recipients)),
            (552, Some([5, 2, 2]), true, Failed),
            (552, None, false, Failed),
            (554, Some([5, 7, 1]), false, Failed),
            (100, None, false, Nonsense),
            (199, None, false, Nonsense),
            (600, None, false, Nonsense),
            (0, None, false, Nonsense),
        ] {
            assert_eq!(classify(code, enhanced, after_rcpt), class, "{code} {enhanced:?} {after_rcpt}");
        }
    }

    #[test]
    fn nothing_but_5yz_is_permanent() {
        for code in 0..=u16::MAX {
            for after_rcpt in [false, true] {
                let failed = classify(code, None, after_rcpt) == ReplyClass::Failed;
                assert!(!failed || (500..600).contains(&code));
            }
        }
    }
}
