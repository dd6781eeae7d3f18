//! Files packed into documents as OLE objects: the older form of a whole object, [MS-OLEDS] 2.2.5, and the packager's own, with
//! the file, its label and the paths it came from.

use std::borrow::Cow;
use std::ops::Range;

use crate::bytes::Bytes;
use crate::opened::Member;
use crate::{Sign, text};

/// An object as RTF and old documents hold it.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    /// The program it belongs to, as its name in the registry.
    pub(crate) class: String,
    /// The file it is linked to; empty for what is embedded.
    pub(crate) topic: String,
    pub(crate) native: &'a [u8],
}

/// Reads an object of the older form. None when the bytes are none.
pub(crate) fn object(bytes: &[u8]) -> Option<Object<'_>> {
    let mut bytes = Bytes::new(bytes);
    let _version = bytes.u32_le()?;
    let format = bytes.u32_le()?;
    let class = string(&mut bytes)?;
    let topic = string(&mut bytes)?;
    let _item = string(&mut bytes)?;
    let native = if format == 1 {
        &[]
    } else {
        let size = usize::try_from(bytes.u32_le()?).ok()?;
        bytes.rest().get(..size).unwrap_or_else(|| bytes.rest())
    };
    Some(Object { class, topic, native })
}

fn string(bytes: &mut Bytes<'_>) -> Option<String> {
    // Names in the registry have 39 characters at most; paths may have more.
    const MAX: u32 = 4096;
    let length = bytes.u32_le().filter(|length| *length <= MAX)?;
    Some(text::by_code_page_until_nul(bytes.take(usize::try_from(length).ok()?)?, text::WESTERN))
}

/// The file in a package, or the name of one that it only leads to. `has_size` tells the stream `\x01Ole10Native`, which begins
/// with its size, from the package alone. What is no package comes back.
pub(crate) fn member(bytes: Cow<'_, [u8]>, has_size: bool) -> Result<Member<'_>, Cow<'_, [u8]>> {
    let Some(packed) = read(&bytes, has_size) else { return Err(bytes) };
    let first = packed.names.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
    let mut member = match packed.place {
        None => {
            let mut member = Member::new(first);
            member.signs.add(Sign::LaunchAction);
            member
        }
        Some(place) => Member::of_bytes(
            first,
            match bytes {
                Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(place).unwrap_or_default()),
                Cow::Owned(mut bytes) => {
                    bytes.truncate(place.end);
                    bytes.drain(..place.start);
                    Cow::Owned(bytes)
                }
            },
        ),
    };
    packed.names.into_iter().for_each(|name| member.add_name(name));
    if packed.is_cut {
        member.signs.add(Sign::Truncated);
    }
    Ok(member)
}

/// What stands in a package.
struct Packed {
    names: Vec<String>,
    /// Where the file is; none when the package leads to a file elsewhere.
    place: Option<Range<usize>>,
    is_cut: bool,
}

fn read(bytes: &[u8], has_size: bool) -> Option<Packed> {
    const LINK: u16 = 1;
    let mut at = Bytes::from(bytes, if has_size { 4 } else { 0 });
    if at.u16_le()? != 2 {
        return None;
    }
    let label = nul_ended(&mut at)?;
    let path = nul_ended(&mut at)?;
    let _ = at.u16_le()?;
    let mut names = vec![last_of_path(&path).to_owned(), last_of_path(&label).to_owned()];
    if at.u16_le()? == LINK {
        return Some(Packed { names, place: None, is_cut: false });
    }
    at.take(4)?;
    names.push(last_of_path(&nul_ended(&mut at)?).to_owned());
    let size = usize::try_from(at.u32_le()?).ok()?;
    let (from, length) = (at.at(), at.rest().len());
    let to = from + length.min(size);
    // Newer writers put the three again behind the file, in UTF-16.
    let mut behind = Bytes::from(bytes, to);
    while let Some(name) = long_name(&mut behind).filter(|_| names.len() < 6) {
        names.push(last_of_path(&name).to_owned());
    }
    Some(Packed { names, place: Some(from..to), is_cut: length < size })
}

fn nul_ended(bytes: &mut Bytes<'_>) -> Option<String> {
    // Paths are shorter than this.
    const MAX: usize = 4096;
    let rest = bytes.rest();
    let length = memchr::memchr(0, rest.get(..MAX).unwrap_or(rest))?;
    let string = bytes.take(length)?;
    bytes.u8()?;
    Some(text::by_code_page(string, text::WESTERN))
}

fn long_name(bytes: &mut Bytes<'_>) -> Option<String> {
    let units = usize::try_from(bytes.u32_le()?).ok().filter(|units| *units <= 1024)?;
    Some(text::utf16_until_nul(bytes.take(units * 2)?))
}

fn last_of_path(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &[u8] =
        b"\x02\0label.txt\0C:\\docs\\run.exe\0\0\0\x03\0\x0C\0\0\0C:\\t\\run.exe\0\x03\0\0\0MZ!\x03\0\0\0\xFC\0.\0x\0";

    #[test]
    fn a_package_has_a_file_and_its_names() {
        let member = member(Cow::Borrowed(PACKAGE), false).unwrap();
        assert_eq!((member.name.as_str(), member.bytes(), member.size), ("run.exe", &b"MZ!"[..], Some(3)));
        assert_eq!(member.other_names, ["label.txt", "ü.x"]);
    }

    #[test]
    fn a_package_that_is_cut_keeps_what_is_there() {
        let member = member(Cow::Borrowed(PACKAGE.get(..PACKAGE.len() - 11).unwrap()), false).unwrap();
        assert_eq!(member.bytes(), b"MZ");
        assert!(member.signs.contains(Sign::Truncated));
    }

    #[test]
    fn a_package_that_leads_elsewhere_has_a_name() {
        let bytes = b"\x02\0calc\0C:\\Windows\\calc.exe\0\0\0\x01\0\x01\0C:\\Windows\\calc.exe\0";
        let member = member(Cow::Borrowed(bytes), false).unwrap();
        assert_eq!((member.name.as_str(), &member.other_names[..]), ("calc.exe", &["calc".to_owned()][..]));
        assert!(member.signs.contains(Sign::LaunchAction));
    }

    #[test]
    fn objects_of_the_older_form() {
        let bytes = b"\x01\x05\0\0\x02\0\0\0\x08\0\0\0Package\0\0\0\0\0\0\0\0\0\x04\0\0\0data more";
        let object = object(bytes).unwrap();
        assert_eq!((object.class.as_str(), object.topic.as_str(), object.native), ("Package", "", &b"data"[..]));
        assert!(super::object(b"\x01\x05\0\0\x02\0\0\0\xFF\xFF\xFF\xFF").is_none());
    }
}
