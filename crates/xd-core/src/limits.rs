//! The named bounds of all work on one message, each with its reason.
//!
//! The bounds are generous: ordinary mail never meets one. Reaching one is a [`Defect`](crate::Defect), so that
//! rules see it and nobody takes the unread rest for clean.

/// How much of a message is read and kept.
///
/// # Example: how deep may parts nest?
/// ```
/// assert_eq!(xd_core::Limits::default().depth, 100);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Header fields read from one header section; 10,000. Real mail stays below 300.
    pub fields: usize,
    /// Bytes of one header field that are decoded; 64 KiB. Longer values are kept raw and judged by their beginning.
    pub field_bytes: usize,
    /// Addresses taken from all header fields of one name; 2,000. Lists of recipients in real mail stay below 1,000.
    pub addresses: usize,
    /// Trace fields read as hops; 200. Postfix takes 50 for a loop.
    pub hops: usize,
    /// MIME parts, containers included; 2,000.
    pub parts: usize,
    /// Levels of nesting, multiparts and nested messages together; 100, as Postfix.
    pub depth: usize,
    /// Bytes decoded from transfer encodings and charsets over all parts and levels; 10 MiB.
    pub decoded_bytes: usize,
    /// Bytes at the beginning of each text view that rules read; 512 KiB.
    pub text_head: usize,
    /// Bytes at the end of each text view that rules read; 64 KiB. Spam hides behind a long preamble.
    pub text_tail: usize,
    /// Links kept; 5,000.
    pub links: usize,
    /// Bytes of one link that are kept; 4 KiB. Browsers take more, people do not.
    pub link_bytes: usize,
    /// Open HTML elements whose visibility is tracked; 512, as browsers.
    pub html_depth: usize,
    /// What opening files may cost: archives, documents, TNEF, over all of them together.
    pub files: xd_container::Bounds,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fields: 10_000,
            field_bytes: 64 << 10,
            addresses: 2_000,
            hops: 200,
            parts: 2_000,
            depth: 100,
            decoded_bytes: 10 << 20,
            text_head: 512 << 10,
            text_tail: 64 << 10,
            links: 5_000,
            link_bytes: 4 << 10,
            html_depth: 512,
            files: xd_container::Bounds::default(),
        }
    }
}
