//! Codes drawn into pictures of each kind, and pictures without one.

use super::*;

/// "https://www.example.com/q" at level M, by the Python package qrcode 8 (mask and version its own choice).
const CODE: &[&str] = include!("code.in");

fn luma(scale: usize, margin: usize, turned: bool, inverted: bool) -> Luma {
    let side = CODE.len() * scale + 2 * margin;
    let mut pixels = vec![if inverted { 20 } else { 250 }; side * side];
    for (row, line) in CODE.iter().enumerate() {
        for (column, module) in line.bytes().enumerate() {
            if module != b'#' {
                continue;
            }
            let (row, column) = if turned { (CODE.len() - 1 - column, row) } else { (row, column) };
            for y in 0..scale {
                let start = (margin + row * scale + y) * side + margin + column * scale;
                pixels[start..start + scale].fill(if inverted { 250 } else { 20 });
            }
        }
    }
    Luma { width: side, height: side, pixels }
}

fn links(luma: Luma) -> Vec<String> {
    let mut opened = Opened::new();
    read(luma, &mut opened, &mut Budget::default());
    assert_eq!(opened.signs.contains(Sign::QrCode), !opened.links.is_empty());
    opened.links
}

fn png(luma: &Luma, depth: u8, colour: u8, row: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let raw: Vec<u8> = luma.pixels.chunks(luma.width).flat_map(|line| [vec![0], row(line)].concat()).collect();
    png_of(luma, [depth, colour, 0, 0, 0], &raw)
}

fn png_of(luma: &Luma, kind: [u8; 5], raw: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1A\n".to_vec();
    let mut chunk = |kind: &[u8], data: &[u8]| {
        bytes.extend_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(kind);
        bytes.extend_from_slice(data);
        bytes.extend_from_slice(&[0; 4]);
    };
    let size = |side: usize| u32::try_from(side).unwrap().to_be_bytes();
    chunk(b"IHDR", &[&size(luma.width)[..], &size(luma.height), &kind].concat());
    chunk(b"IDAT", &miniz_oxide::deflate::compress_to_vec_zlib(raw, 6));
    chunk(b"IEND", b"");
    bytes
}

const ADDRESS: &str = "https://www.example.com/q";

#[test]
fn codes_are_read_upright_turned_inverted_large_and_small() {
    for scale in [2, 3, 8] {
        for turned in [false, true] {
            for inverted in [false, true] {
                assert_eq!(links(luma(scale, 4 * scale, turned, inverted)), [ADDRESS], "{scale} {turned} {inverted}");
            }
        }
    }
}

#[test]
fn pictures_without_a_code() {
    let size = 300;
    let flat = Luma { width: size, height: size, pixels: vec![200; size * size] };
    let ramp = Luma {
        width: size,
        height: size,
        pixels: (0..size * size).map(|at| (at % size * 255 / size).to_le_bytes()[0]).collect(),
    };
    let stripes =
        Luma { width: size, height: size, pixels: (0..size * size).map(|at| if at / 3 % 2 == 0 { 0 } else { 255 }).collect() };
    for luma in [flat, ramp, stripes] {
        assert!(links(luma).is_empty());
    }
}

#[test]
fn codes_in_files_of_each_kind_of_pixel() {
    let luma = luma(3, 12, false, false);
    let one_bit = |line: &[u8]| {
        line.chunks(8)
            .map(|eight| eight.iter().enumerate().fold(0, |byte, (at, pixel)| byte | u8::from(*pixel > 100) << (7 - at)))
            .collect()
    };
    let files = [
        png(&luma, 8, 0, <[u8]>::to_vec),
        png(&luma, 1, 0, one_bit),
        png(&luma, 8, 2, |line| line.iter().flat_map(|pixel| [*pixel; 3]).collect()),
        // Black and white in transparency alone.
        png(&luma, 8, 6, |line| line.iter().flat_map(|pixel| [0, 0, 0, 255 - pixel]).collect()),
        png(&luma, 16, 4, |line| line.iter().flat_map(|pixel| [*pixel, 0, 255, 255]).collect()),
    ];
    for (number, bytes) in files.iter().enumerate() {
        let opened = open(bytes, "image/png", &mut Budget::default()).unwrap();
        assert_eq!(opened.links, [ADDRESS], "{number}");
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::QrCode], "{number}");
    }
}

#[test]
fn codes_in_pictures_of_seven_passes() {
    let luma = luma(3, 12, false, false);
    let mut raw = Vec::new();
    for (x, y, right, down) in png::PASSES {
        for line in luma.pixels.chunks(luma.width).skip(y).step_by(down) {
            raw.push(0);
            raw.extend(line.iter().skip(x).step_by(right));
        }
    }
    let opened = open(&png_of(&luma, [8, 0, 0, 0, 1], &raw), "image/png", &mut Budget::default()).unwrap();
    assert_eq!(opened.links, [ADDRESS]);
}

/// The same code by Pillow 13, progressive: two pixels a module at quality 75, four at 30, and three in grey at 50.
const LAYERED: [&[u8]; 3] =
    [include_bytes!("samples/layers-2.jpg"), include_bytes!("samples/layers-4.jpg"), include_bytes!("samples/grey-3.jpg")];

#[test]
fn codes_in_pictures_of_many_layers() {
    for (bytes, is_fine) in LAYERED.into_iter().zip([true, false, false]) {
        let light = jpeg::lightened(bytes);
        assert_eq!(light.is_some(), is_fine, "at low qualities all layers are decoded");
        if let Some(light) = light {
            assert!(light.len() < bytes.len());
            let (width, height) = jpeg::size(bytes).unwrap();
            let bits = Bits::of(jpeg::decode(&light, width, height).unwrap()).unwrap();
            assert!(finder::find(&bits).corners.len() >= 3);
        }
        let opened = open(bytes, "image/jpeg", &mut Budget::default()).unwrap();
        assert_eq!(opened.links, [ADDRESS]);
    }
    assert_eq!(jpeg::lightened(b"\xFF\xD8\xFF\xDA"), None);
}

#[test]
fn layers_that_may_hold_a_code_by_themselves_are_decoded() {
    let sample = LAYERED[0];
    let table = memchr::memmem::find(sample, b"\xFF\xDB").unwrap() + 5;
    for (place, limit) in [(0, 50), (1, 25), (24, 25), (25, 62), (63, 62)] {
        for (step, is_fine) in [(limit, true), (limit + 1, false), (255, false)] {
            let mut bytes = sample.to_vec();
            bytes[table + place] = step;
            assert_eq!(jpeg::lightened(&bytes).is_some(), is_fine, "{place} {step}");
        }
    }
    // What the first scan of a block as a whole, and of what is in it, leaves to others.
    let scans: Vec<_> = memchr::memmem::find_iter(sample, b"\xFF\xDA").collect();
    for (scan, most) in [(scans[0], 1), (scans[1], 2)] {
        let bits = scan + 1 + usize::from(sample[scan + 3]);
        assert!(sample[bits] <= most);
        for (left, is_fine) in [(most, true), (most + 1, false), (13, false)] {
            let mut bytes = sample.to_vec();
            bytes[bits] = left;
            assert_eq!(jpeg::lightened(&bytes).is_some(), is_fine, "{left}");
        }
    }
}

#[test]
fn pictures_beyond_the_bounds_are_not_decoded() {
    let tiny = Luma { width: 39, height: 400, pixels: vec![0; 39 * 400] };
    let opened = open(&png(&tiny, 8, 0, <[u8]>::to_vec), "image/png", &mut Budget::default()).unwrap();
    assert!(opened.signs.is_empty());
    let mut large = png(&tiny, 8, 0, <[u8]>::to_vec);
    large[16..20].copy_from_slice(&10_001_u32.to_be_bytes());
    assert!(open(&large, "image/png", &mut Budget::default()).unwrap().signs.contains(Sign::Limit));
    let mut budget = Budget::new(crate::Bounds { steps: 1_000, ..crate::Bounds::default() });
    large[16..20].copy_from_slice(&400_u32.to_be_bytes());
    assert!(open(&large, "image/png", &mut budget).unwrap().signs.contains(Sign::Limit));
}

#[test]
fn damaged_pictures_end() {
    let sample = png(&luma(2, 8, false, false), 8, 0, <[u8]>::to_vec);
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..300 {
        let mut bytes = sample.clone();
        match random(3) {
            0 => {
                let at = random(bytes.len());
                bytes[at] ^= 1 << random(8);
            }
            1 => bytes.truncate(random(sample.len())),
            _ => bytes.insert(random(sample.len()), u8::try_from(random(256)).unwrap()),
        }
        let mut budget = Budget::new(crate::Bounds { steps: 20_000_000, ..crate::Bounds::default() });
        for kind in ["image/png", "image/gif", "image/jpeg"] {
            let _ = open(&bytes, kind, &mut budget);
        }
    }
}
