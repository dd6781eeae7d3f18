//! What a person sees of HTML, what is hidden from them, and what the page tries to do.

/// Counts of what was found in the HTML parts of a message; nested messages not included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HtmlFacts {
    /// HTML parts read.
    pub parts: u32,
    /// Tags, opening and closing.
    pub tags: u32,
    /// `form` elements.
    pub forms: u32,
    /// `input`, `textarea`, `select` and `button` elements, hidden inputs not counted.
    pub inputs: u32,
    /// Inputs of type password, or whose name or placeholder asks for a password, PIN or card number.
    pub credential_inputs: u32,
    /// `script` elements, event-handler attributes and `javascript:` links.
    pub scripts: u32,
    /// `iframe`, `frame`, `object`, `embed` and `applet` elements.
    pub frames: u32,
    /// `meta http-equiv=refresh` elements.
    pub refreshes: u32,
    /// `base` elements with a target.
    pub bases: u32,
    /// `img` elements and backgrounds, of any source.
    pub images: u32,
    /// Images whose source is remote (http or https, or relative to the protocol).
    pub remote_images: u32,
    /// Images that are embedded (`cid:` or `data:`).
    pub embedded_images: u32,
    /// Remote images of at most 2×2 pixels, or hidden: they tell the sender that the mail was opened.
    pub tracking_pixels: u32,
    /// `data:` URLs that hold HTML or script.
    pub data_documents: u32,
    /// Characters a person sees, blanks not counted.
    pub visible_chars: u32,
    /// Characters hidden from a person, blanks not counted.
    pub hidden_chars: u32,
    /// Characters written as a numeric entity though plain ASCII would do.
    pub needless_entities: u32,
    /// Comments longer than 200 bytes, conditional comments not counted.
    pub long_comments: u32,
    /// Words broken by a tag or a comment in their middle (`vi<b></b>agra`).
    pub broken_words: u32,
}
