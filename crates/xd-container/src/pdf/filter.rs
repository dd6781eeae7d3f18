//! Filters of streams (ISO 32000-2 §7.4): Flate, LZW, hexadecimal, base 85, run lengths.

use super::lexer::{Dictionary, Object, hex, is_blank};
use super::predictor::Predictor;
use crate::{Budget, Sign, Signs};

/// Filters one after the other; real files have two.
const MAX_FILTERS: usize = 6;

/// One filter of a stream.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    Ascii85,
    AsciiHex,
    Flate(Option<Predictor>),
    Lzw {
        is_early: bool,
        predictor: Option<Predictor>,
    },
    RunLength,
    /// Pictures, ciphers, and what does not exist.
    Unknown,
}

/// What came out of a stream.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    /// Whether there may be more.
    pub(super) is_cut: bool,
    pub(super) signs: Signs,
}

/// The filters that `Filter` and `DecodeParms` name.
pub(super) fn filters(names: Option<&Object>, parameters: Option<&Object>) -> Vec<Filter> {
    let names: Vec<&str> = match names {
        Some(Object::Name(name)) => vec![name],
        Some(Object::Array(names)) => {
            names.iter().filter_map(|name| if let Object::Name(name) = name { Some(&**name) } else { None }).collect()
        }
        _ => Vec::new(),
    };
    let parameters_of = |index: usize| match parameters {
        Some(Object::Array(all)) => all.get(index),
        other => other,
    };
    let filter = |(index, name): (usize, &&str)| match *name {
        "ASCII85Decode" | "A85" => Filter::Ascii85,
        "ASCIIHexDecode" | "AHx" => Filter::AsciiHex,
        "FlateDecode" | "Fl" => Filter::Flate(Predictor::new(parameters_of(index))),
        "LZWDecode" | "LZW" => {
            let early = |parameters: &Dictionary| parameters.number("EarlyChange");
            let early = parameters_of(index)
                .and_then(|parameters| if let Object::Dictionary(parameters) = parameters { early(parameters) } else { None });
            Filter::Lzw { is_early: early != Some(0), predictor: Predictor::new(parameters_of(index)) }
        }
        "RunLengthDecode" | "RL" => Filter::RunLength,
        _ => Filter::Unknown,
    };
    let mut filters: Vec<Filter> = names.iter().enumerate().take(MAX_FILTERS).map(filter).collect();
    if names.len() > MAX_FILTERS {
        filters.push(Filter::Unknown);
    }
    filters
}

/// Undoes the filters, up to so many bytes of the result.
pub(super) fn decode(stream: &[u8], filters: &[Filter], most: usize, budget: &mut Budget) -> Decoded {
    let mut decoded = Decoded { bytes: Vec::new(), is_cut: false, signs: Signs::default() };
    for (index, filter) in filters.iter().enumerate() {
        let input = if index == 0 { stream } else { &decoded.bytes };
        let affordable = usize::try_from(budget.steps_left() / 4).unwrap_or(usize::MAX);
        let room = budget.decoded_left().min(affordable);
        let limit = if index + 1 == filters.len() { most.min(room) } else { room };
        if !budget.charge_steps(1_000) || limit == 0 {
            decoded.signs.add(Sign::Limit);
            decoded.is_cut = true;
            break;
        }
        let (output, is_cut, is_damaged) = match filter {
            Filter::Ascii85 => ascii85(input, limit),
            Filter::AsciiHex => ascii_hex(input, limit),
            Filter::Flate(predictor) => predicted(flate(input, limit), *predictor),
            Filter::Lzw { is_early, predictor } => predicted(lzw(input, *is_early, limit), *predictor),
            Filter::RunLength => run_length(input, limit),
            Filter::Unknown => {
                decoded.signs.add(Sign::Unsupported);
                decoded.bytes.clear();
                break;
            }
        };
        budget.charge_decoded(output.len());
        let read = if is_cut { output.len() } else { input.len() };
        let is_paid = budget.charge_steps(output.len() as u64 * 2 + read.min(input.len()) as u64 * 6);
        if is_cut && (limit == room || !is_paid) {
            decoded.signs.add(Sign::Limit);
        }
        if is_damaged {
            decoded.signs.add(Sign::Damaged);
        }
        decoded.is_cut |= is_cut;
        decoded.bytes = output;
    }
    if filters.is_empty() {
        let length = stream.len().min(most).min(budget.decoded_left());
        decoded.bytes = stream.get(..length).unwrap_or(stream).to_vec();
        decoded.is_cut = length < stream.len();
        budget.charge_decoded(length);
    }
    decoded
}

/// Output, whether it was cut at the limit, whether the input was damaged.
pub(crate) type Output = (Vec<u8>, bool, bool);

fn predicted((bytes, is_cut, is_damaged): Output, predictor: Option<Predictor>) -> Output {
    let bytes = match predictor {
        Some(predictor) => predictor.undo(bytes),
        None => bytes,
    };
    (bytes, is_cut, is_damaged)
}

fn flate(input: &[u8], limit: usize) -> Output {
    let (bytes, is_cut, is_damaged) = inflate(input, true, limit);
    if !bytes.is_empty() || !is_damaged {
        return (bytes, is_cut, is_damaged);
    }
    // The two bytes of the header may be damaged or blanks: what follows is Deflate all the same.
    let (bytes, is_cut, _) = inflate(input.get(2..).unwrap_or_default(), false, limit);
    (bytes, is_cut, true)
}

/// Deflate, in a zlib stream or by itself. What came out before damage is kept, and checksums do not count.
pub(crate) fn inflate(input: &[u8], is_zlib: bool, limit: usize) -> Output {
    use miniz_oxide::inflate::TINFLStatus;
    use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
        | inflate_flags::TINFL_FLAG_IGNORE_ADLER32
        | if is_zlib { inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER } else { 0 };
    let mut decompressor = Box::<DecompressorOxide>::default();
    let mut output = vec![0; limit.min(input.len().saturating_mul(2)).max(limit.min(1_024))];
    let (mut read, mut written) = (0, 0);
    loop {
        let rest = input.get(read..).unwrap_or_default();
        let (status, taken, made) = decompress(&mut decompressor, rest, &mut output, written, flags);
        read += taken;
        written += made;
        if status == TINFLStatus::HasMoreOutput && output.len() < limit {
            output.resize(output.len().saturating_mul(2).min(limit), 0);
            continue;
        }
        output.truncate(written);
        return (output, status == TINFLStatus::HasMoreOutput, !matches!(status, TINFLStatus::Done | TINFLStatus::HasMoreOutput));
    }
}

fn ascii_hex(input: &[u8], limit: usize) -> Output {
    let mut digits = input.iter().copied().take_while(|b| *b != b'>').filter_map(hex);
    let mut output = Vec::new();
    while let Some(high) = digits.next() {
        if output.len() >= limit {
            return (output, true, false);
        }
        output.push(high << 4 | digits.next().unwrap_or(0));
    }
    (output, false, false)
}

fn ascii85(input: &[u8], limit: usize) -> Output {
    let (mut output, mut group, mut count) = (Vec::new(), 0_u32, 0_usize);
    let input = input.trim_ascii_start().strip_prefix(b"<~").unwrap_or(input);
    for &b in input.iter().take_while(|b| **b != b'~').filter(|b| !is_blank(**b)) {
        if output.len() >= limit {
            output.truncate(limit);
            return (output, true, false);
        }
        match b {
            b'z' if count == 0 => output.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => {
                group = group.wrapping_mul(85).wrapping_add(u32::from(b - b'!'));
                count += 1;
                if count == 5 {
                    output.extend_from_slice(&group.to_be_bytes());
                    (group, count) = (0, 0);
                }
            }
            _ => return (output, false, true),
        }
    }
    if count > 1 {
        for _ in count..5 {
            group = group.wrapping_mul(85).wrapping_add(84);
        }
        output.extend(group.to_be_bytes().into_iter().take(count - 1));
    }
    let is_cut = output.len() > limit;
    output.truncate(limit);
    (output, is_cut, false)
}

fn run_length(input: &[u8], limit: usize) -> Output {
    let mut output = Vec::new();
    let mut rest = input;
    while let Some((&length, after)) = rest.split_first() {
        if output.len() >= limit {
            output.truncate(limit);
            return (output, true, false);
        }
        let taken = match length {
            128 => break,
            0..128 => {
                let run = after.get(..usize::from(length) + 1).unwrap_or(after);
                output.extend_from_slice(run);
                run.len()
            }
            _ => {
                let Some(&byte) = after.first() else { break };
                output.extend(std::iter::repeat_n(byte, 257 - usize::from(length)));
                1
            }
        };
        rest = after.get(taken..).unwrap_or_default();
    }
    let is_cut = output.len() > limit;
    output.truncate(limit);
    (output, is_cut, false)
}

/// LZW with codes of 9 to 12 bits, the highest bit first. 256 clears the table, 257 ends.
fn lzw(input: &[u8], is_early: bool, limit: usize) -> Output {
    let mut output: Vec<u8> = Vec::new();
    // Each code stands for bytes of the output: where they begin and how many.
    let mut table: Vec<(usize, usize)> = Vec::new();
    let mut previous: Option<(usize, usize)> = None;
    let (mut bits, mut held, mut width) = (0_u32, 0_u32, 9_u32);
    for &b in input {
        bits = bits << 8 | u32::from(b);
        held += 8;
        if held < width {
            continue;
        }
        held -= width;
        let code = usize::try_from(bits >> held & ((1 << width) - 1)).unwrap_or(257);
        bits &= (1 << held) - 1;
        if output.len() >= limit {
            output.truncate(limit);
            return (output, true, false);
        }
        let start = output.len();
        match code {
            256 => {
                table.clear();
                previous = None;
                width = 9;
                continue;
            }
            257 => return (output, false, false),
            0..256 => output.push(code.to_le_bytes()[0]),
            _ => {
                let (from, length) = match (table.get(code - 258), previous) {
                    (Some(&known), _) => known,
                    // The code that is just being made: the bytes before, and the first of them again.
                    (None, Some((from, length))) if code - 258 == table.len() => (from, length + 1),
                    _ => return (output, false, true),
                };
                for at in from..from + length {
                    let byte = output.get(at).copied().unwrap_or(0);
                    output.push(byte);
                }
            }
        }
        if let Some((from, length)) = previous
            && table.len() < 4096 - 258
        {
            // Its bytes and the one behind them stand in the output already.
            table.push((from, length + 1));
        }
        previous = Some((start, output.len() - start));
        let next = table.len() + 259 + usize::from(is_early) - 1;
        width = match next {
            0..512 => 9,
            512..1024 => 10,
            1024..2048 => 11,
            _ => 12,
        };
    }
    let is_cut = output.len() > limit;
    output.truncate(limit);
    (output, is_cut, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_gives_back_what_was_packed() {
        // Expected values by Python's base64.a85encode, ISO 32000-2 §7.4.4.2 (LZW), and by hand.
        assert_eq!(ascii85(b"<~87cURD]i,\"Ebo80~>", 99).0, b"Hello World!");
        assert_eq!(ascii_hex(b"48 65 6C6c 6F 7>", 99).0, b"Hellop");
        assert_eq!(run_length(b"\x02abc\xFEz\x80junk", 99).0, b"abczzz");
        assert_eq!(lzw(b"\x80\x0B\x60\x50\x22\x0C\x0C\x85\x01", true, 99).0, [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&b"ab".repeat(5_000), 6);
        assert_eq!(flate(&packed, usize::MAX).0.len(), 10_000);
        assert_eq!(flate(&packed, 100), (b"ab".repeat(50), true, false));
        assert!(flate(&packed[..packed.len() - 8], 99_999).2);
        let mut headless = packed.clone();
        headless[0] = 0;
        assert_eq!(flate(&headless, 99_999).0.len(), 10_000);
    }

    #[test]
    fn every_filter_stops_at_its_limit() {
        for output in [
            ascii85(b"zzzzzz", 5),
            ascii_hex(b"414141", 2),
            run_length(b"\x81a\x81a", 7),
            lzw(b"\x80\x0B\x60\x50\x22\x0C\x0C\x85\x01", true, 3),
        ] {
            assert!(output.1 && [5, 2, 7, 3].contains(&output.0.len()), "{output:?}");
        }
    }

    #[test]
    fn rows_of_differences() {
        let parameters = |text: &[u8]| super::super::lexer::Parser::new(text, 0).object();
        let png = Predictor::new(Some(&parameters(b"<< /Predictor 12 /Columns 2 >>"))).unwrap();
        assert_eq!(png.undo(vec![2, 1, 2, 2, 1, 1, 1, 5, 1, 4, 1, 1]), [1, 2, 2, 3, 5, 6, 6, 7]);
        let tiff = Predictor::new(Some(&parameters(b"<< /Predictor 2 /Columns 3 >>"))).unwrap();
        assert_eq!(tiff.undo(vec![1, 1, 1, 2, 2]), [1, 2, 3, 2, 4]);
        assert!(Predictor::new(Some(&parameters(b"<< /Predictor 1 >>"))).is_none());
    }
}
