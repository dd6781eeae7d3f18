//! Any bytes as a picture of each kind, and as the pixels of one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_fuzz::carried;

fuzz_target!(|bytes: &[u8]| {
    carried::check(bytes, "image/png", "a.png");
    carried::check(bytes, "image/gif", "a.gif");
    carried::check(bytes, "image/jpeg", "a.jpg");
    if let Some((&[width, height], pixels)) = bytes.split_first_chunk() {
        // A picture of one bit for each pixel, its rows not compressed.
        let (width, height) = (usize::from(width) + 40, usize::from(height) + 40);
        let row = width.div_ceil(8);
        let mut raw = Vec::new();
        for line in pixels.chunks(row).take(height) {
            raw.push(0);
            raw.extend_from_slice(line);
            raw.resize(raw.len() + row - line.len(), 0);
        }
        let mut file = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".to_vec();
        for side in [width, height] {
            file.extend_from_slice(&u32::try_from(side).unwrap_or(40).to_be_bytes());
        }
        file.extend_from_slice(b"\x01\0\0\0\0\0\0\0\0");
        let mut data = b"\x78\x01".to_vec();
        for (number, block) in raw.chunks(60_000).enumerate() {
            let length = u16::try_from(block.len()).unwrap_or(0);
            data.push(u8::from((number + 1) * 60_000 >= raw.len()));
            data.extend_from_slice(&length.to_le_bytes());
            data.extend_from_slice(&(!length).to_le_bytes());
            data.extend_from_slice(block);
        }
        file.extend_from_slice(&u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
        file.extend_from_slice(b"IDAT");
        file.extend_from_slice(&data);
        carried::check(&file, "image/png", "a.png");
    }
});
