//! Links of objects to what they stand for, [MS-OSHARED] 2.3.7: monikers, of which one names an address.

use memchr::memmem;

use crate::bytes::Bytes;
use crate::opened::Opened;
use crate::{fields, text};

const ADDRESS: &[u8] = b"\xE0\xC9\xEA\x79\xF9\xBA\xCE\x11\x8C\x82\0\xAA\0\x4B\xA9\x0B";
const FILE: &[u8] = b"\x03\x03\0\0\0\0\0\0\xC0\0\0\0\0\0\0F";

/// Links that are read of one stream; 100.
const MAX_LINKS: usize = 100;

/// Adds the links in a stream `\x01Ole`: what is fetched from there when the document is opened.
pub(super) fn read(stream: &[u8], opened: &mut Opened<'_>) {
    addresses(stream).for_each(|address| fields::remote(&address, opened));
    for place in memmem::find_iter(stream, FILE).take(MAX_LINKS) {
        let mut file = Bytes::from(stream, place + FILE.len() + 2);
        let path = file.u32_le().and_then(|length| usize::try_from(length).ok()).and_then(|length| file.take(length.min(4096)));
        path.into_iter().for_each(|path| fields::remote(&text::by_code_page_until_nul(path, text::WESTERN), opened));
    }
}

/// The addresses that monikers name.
pub(super) fn addresses(bytes: &[u8]) -> impl Iterator<Item = String> {
    memmem::find_iter(bytes, ADDRESS).take(MAX_LINKS).filter_map(|place| {
        let mut address = Bytes::from(bytes, place + ADDRESS.len());
        let length = usize::try_from(address.u32_le()?).ok()?.min(8192).min(address.rest().len());
        Some(text::utf16_until_nul(address.take(length)?)).filter(|address| !address.is_empty())
    })
}
