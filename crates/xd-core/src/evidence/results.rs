//! What was found out of who sent a message, as a field for those who read it next (RFC 8601).

use xd_auth::authentication_results::{Entry, Field, IprevResult, PropertyType};

use super::senders::signature_result;
use super::{Evidence, SenderResults};
use crate::{Envelope, Known, ReversePath, Unknown};

impl SenderResults {
    /// The value of `Authentication-Results` by whoever goes by this name, folded, without the final line end.
    ///
    /// What was not checked is left out: nothing stands for it.
    #[must_use]
    pub fn field(&self, authserv_id: &str, envelope: &Envelope, evidence: &Evidence) -> Field {
        let mut field = Field::new(authserv_id);
        // There is room for 10 signatures and all others.
        let mut put = |entry: Entry| _ = field.push(entry);
        if let (Some(&client), Some(result)) = (envelope.client_address.found(), iprev(evidence)) {
            let named = Entry::iprev(result, client);
            put(match evidence.confirmed_name.found() {
                Some(name) => named.with(PropertyType::Policy, "ptr", name.as_str()),
                None => named,
            });
        }
        if let Some(spf) = &self.spf {
            let entry = Entry::spf(spf.result).with_reason(&spf.reason.to_string());
            put(match envelope.reverse_path.found() {
                Some(ReversePath::Mailbox(mailbox)) => entry.with(PropertyType::Smtp, "mailfrom", &mailbox.address),
                Some(ReversePath::Null) | None => {
                    let ehlo = envelope.ehlo.found().map(ToString::to_string).unwrap_or_default();
                    entry.with(PropertyType::Smtp, "helo", &ehlo)
                }
            });
        }
        for signature in self.dkim.iter().flat_map(|dkim| &dkim.signatures) {
            let mut entry = Entry::dkim(signature_result(signature));
            if let Some(domain) = &signature.domain {
                entry = entry.with_name(PropertyType::Header, "d", domain);
            }
            if let Some(selector) = &signature.selector {
                entry = entry.with_name(PropertyType::Header, "s", selector);
            }
            put(entry.with(PropertyType::Header, "b", &signature.start));
        }
        if let Some(arc) = &self.arc {
            let holds = match arc.result() {
                xd_auth::arc::ArcResult::Pass => Some(Some(true)),
                xd_auth::arc::ArcResult::Fail => Some(Some(false)),
                xd_auth::arc::ArcResult::None => Some(None),
                // RFC 8617 §4.4 knows no word for it.
                xd_auth::arc::ArcResult::TempError => None,
            };
            holds.into_iter().for_each(|holds| put(Entry::arc(holds)));
        }
        self.dmarc.iter().for_each(|dmarc| put(Entry::dmarc(dmarc)));
        field
    }
}

/// RFC 8601 §2.7.3; none when nobody asked.
fn iprev(evidence: &Evidence) -> Option<IprevResult> {
    let is_asked = |why: Unknown| !matches!(why, Unknown::NotAsked | Unknown::NotNeeded);
    match (&evidence.reverse_names, &evidence.confirmed_name) {
        (_, Known::Found(_)) => Some(IprevResult::Pass),
        (Known::Absent, _) => Some(IprevResult::PermError),
        (Known::Unknown(why), _) | (_, Known::Unknown(why)) => is_asked(*why).then_some(IprevResult::TempError),
        (Known::Found(_), Known::Absent) => Some(IprevResult::Fail),
    }
}
