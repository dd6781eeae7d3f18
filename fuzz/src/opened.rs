//! What must hold of any container: bounds are kept, the same bytes give the same members, and what was opened is opened
//! again within one budget.

use xd_container::{Bounds, Budget, Content, Opened, Passwords, Sign, open, opens, sniff};

/// Opens bytes as each of these types, of which the first byte chooses one, and all that is found in them.
pub fn check(input: &[u8], media_types: &[&str]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let media_type = media_types[usize::from(*choice) % media_types.len()];
    let passwords = Passwords::new((*choice >= 0x80).then(|| "secret".to_owned()));
    let bounds = Bounds { decoded_bytes: 1 << 20, members: 100, steps: 50_000_000, depth: 4, keep_all: false };
    let members = walk(bytes, Some(media_type), "a.bin", &passwords, bounds);
    assert_eq!(members, walk(bytes, Some(media_type), "a.bin", &passwords, bounds), "the same bytes give the same members");
    // A bound takes members and bytes away, and says so.
    let tight = Bounds { decoded_bytes: 100, members: 2, ..bounds };
    walk(bytes, Some(media_type), "a.bin", &passwords, tight);
}

fn walk(bytes: &[u8], media_type: Option<&str>, name: &str, passwords: &Passwords, bounds: Bounds) -> Vec<(String, usize)> {
    let mut budget = Budget::new(bounds);
    let mut found = Vec::new();
    descend(bytes, media_type, name, passwords, &mut budget, 0, &mut found);
    assert!(found.len() <= bounds.members, "no more members than the bound");
    found
}

fn descend(
    bytes: &[u8],
    media_type: Option<&str>,
    name: &str,
    passwords: &Passwords,
    budget: &mut Budget,
    depth: usize,
    found: &mut Vec<(String, usize)>,
) {
    let decoded_before = budget.decoded_left();
    let Some(opened) = open(bytes, media_type, name, passwords, budget) else { return };
    let decoded = decoded_before - budget.decoded_left();
    check_sizes(&opened, bytes, decoded);
    for member in &opened.members {
        found.push((member.name.clone(), member.bytes().len()));
        let shown = sniff(member.bytes());
        if depth < budget.depth() && opens(shown, &member.name) && matches!(member.content, Content::Whole(_)) {
            descend(member.bytes(), shown, &member.name, passwords, budget, depth + 1, found);
        }
    }
}

fn check_sizes(opened: &Opened<'_>, bytes: &[u8], decoded: usize) {
    let mut owned = 0;
    for member in &opened.members {
        assert!(member.name.len() <= 5_000 && member.other_names.iter().all(|name| name.len() <= 5_000), "names are bounded");
        let is_read = !matches!(member.content, Content::Unread);
        assert!(is_read || !member.signs.contains(Sign::Decrypted) || !member.signs.is_empty(), "what is not read says why");
        match &member.content {
            Content::Beginning(content) | Content::Whole(content) => match content {
                std::borrow::Cow::Borrowed(content) => assert!(content.len() <= bytes.len()),
                std::borrow::Cow::Owned(content) => owned += content.len(),
            },
            Content::Unread => {}
        }
    }
    assert!(owned <= decoded, "every byte that is kept was paid for: {owned} of {decoded}");
}
