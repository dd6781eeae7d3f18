//! Where dkimpy or OpenDKIM says otherwise of a vector, and which rule says so too or not.

use xd_auth::dkim::Reason;

/// The rule by which a difference is settled; none where none is known to. `holds` is whether they say that the signature holds.
pub(super) fn rule(ours: Reason, holds: bool) -> Option<&'static str> {
    match (ours, holds) {
        (Reason::Sha1, true) => Some("RFC 8301 §3.1: rsa-sha1 must not be used to verify"),
        (Reason::UnknownVersion, true) => Some("RFC 6376 §3.5: v= must be 1; OpenDKIM still takes what drafts had"),
        _ => None,
    }
}
