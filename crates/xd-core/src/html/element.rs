//! The elements of HTML as far as reading mail needs them: what kind each is, and how its content is read.

/// What an element does to the text around and inside it (HTML Living Standard §13.2.4.2 and §15.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Separates words, and closes an open paragraph.
    Block,
    /// A block that markup of text does not reach out of: table cells and their like.
    Cell,
    /// Markup of text: it may be closed past the end of blocks (the "adoption agency" of browsers).
    Formatting,
    /// Everything else within a line.
    Inline,
    /// Its content is text and nothing else.
    Raw(Raw),
    /// Has no content and no end tag.
    Void,
}

/// How content that is text and nothing else is read, and who sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Raw {
    /// Never shown by mail programs: scripts, and what stands in for frames.
    Dropped,
    /// Shown with its line ends and without entities.
    Listing,
    /// A style sheet.
    Style,
    /// Shown as the content of an input.
    TextArea,
    /// The title, which mail programs do not show.
    Title,
}

macro_rules! elements {
    ($($variant:ident $name:literal $kind:expr;)*) => {
        /// An element, by name.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub(super) enum Tag {
            $(#[doc = $name] $variant,)*
            /// An element that HTML does not know, by a hash of its name.
            Other(u16),
        }

        /// Every known element with its name in one number, see [`packed`].
        const NAMES: &[(u128, Tag)] = &[$((packed($name.as_bytes()), Tag::$variant),)*];

        impl Tag {
            pub(super) fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => $kind,)*
                    Self::Other(_) => Kind::Inline,
                }
            }
        }
    };
}

elements! {
    A "a" Kind::Formatting;
    Address "address" Kind::Block;
    Applet "applet" Kind::Cell;
    Area "area" Kind::Void;
    Article "article" Kind::Block;
    Aside "aside" Kind::Block;
    B "b" Kind::Formatting;
    Base "base" Kind::Void;
    Basefont "basefont" Kind::Void;
    Bgsound "bgsound" Kind::Void;
    Big "big" Kind::Formatting;
    Blockquote "blockquote" Kind::Block;
    Body "body" Kind::Block;
    Br "br" Kind::Void;
    Button "button" Kind::Inline;
    Caption "caption" Kind::Cell;
    Center "center" Kind::Block;
    Code "code" Kind::Formatting;
    Col "col" Kind::Void;
    Dd "dd" Kind::Block;
    Details "details" Kind::Block;
    Dir "dir" Kind::Block;
    Div "div" Kind::Block;
    Dl "dl" Kind::Block;
    Dt "dt" Kind::Block;
    Em "em" Kind::Formatting;
    Embed "embed" Kind::Void;
    Fieldset "fieldset" Kind::Block;
    Figcaption "figcaption" Kind::Block;
    Figure "figure" Kind::Block;
    Font "font" Kind::Formatting;
    Footer "footer" Kind::Block;
    Form "form" Kind::Block;
    Frame "frame" Kind::Void;
    H1 "h1" Kind::Block;
    H2 "h2" Kind::Block;
    H3 "h3" Kind::Block;
    H4 "h4" Kind::Block;
    H5 "h5" Kind::Block;
    H6 "h6" Kind::Block;
    Head "head" Kind::Block;
    Header "header" Kind::Block;
    Hr "hr" Kind::Void;
    Html "html" Kind::Block;
    I "i" Kind::Formatting;
    Iframe "iframe" Kind::Raw(Raw::Dropped);
    Image "image" Kind::Void;
    Img "img" Kind::Void;
    Input "input" Kind::Void;
    Keygen "keygen" Kind::Void;
    Label "label" Kind::Inline;
    Legend "legend" Kind::Block;
    Li "li" Kind::Block;
    Link "link" Kind::Void;
    Listing "listing" Kind::Block;
    Main "main" Kind::Block;
    Marquee "marquee" Kind::Cell;
    Math "math" Kind::Inline;
    Menu "menu" Kind::Block;
    Meta "meta" Kind::Void;
    Nav "nav" Kind::Block;
    Nobr "nobr" Kind::Formatting;
    Noembed "noembed" Kind::Raw(Raw::Dropped);
    Noframes "noframes" Kind::Raw(Raw::Dropped);
    Object "object" Kind::Cell;
    Ol "ol" Kind::Block;
    Option "option" Kind::Block;
    P "p" Kind::Block;
    Param "param" Kind::Void;
    Plaintext "plaintext" Kind::Raw(Raw::Listing);
    Pre "pre" Kind::Block;
    S "s" Kind::Formatting;
    Script "script" Kind::Raw(Raw::Dropped);
    Section "section" Kind::Block;
    Select "select" Kind::Inline;
    Small "small" Kind::Formatting;
    Source "source" Kind::Void;
    Span "span" Kind::Inline;
    Strike "strike" Kind::Formatting;
    Strong "strong" Kind::Formatting;
    Style "style" Kind::Raw(Raw::Style);
    Sub "sub" Kind::Inline;
    Sup "sup" Kind::Inline;
    Svg "svg" Kind::Inline;
    Table "table" Kind::Cell;
    Tbody "tbody" Kind::Block;
    Td "td" Kind::Cell;
    Template "template" Kind::Cell;
    Textarea "textarea" Kind::Raw(Raw::TextArea);
    Tfoot "tfoot" Kind::Block;
    Th "th" Kind::Cell;
    Thead "thead" Kind::Block;
    Title "title" Kind::Raw(Raw::Title);
    Tr "tr" Kind::Block;
    Track "track" Kind::Void;
    Tt "tt" Kind::Formatting;
    U "u" Kind::Formatting;
    Ul "ul" Kind::Block;
    Video "video" Kind::Inline;
    Wbr "wbr" Kind::Void;
    Xmp "xmp" Kind::Raw(Raw::Listing);
}

impl Tag {
    /// Whether its start ends SVG or MathML around it (HTML §13.2.6.5).
    pub(super) fn leaves_foreign_content(self) -> bool {
        matches!(
            self,
            Self::B
                | Self::Big
                | Self::Blockquote
                | Self::Body
                | Self::Br
                | Self::Center
                | Self::Code
                | Self::Dd
                | Self::Div
                | Self::Dl
                | Self::Dt
                | Self::Em
                | Self::Embed
                | Self::Font
                | Self::H1
                | Self::H2
                | Self::H3
                | Self::H4
                | Self::H5
                | Self::H6
                | Self::Head
                | Self::Hr
                | Self::I
                | Self::Img
                | Self::Li
                | Self::Listing
                | Self::Menu
                | Self::Meta
                | Self::Nobr
                | Self::Ol
                | Self::P
                | Self::Pre
                | Self::S
                | Self::Small
                | Self::Span
                | Self::Strike
                | Self::Strong
                | Self::Sub
                | Self::Sup
                | Self::Table
                | Self::Tt
                | Self::U
                | Self::Ul
        )
    }

    /// The element of this name, which stands in lower case.
    pub(super) fn from_name(name: &[u8]) -> Self {
        if name.len() <= PACKED_BYTES {
            let key = packed(name);
            let mut slot = slot_of(key);
            while let Some(&(known, tag)) = TABLE.get(slot) {
                if known == key {
                    return tag;
                }
                if known == 0 {
                    break;
                }
                slot += 1;
            }
        }
        // FNV-1a; two unknown names of one hash close each other, which browsers would not do and no one would notice.
        let hash = name.iter().fold(0x811c_9dc5_u32, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        #[expect(clippy::cast_possible_truncation, reason = "both halves are folded into one")]
        Self::Other((hash ^ hash >> 16) as u16)
    }
}

/// Bytes of the longest name that is known.
const PACKED_BYTES: usize = 16;

/// A name as one number, so that names compare in one step.
const fn packed(name: &[u8]) -> u128 {
    let mut key = 0;
    let mut at = 0;
    while at < name.len() {
        key = key << 8 | name[at] as u128;
        at += 1;
    }
    key
}

/// Where the search for a name begins in [`TABLE`].
#[expect(clippy::cast_possible_truncation, reason = "both halves are folded into one, and shifted into the table's range")]
const fn slot_of(key: u128) -> usize {
    ((key as u64 ^ (key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOT_BITS)) as usize
}

/// The table has four times as many places as there are names, so that most names are found at the first look.
const SLOT_BITS: u32 = 9;

/// [`NAMES`] by [`slot_of`]; those whose place is taken follow at the next that is free. The end is always free.
static TABLE: [(u128, Tag); (1 << SLOT_BITS) + 16] = {
    let mut table = [(0, Tag::Other(0)); (1 << SLOT_BITS) + 16];
    let mut at = 0;
    while at < NAMES.len() {
        let mut slot = slot_of(NAMES[at].0);
        while table[slot].0 != 0 {
            slot += 1;
        }
        table[slot] = NAMES[at];
        at += 1;
    }
    assert!(table[table.len() - 1].0 == 0);
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_elements() {
        for &(key, tag) in NAMES {
            let bytes = key.to_be_bytes();
            let name: Vec<u8> = bytes.into_iter().skip_while(|&byte| byte == 0).collect();
            assert_eq!(Tag::from_name(&name), tag);
        }
        assert!(matches!(Tag::from_name(b"o:p"), Tag::Other(_)));
        assert_eq!(Tag::from_name(b"o:p"), Tag::from_name(b"o:p"));
        assert_ne!(Tag::from_name(b"o:p"), Tag::from_name(b"v:p"));
        assert!(matches!(Tag::from_name(&[b'x'; 99]), Tag::Other(_)));
        assert!(matches!(Tag::from_name(b""), Tag::Other(_)));
    }
}
