use super::*;

fn record(text: &str) -> PolicyRecord {
    PolicyRecord::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text} is a record"))
}

#[test]
fn policies() {
    for (text, policy, below, nonexistent) in [
        ("v=DMARC1;p=reject", Policy::Reject, Policy::Reject, Policy::Reject),
        ("v=DMARC1; P = Reject ; SP=None", Policy::Reject, Policy::None, Policy::None),
        ("v=DMARC1; p=none; np=reject", Policy::None, Policy::None, Policy::Reject),
        ("v=DMARC1; p=reject; sp=none; np=quarantine", Policy::Reject, Policy::None, Policy::Quarantine),
        // The first of a name counts.
        ("v=DMARC1; p=none; p=reject", Policy::None, Policy::None, Policy::None),
    ] {
        let record = record(text);
        assert!(record.applies, "{text}");
        let found = [Relation::Itself, Relation::Below, Relation::BelowNonexistent].map(|relation| record.policy_for(relation));
        assert_eq!(found, [policy, below, nonexistent], "{text}");
    }
}

#[test]
fn without_usable_policies_a_record_applies_if_reports_are_asked_for() {
    for policies in ["", "p=", "p=block", "p=reject; sp=block", "p=reject; np=", "sp=reject"] {
        let bare = record(&format!("v=DMARC1; {policies}"));
        assert!(!bare.applies, "{policies}");
        let reporting = record(&format!("v=DMARC1; {policies}; rua=mailto:a@example.com"));
        assert!(reporting.applies, "{policies}");
        assert_eq!((reporting.policy, reporting.subdomains, reporting.nonexistent), (Policy::None, None, None), "{policies}");
        // An invalid URI is no place for reports, and failure reports are not what is asked for.
        assert!(!record(&format!("v=DMARC1; {policies}; rua=example.com; ruf=mailto:a@example.com")).applies);
    }
}

#[test]
fn other_tags_and_their_defaults() {
    let plain = record("v=DMARC1; p=none");
    assert_eq!((plain.dkim, plain.spf, plain.psd, plain.testing), (Mode::Relaxed, Mode::Relaxed, Psd::Unsaid, false));
    let full = record("v=DMARC1; p=none; adkim=s; aspf=S; psd=n; t=y; fo=1:d:s; ruf=mailto:f@example.com");
    assert_eq!((full.dkim, full.spf, full.psd, full.testing), (Mode::Strict, Mode::Strict, Psd::Organizational, true));
    assert_eq!(full.when, FailureOptions { any: true, dkim: true, spf: true });
    assert_eq!(full.failure.len(), 1);
    let wrong = record("v=DMARC1; p=none; adkim=x; aspf=; psd=q; t=1; fo=2");
    assert_eq!(PolicyRecord { faults: Vec::new(), ..wrong.clone() }, plain);
    assert_eq!(wrong.faults.len(), 5);
}

#[test]
fn faults_are_told_and_bounded() {
    let record = record("v=DMARC1; p=none; p=none; pct=50; x=1; loose");
    let found: Vec<(&str, FaultKind)> = record.faults.iter().map(|fault| (&*fault.tag, fault.kind)).collect();
    let expected =
        [("p", FaultKind::Repeated), ("pct", FaultKind::Historic), ("x", FaultKind::Unknown), ("loose", FaultKind::Unknown)];
    assert_eq!(found, expected);
    let many = PolicyRecord::parse(format!("v=DMARC1; p=none{}", ";x=1".repeat(MAX_FAULTS + 1)).as_bytes()).unwrap();
    assert_eq!(many.faults.len(), MAX_FAULTS);
}

#[test]
fn octets_that_are_no_text_void_only_their_tag() {
    let record = PolicyRecord::parse(b"v=DMARC1; sp=\xff; rua=mailto:a@example.com,mailto:\xfc@example.com; p=reject").unwrap();
    assert_eq!((record.policy, record.applies, record.aggregate.len()), (Policy::None, true, 1));
}
