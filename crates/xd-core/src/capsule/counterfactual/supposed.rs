//! Evidence as it could have been: one fact different.

use crate::capsule::Capsule;
use crate::evidence::{ArcResult, Correspondence, DkimResult, DkimSignature, Dmarc, DmarcPolicy, DmarcResult, SpfResult};
use crate::rules::RuleSet;
use crate::{Evidence, Known, Timestamp};

/// One fact supposed to be another.
#[derive(Debug)]
pub(super) struct Supposed {
    pub(super) fact: String,
    pub(super) value: String,
    pub(super) evidence: Evidence,
    /// The tests that look at it.
    pub(super) tests: Vec<usize>,
}

impl Supposed {
    /// Every single fact in its good state: authentication that passes, a name that is confirmed, a list that does not name
    /// the item, mail to the sender before.
    pub(super) fn all(capsule: &Capsule, rules: &RuleSet) -> Vec<Self> {
        let real = &capsule.evidence;
        let mut all = Vec::new();
        let mut suppose = |fact: &str, value: &str, names: &[&str], change: &dyn Fn(&mut Evidence)| {
            let mut evidence = real.clone();
            change(&mut evidence);
            if evidence != *real {
                let tests = rules.tests_of_names(|name| names.contains(&name));
                all.push(Self { fact: fact.to_owned(), value: value.to_owned(), evidence, tests });
            }
        };
        suppose("evidence.spf", "pass", &["evidence.spf"], &|evidence| evidence.spf = Known::Found(SpfResult::Pass));
        suppose("evidence.arc", "pass", &["evidence.arc"], &|evidence| evidence.arc = Known::Found(ArcResult::Pass));
        suppose("evidence.dmarc", "pass", &["evidence.dmarc", "evidence.dmarc_policy"], &|evidence| {
            let policy = evidence.dmarc.found().map_or(DmarcPolicy::None, |dmarc| dmarc.policy);
            evidence.dmarc = Known::Found(Dmarc { result: DmarcResult::Pass, policy });
        });
        if let Some(domain) = capsule.identities.from.first().and_then(|mailbox| mailbox.domain.clone()) {
            let value = format!("pass of {domain}");
            suppose("evidence.dkim", &value, &["evidence.dkim", "evidence.dkim_domain"], &|evidence| {
                let signature = DkimSignature { result: DkimResult::Pass, domain: domain.clone() };
                evidence.dkim = Known::Found(vec![signature]);
            });
        }
        if let Some(name) = real.reverse_names.found().and_then(|names| names.first()) {
            suppose("evidence.confirmed_name", name.as_str(), &["evidence.confirmed_name"], &|evidence| {
                evidence.confirmed_name = Known::Found(name.clone());
            });
        }
        suppose("host.listed", "0", &["host.listed"], &|evidence| {
            if let Known::Found(standing) = &mut evidence.host_standing {
                standing.listed = false;
            }
        });
        suppose("correspondence.sent", "1", &["correspondence.sent"], &|evidence| {
            if evidence.correspondence.found().is_none_or(|past| past.sent == 0) {
                let last = evidence.now.found().copied().unwrap_or(Timestamp::from_unix(0));
                evidence.correspondence = Known::Found(Correspondence { sent: 1, last });
            }
        });
        for (listing, answer) in &real.listings {
            if answer.found().is_some() {
                let mut evidence = real.clone();
                evidence.listings.insert(listing.clone(), Known::Absent);
                let fact = format!("{} in {}", listing.item, listing.zone);
                let tests = rules.tests_of_list(&listing.zone);
                all.push(Self { fact, value: "not listed".to_owned(), evidence, tests });
            }
        }
        all
    }
}
