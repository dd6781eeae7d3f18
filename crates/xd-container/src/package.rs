//! Files packed into documents as OLE objects: the older form of a whole object, [MS-OLEDS] 2.2.5, and the packager's own, with
//! the file, its label and the paths it came from.

use std::borrow::Cow;

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

/// The file in a package. `has_size` tells the stream `\x01Ole10Native`, which begins with its size, from the package alone.
pub(crate) fn member<'a>(bytes: Cow<'a, [u8]>, has_size: bool) -> Option<Member<'a>> {
    let mut at = Bytes::from(&bytes, if has_size { 4 } else { 0 });
    if at.u16_le()? != 2 {
        return None;
    }
    let label = nul_ended(&mut at)?;
    let path = nul_ended(&mut at)?;
    at.take(8)?;
    let temporary = nul_ended(&mut at)?;
    let size = usize::try_from(at.u32_le()?).ok()?;
    let from = at.at();
    let is_cut = at.rest().len() < size;
    let to = from + at.rest().len().min(size);
    let mut names = vec![last_of_path(&path).to_owned(), last_of_path(&label).to_owned(), last_of_path(&temporary).to_owned()];
    // Newer writers put the three again behind the file, in UTF-16.
    let mut behind = Bytes::from(&bytes, to);
    while let Some(name) = long_name(&mut behind).filter(|_| names.len() < 6) {
        names.push(last_of_path(&name).to_owned());
    }
    let file = match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(from..to)?),
        Cow::Owned(mut bytes) => {
            bytes.truncate(to);
            bytes.drain(..from);
            Cow::Owned(bytes)
        }
    };
    let first = names.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
    let mut member = Member::of_bytes(first, file);
    names.into_iter().for_each(|name| member.add_name(name));
    if is_cut {
        member.signs.add(Sign::Truncated);
    }
    Some(member)
}

fn nul_ended(bytes: &mut Bytes<'_>) -> Option<String> {
    let length = memchr::memchr(0, bytes.rest())?;
    let string = bytes.take(length)?;
    bytes.u8()?;
    Some(text::by_code_page(text_start(string), text::WESTERN))
}

/// Paths are shorter than this.
fn text_start(string: &[u8]) -> &[u8] {
    string.get(string.len().saturating_sub(1024)..).unwrap_or(string)
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
    fn objects_of_the_older_form() {
        let bytes = b"\x01\x05\0\0\x02\0\0\0\x08\0\0\0Package\0\0\0\0\0\0\0\0\0\x04\0\0\0data more";
        let object = object(bytes).unwrap();
        assert_eq!((object.class.as_str(), object.topic.as_str(), object.native), ("Package", "", &b"data"[..]));
        assert!(super::object(b"\x01\x05\0\0\x02\0\0\0\xFF\xFF\xFF\xFF").is_none());
    }
}
