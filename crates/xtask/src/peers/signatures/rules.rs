//! Where dkimpy or OpenDKIM says otherwise of a vector, and the rule that settles it.

use xd_auth::dkim::Reason;

/// What there is to know of a difference.
pub(super) struct Difference<'d> {
    /// What is said here.
    pub(super) ours: Reason,
    /// Who differs.
    pub(super) who: &'d str,
    /// What they say; none when they do not mention the signature.
    pub(super) theirs: Option<&'d str>,
    /// Whether all fields are written as milters assume: one blank after the colon, and a value.
    pub(super) is_even: bool,
}

/// The rule by which a difference is settled; none where none is known to.
pub(super) fn rule(difference: &Difference<'_>) -> Option<&'static str> {
    let holds = difference.theirs == Some("pass");
    match (difference.ours, difference.who) {
        (Reason::Sha1, _) if holds => Some("RFC 8301 §3.1: rsa-sha1 must not be used to verify"),
        (Reason::KeyShort(_), _) if holds => Some("RFC 8301 §3.2: keys of fewer than 1024 bits are not to be considered valid"),
        (Reason::UnknownVersion | Reason::MissingTag("v"), _) if holds => {
            Some("RFC 6376 §3.5: v= must be 1; OpenDKIM still takes what drafts had")
        }
        (Reason::MissingTag(_), _) if holds => Some("RFC 6376 §6.1.1: a signature without a required tag is ignored"),
        (Reason::DuplicateTag, _) if holds => Some("RFC 6376 §3.2: a list with a tag twice is invalid"),
        (Reason::KeyService, _) if holds => Some("RFC 6376 §3.6.1: a key whose s= names neither email nor * is ignored"),
        (Reason::KeyIdentity, _) if holds => Some("RFC 6376 §3.6.1: with t=s, i= must be in d= itself"),
        (Reason::Expired, _) if holds => Some("RFC 6376 §3.5: signatures may be considered invalid after x="),
        (Reason::Verified, "dkimpy") if difference.theirs == Some("unreadable") => {
            Some("RFC 5322 §4.5: obsolete forms of fields must be read; dkimpy refuses them")
        }
        (Reason::Verified, "OpenDKIM") if !difference.is_even => {
            Some("RFC 6376 §3.4.1: the simple form keeps blanks after colons; a milter does not see them")
        }
        _ => None,
    }
}
