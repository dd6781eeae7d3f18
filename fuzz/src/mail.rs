//! Messages around bytes that are to be read as something in particular.

/// A message whose only part has this type and body, as the bytes stand.
#[must_use]
pub fn plain(content_type: &str, body: &[u8]) -> Vec<u8> {
    [header(content_type, "8bit").as_bytes(), body].concat()
}

/// The same with the body in base64.
#[must_use]
pub fn base64(content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut message = header(content_type, "base64").into_bytes();
    // 57 bytes make a line of 76 characters (RFC 2045 §6.8).
    for line in body.chunks(57) {
        for group in line.chunks(3) {
            message.extend(base64_group(group));
        }
        message.extend(b"\r\n");
    }
    message
}

/// A text as HTML that shows it: characters with a meaning in HTML as entities.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn header(content_type: &str, transfer_encoding: &str) -> String {
    format!(
        "From: Alice <alice@example.net>\r\nTo: bob@example.com\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\n\
         Message-ID: <1@example.net>\r\nMIME-Version: 1.0\r\nContent-Type: {content_type}\r\n\
         Content-Transfer-Encoding: {transfer_encoding}\r\n\r\n"
    )
}

fn base64_group(group: &[u8]) -> [u8; 4] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let byte = |at: usize| group.get(at).map_or(0, |&byte| u32::from(byte));
    let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    let mut characters = [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift & 63) as usize]);
    // Of one or two bytes, the characters that hold none of their bits are padding.
    characters[group.len() + 1..].fill(b'=');
    characters
}
