//! Objects in RTF: the older form of a whole object, in which a package or a compound file stands.

use std::borrow::Cow;

use memchr::memmem;

use crate::opened::{Member, Opened};
use crate::{Sign, fields, package, sniff};

/// How compound files begin.
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Adds what the bytes of one `\objdata` hold.
pub(super) fn open(bytes: Vec<u8>, opened: &mut Opened<'static>) {
    let Some(object) = package::object(&bytes) else {
        return unknown(bytes, opened);
    };
    let class = object.class.to_ascii_lowercase();
    if class.contains("equation.") {
        opened.signs.add(Sign::EquationObject);
    }
    fields::remote(&object.topic, opened);
    let native = object.native;
    if native.is_empty() {
        return;
    }
    if class.contains("package")
        && let Ok(member) = package::member(Cow::Owned(native.to_vec()), false)
    {
        opened.members.push(member);
    } else if sniff(native).is_none() && find_compound(&bytes).is_some() {
        // The lengths are not to be believed: Word finds what they hide.
        unknown(bytes, opened);
    } else {
        let name = if object.class.is_empty() { "object".to_owned() } else { object.class.clone() };
        opened.members.push(Member::of_bytes(name, Cow::Owned(native.to_vec())));
    }
}

/// Bytes that are no object of that form: what can be told of them.
fn unknown(mut bytes: Vec<u8>, opened: &mut Opened<'static>) {
    // The class stands there even where lengths before it are wrong.
    if memmem::find(&bytes.to_ascii_lowercase(), b"equation.").is_some() {
        opened.signs.add(Sign::EquationObject);
    }
    match find_compound(&bytes) {
        Some(place) => drop(bytes.drain(..place)),
        None => opened.signs.add(Sign::Damaged),
    }
    opened.members.push(Member::of_bytes("object", Cow::Owned(bytes)));
}

fn find_compound(bytes: &[u8]) -> Option<usize> {
    memmem::find(bytes, COMPOUND)
}
