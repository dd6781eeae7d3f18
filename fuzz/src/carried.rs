//! What must hold of anything that is opened.

use xd_container::{Bounds, Budget, Content, Opened, Passwords, Sign, open, sniff};

/// Containers in containers that are opened.
const MAX_DEPTH: usize = 5;

/// Opens a file of this type, and what is in it, with a whole and with a small budget.
pub fn check(bytes: &[u8], media_type: &str, name: &str) {
    let mut budget = Budget::default();
    walk(bytes, Some(media_type), name, MAX_DEPTH, &mut budget);

    let bounds = Bounds { decoded_bytes: 1000, members: 3, steps: 20_000, ..Bounds::default() };
    let mut budget = Budget::new(bounds);
    if let Some(opened) = open(bytes, Some(media_type), name, &Passwords::default(), &mut budget) {
        assert!(opened.members.len() <= bounds.members + 1, "bounds hold");
    }
}

fn walk(bytes: &[u8], media_type: Option<&str>, name: &str, depth: usize, budget: &mut Budget) {
    let Some(opened) = open(bytes, media_type, name, &Passwords::default(), budget) else { return };
    sane(&opened);
    if depth == 0 {
        return;
    }
    for member in &opened.members {
        if let Content::Whole(inner) = &member.content {
            walk(inner, sniff(inner), &member.name, depth - 1, budget);
        }
    }
}

fn sane(opened: &Opened<'_>) {
    for member in &opened.members {
        assert!(!member.other_names.contains(&member.name) || member.name.is_empty(), "other names are others");
    }
    for (index, link) in opened.links.iter().enumerate() {
        assert!(!opened.links[..index].contains(link), "each link once");
    }
    assert!(opened.signs.iter().count() <= Sign::ALL.len());
}
