//! Reads a member: its beginning, and all of it where something opens what the beginning shows.

use std::borrow::Cow;

use super::{End, Method, Unpacker};
use crate::opened::BEGINNING;
use crate::{Budget, Content, Member, Sign, sniff};

/// How much of a member its opener wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wanted {
    /// All of it, whatever it is.
    All,
    /// All of it where something opens it, else the beginning.
    AsOpened,
    /// The beginning, even where something would open it, which is a [`Sign::Limit`] then: members that share their bytes.
    Beginning,
}

/// Whether something of this size in so few bytes is a bomb.
///
/// Text shrinks to a tenth, the XML of a large sheet to a fiftieth, and a blank picture of a few MiB to less than a
/// hundredth: so that the size must be there as well. 8 MiB are a quarter of what is decoded for a whole message.
pub(crate) fn is_bomb(size: u64, packed: u64) -> bool {
    size > BOMB_SIZE && size / BOMB_RATIO > packed
}

const BOMB_RATIO: u64 = 100;
const BOMB_SIZE: u64 = 8 << 20;

/// Disc images begin with 32 KiB that are mostly empty, and show what they are behind that.
const DISC_BEGINNING: usize = 36 << 10;

/// Fills the content of a member from its compressed bytes. Gives back how many of these it took.
pub(crate) fn fill<'a>(member: &mut Member<'a>, packed: &'a [u8], method: &Method, wanted: Wanted, budget: &mut Budget) -> usize {
    if matches!(method, Method::Stored) {
        member.content = match packed.get(..BEGINNING).filter(|_| wanted == Wanted::Beginning && packed.len() > BEGINNING) {
            Some(beginning) => {
                if is_opened(member, beginning, budget) {
                    member.signs.add(Sign::Limit);
                }
                Content::Beginning(Cow::Borrowed(beginning))
            }
            None => Content::Whole(Cow::Borrowed(packed)),
        };
        return packed.len();
    }
    unpack(member, packed, method, wanted, budget)
}

/// The same for bytes that were decrypted, which nobody else holds.
pub(crate) fn fill_decrypted(member: &mut Member<'_>, packed: Vec<u8>, method: &Method, wanted: Wanted, budget: &mut Budget) {
    if matches!(method, Method::Stored) {
        member.content = Content::Whole(Cow::Owned(packed));
        return;
    }
    unpack(member, &packed, method, wanted, budget);
}

fn unpack(member: &mut Member<'_>, packed: &[u8], method: &Method, wanted: Wanted, budget: &mut Budget) -> usize {
    let promised = member.size.is_some_and(|size| is_bomb(size, packed.len() as u64));
    if promised {
        member.signs.add(Sign::Bomb);
    }
    let mut unpacker = Unpacker::new(method, packed, budget);
    let mut end = unpacker.advance(BEGINNING, budget);
    if end == End::More && unpacker.output().iter().all(|byte| *byte == 0) {
        end = unpacker.advance(DISC_BEGINNING, budget);
    }
    // A beginning that is all there is.
    if end == End::More && member.size == Some(unpacker.output().len() as u64) {
        end = unpacker.advance(unpacker.output().len() + 1, budget);
    }
    let is_wanted = match wanted {
        Wanted::All => true,
        Wanted::AsOpened => is_opened(member, unpacker.output(), budget),
        Wanted::Beginning => {
            if end == End::More && is_opened(member, unpacker.output(), budget) {
                member.signs.add(Sign::Limit);
            }
            false
        }
    };
    let mut is_bomb_now = promised;
    if end == End::More && is_wanted && !promised {
        // Sizes lie: the ratio is looked at again where a bomb would show.
        let first = usize::try_from(BOMB_SIZE).unwrap_or(usize::MAX) + 1;
        end = unpacker.advance(first, budget);
        is_bomb_now = is_bomb(unpacker.output().len() as u64, packed.len() as u64);
        if end == End::More && !is_bomb_now {
            end = unpacker.advance(usize::MAX, budget);
        }
    }
    match end {
        End::Complete | End::More => {}
        End::Damaged => member.signs.add(Sign::Damaged),
        End::Limit => member.signs.add(Sign::Limit),
        End::Truncated => member.signs.add(Sign::Truncated),
        End::Unsupported => member.signs.add(Sign::Unsupported),
    }
    let taken = unpacker.taken();
    let mut output = unpacker.into_output();
    if is_bomb_now && !promised {
        member.signs.add(Sign::Bomb);
        output.truncate(BEGINNING);
        end = End::More;
    }
    output.shrink_to_fit();
    member.content = match end {
        End::Complete => Content::Whole(Cow::Owned(output)),
        _ if output.is_empty() => Content::Unread,
        _ => Content::Beginning(Cow::Owned(output)),
    };
    taken
}

/// Whether something opens what begins like this, by any of its names.
fn is_opened(member: &Member<'_>, beginning: &[u8], budget: &Budget) -> bool {
    let shown = sniff(beginning);
    budget.wants(shown, &member.name) || member.other_names.iter().any(|name| budget.wants(shown, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_large_and_thin() {
        assert!(!is_bomb(BOMB_SIZE, 1));
        assert!(is_bomb(BOMB_SIZE + 1, 1));
        assert!(is_bomb(100 << 20, (1 << 20) - 1));
        assert!(!is_bomb(100 << 20, 1 << 20));
    }

    #[test]
    fn stored_bytes_are_borrowed_whole() {
        let mut member = Member::new("a");
        fill(&mut member, b"bytes", &Method::Stored, Wanted::AsOpened, &mut Budget::default());
        assert!(matches!(member.content, Content::Whole(Cow::Borrowed(b"bytes"))));
    }

    #[test]
    fn stored_bytes_that_are_shared_show_their_beginning() {
        let archive = [b"PK\x03\x04".to_vec(), vec![0; BEGINNING]].concat();
        for (bytes, length, is_limited) in [
            (&archive[..], BEGINNING, true),
            (&archive[..BEGINNING], BEGINNING, false),
            (&[0xAA; BEGINNING + 1], BEGINNING, false),
        ] {
            let mut member = Member::new("a");
            fill(&mut member, bytes, &Method::Stored, Wanted::Beginning, &mut Budget::default());
            assert_eq!((member.bytes().len(), member.signs.contains(Sign::Limit)), (length, is_limited));
            assert_eq!(matches!(member.content, Content::Whole(_)), bytes.len() == length);
        }
    }
}
