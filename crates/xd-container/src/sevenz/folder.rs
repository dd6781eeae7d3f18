//! Decodes a folder of a 7z archive: ciphers, one compressor, and filters behind it.

use std::borrow::Cow;

use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::bcj2::Bcj2Reader;
use lzma_rust2::filter::delta::DeltaReader;

use super::header::{Coder, Folder};
use super::key::Keys;
use crate::unpack::{End, Method, Unpacker};
use crate::{Budget, crypt};

/// AES-256 with a key by SHA-256.
pub(super) const AES: [u8; 4] = [0x06, 0xF1, 0x07, 0x01];

/// What setting up a coder costs, in steps.
const CODER_STEPS: u64 = 500;
/// What filtering and decrypting a byte cost, in steps.
const FILTER_BYTE: u64 = 4;
const AES_BYTE: u64 = 3;

/// What came out of a folder, from its beginning on.
pub(super) struct Decoded<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) end: End,
}

impl Decoded<'_> {
    fn nothing(end: End) -> Self {
        Self { bytes: Cow::Borrowed(&[]), end }
    }
}

/// A folder with its packed streams and a password.
pub(super) struct Source<'a, 'f> {
    pub(super) folder: &'f Folder,
    pub(super) packs: Vec<&'a [u8]>,
}

impl<'a> Source<'a, '_> {
    /// The first `most` bytes of the files in it.
    pub(super) fn decode(&self, most: usize, keys: &mut Keys<'_>, budget: &mut Budget) -> Decoded<'a> {
        match self.folder.last_coder() {
            Some(last) => self.coder(last, most, keys, budget, 0),
            None => Decoded::nothing(End::Damaged),
        }
    }

    fn coder(&self, number: usize, most: usize, keys: &mut Keys<'_>, budget: &mut Budget, depth: usize) -> Decoded<'a> {
        let Some(coder) = self.folder.coders.get(number).filter(|_| depth <= self.folder.coders.len()) else {
            return Decoded::nothing(End::Damaged);
        };
        if !budget.charge_steps(CODER_STEPS) {
            return Decoded::nothing(End::Limit);
        }
        let size = self.folder.sizes.get(number).copied();
        let most = size.and_then(|size| usize::try_from(size).ok()).map_or(most, |size| most.min(size));
        let input = |index: usize, most: usize, keys: &mut Keys<'_>, budget: &mut Budget| {
            self.input(coder.first_input + index, most, keys, budget, depth + 1)
        };
        if coder.id == [3, 3, 1, 0x1B] && coder.inputs == 4 {
            let streams: Vec<_> = (0..4).map(|index| input(index, usize::MAX, keys, budget)).collect();
            return bcj2(&streams, most, budget);
        }
        match filter(&coder.id) {
            Some(filter) => filtered(filter, &coder.properties, input(0, most, keys, budget), budget),
            None if coder.id.is_empty() || coder.id == [0] => {
                let Decoded { bytes, end } = input(0, most, keys, budget);
                let is_cut = bytes.len() > most;
                Decoded { bytes: cut(bytes, most), end: if is_cut { End::More } else { end } }
            }
            None if coder.id == AES => decrypted(&coder.properties, &input(0, usize::MAX, keys, budget), keys, budget),
            None => {
                let packed = input(0, usize::MAX, keys, budget);
                if packed.bytes.is_empty() {
                    return Decoded::nothing(packed.end);
                }
                let mut unpacker = Unpacker::new(&method(coder, size), &packed.bytes, budget);
                let mut end = unpacker.advance(most, budget);
                // The size is known: what has it needs no mark of its end.
                if end == End::More && size == Some(unpacker.output().len() as u64) {
                    end = End::Complete;
                }
                Decoded { bytes: Cow::Owned(unpacker.into_output()), end }
            }
        }
    }

    fn input(&self, index: usize, most: usize, keys: &mut Keys<'_>, budget: &mut Budget, depth: usize) -> Decoded<'a> {
        if let Some((_, output)) = self.folder.bonds.iter().find(|(into, _)| *into == index) {
            return self.coder(*output, most, keys, budget, depth);
        }
        let pack = self.folder.packed.iter().position(|packed| *packed == index).and_then(|at| self.packs.get(at));
        match pack {
            Some(pack) => Decoded { bytes: Cow::Borrowed(pack), end: End::Complete },
            None => Decoded::nothing(End::Damaged),
        }
    }
}

fn cut(bytes: Cow<'_, [u8]>, most: usize) -> Cow<'_, [u8]> {
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(..most).unwrap_or(bytes)),
        Cow::Owned(mut bytes) => {
            bytes.truncate(most);
            Cow::Owned(bytes)
        }
    }
}

fn method(coder: &Coder, size: Option<u64>) -> Method {
    match (coder.id.as_slice(), coder.properties.as_slice()) {
        ([3, 1, 1], [a, b, c, d, e, ..]) => Method::Lzma { properties: [*a, *b, *c, *d, *e], size },
        ([0x21], [dictionary, ..]) => Method::Lzma2 { dictionary: *dictionary },
        ([4, 1, 8], _) => Method::Deflate,
        ([4, 1, 9], _) => Method::Deflate64,
        ([4, 2, 2], _) => Method::Bzip2,
        ([4, 0xF7, 0x11, 1], _) => Method::Zstd,
        _ => Method::Unknown,
    }
}

#[derive(Clone, Copy)]
enum Filter {
    Arm,
    Arm64,
    ArmThumb,
    Delta,
    Ia64,
    Ppc,
    Riscv,
    Sparc,
    X86,
}

fn filter(id: &[u8]) -> Option<Filter> {
    Some(match id {
        [3] => Filter::Delta,
        [4] | [3, 3, 1, 3] => Filter::X86,
        [5] | [3, 3, 2, 5] => Filter::Ppc,
        [6] | [3, 3, 4, 1] => Filter::Ia64,
        [7] | [3, 3, 5, 1] => Filter::Arm,
        [8] | [3, 3, 7, 1] => Filter::ArmThumb,
        [9] | [3, 3, 8, 5] => Filter::Sparc,
        [0x0A] => Filter::Arm64,
        [0x0B] => Filter::Riscv,
        _ => return None,
    })
}

fn filtered<'a>(filter: Filter, properties: &[u8], input: Decoded<'_>, budget: &mut Budget) -> Decoded<'a> {
    let bytes = &*input.bytes;
    if !is_paid(bytes.len(), FILTER_BYTE, budget) {
        return Decoded::nothing(End::Limit);
    }
    let output = match filter {
        Filter::Arm => read(BcjReader::new_arm(bytes, 0), bytes.len()),
        Filter::Arm64 => read(BcjReader::new_arm64(bytes, 0), bytes.len()),
        Filter::ArmThumb => read(BcjReader::new_arm_thumb(bytes, 0), bytes.len()),
        Filter::Delta => {
            let distance = properties.first().map_or(1, |distance| usize::from(*distance) + 1);
            read(DeltaReader::new(bytes, distance), bytes.len())
        }
        Filter::Ia64 => read(BcjReader::new_ia64(bytes, 0), bytes.len()),
        Filter::Ppc => read(BcjReader::new_ppc(bytes, 0), bytes.len()),
        Filter::Riscv => read(BcjReader::new_riscv(bytes, 0), bytes.len()),
        Filter::Sparc => read(BcjReader::new_sparc(bytes, 0), bytes.len()),
        Filter::X86 => read(BcjReader::new_x86(bytes, 0), bytes.len()),
    };
    Decoded { bytes: Cow::Owned(output), end: input.end }
}

fn bcj2<'a>(streams: &[Decoded<'_>], most: usize, budget: &mut Budget) -> Decoded<'a> {
    let most = most.min(streams.iter().map(|stream| stream.bytes.len()).sum());
    if !is_paid(most, FILTER_BYTE, budget) {
        return Decoded::nothing(End::Limit);
    }
    let inputs: Vec<&[u8]> = streams.iter().map(|stream| &*stream.bytes).collect();
    let Ok(reader) = Bcj2Reader::try_new(inputs, most as u64) else { return Decoded::nothing(End::Damaged) };
    let end = streams.iter().map(|stream| stream.end).find(|end| *end != End::Complete);
    Decoded { bytes: Cow::Owned(read(reader, most)), end: end.unwrap_or(End::Complete) }
}

/// What a filter gives, up to so many bytes. What it cannot read ends it.
fn read(mut reader: impl lzma_rust2::Read, most: usize) -> Vec<u8> {
    let mut output = vec![0; most];
    let mut length = 0;
    while let Some(room) = output.get_mut(length..).filter(|room| !room.is_empty()) {
        match reader.read(room) {
            Ok(given) if given > 0 => length += given,
            _ => break,
        }
    }
    output.truncate(length);
    output
}

fn decrypted<'a>(properties: &[u8], input: &Decoded<'_>, keys: &mut Keys<'_>, budget: &mut Budget) -> Decoded<'a> {
    let Some((key, iv)) = keys.key(properties, budget) else { return Decoded::nothing(End::Damaged) };
    if !is_paid(input.bytes.len(), AES_BYTE, budget) {
        return Decoded::nothing(End::Limit);
    }
    let mut bytes = input.bytes.to_vec();
    crypt::aes_cbc_decrypt(&key, iv, &mut bytes);
    Decoded { bytes: Cow::Owned(bytes), end: input.end }
}

/// Bytes that are written once more count as decoded.
fn is_paid(bytes: usize, steps: u64, budget: &mut Budget) -> bool {
    let is_left = bytes <= budget.decoded_left() && budget.charge_steps(bytes as u64 * steps);
    if is_left {
        budget.charge_decoded(bytes);
    }
    is_left
}
