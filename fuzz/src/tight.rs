//! Limits made small enough for short inputs to reach: they are kept, and reaching one is recorded.

use xd_core::{Defect, Limits, Message, View};

use crate::parsed;

/// A limit, made tight; what it bounds; and the defect that says it was reached.
struct Tight {
    limits: Limits,
    count: fn(&Message<'_>) -> usize,
    defect: Defect,
}

/// Parses with one limit made tight and panics unless it is kept. Which limit follows from the length of the message, so
/// that one input always does the same.
pub fn check(raw: &[u8], roomy: &Message<'_>) {
    let all = all();
    let tight = &all[raw.len() % all.len()];
    let message = Message::parse(raw, &tight.limits);
    parsed::check(&message, raw, &tight.limits);
    let (wanted, found) = ((tight.count)(roomy), (tight.count)(&message));
    assert!(found <= wanted, "a limit adds nothing");
    if found < wanted {
        assert!(message.defects().contains(tight.defect), "{found} of {wanted} without {}", tight.defect);
    }
    if !message.defects().contains(tight.defect) {
        assert_eq!(message.defects(), roomy.defects(), "a limit that was not reached changes nothing");
        assert_eq!(message.links(), roomy.links());
        View::ALL.iter().for_each(|&view| assert_eq!(message.view(view), roomy.view(view)));
    }
}

fn all() -> [Tight; 9] {
    let roomy = Limits::default();
    [
        Tight {
            limits: Limits { fields: 4, ..roomy },
            count: |message| message.header().fields().len(),
            defect: Defect::FieldLimit,
        },
        Tight {
            limits: Limits { field_bytes: 24, ..roomy },
            // Not the decoded bytes: an encoded word that is cut stands as it is, and may be longer than what it encodes.
            count: |message| message.header().fields().len(),
            defect: Defect::FieldBytesLimit,
        },
        Tight { limits: Limits { addresses: 2, ..roomy }, count: |message| message.to().len(), defect: Defect::AddressLimit },
        Tight { limits: Limits { hops: 2, ..roomy }, count: |message| message.hops().len(), defect: Defect::HopLimit },
        Tight { limits: Limits { parts: 3, ..roomy }, count: |message| message.parts().len(), defect: Defect::PartLimit },
        Tight {
            limits: Limits { depth: 2, ..roomy },
            count: |message| message.parts().iter().map(|part| part.depth).max().unwrap_or(0),
            defect: Defect::DepthLimit,
        },
        Tight {
            limits: Limits { decoded_bytes: 40, ..roomy },
            count: |message| message.parts().iter().map(|part| part.content.len()).sum(),
            defect: Defect::DecodedLimit,
        },
        Tight {
            limits: Limits { text_head: 40, text_tail: 10, ..roomy },
            count: |message| message.view(View::Plain).original().len(),
            defect: Defect::TextLimit,
        },
        Tight { limits: Limits { links: 2, ..roomy }, count: |message| message.links().len(), defect: Defect::LinkLimit },
    ]
}
