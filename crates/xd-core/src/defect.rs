//! What is wrong with a message as bytes: recorded, never fatal.
//!
//! Malformed mail is ordinary. Each defect has an id that rules, reports and capsules use, and a sentence for people.

use std::fmt;

macro_rules! defects {
    ($($(#[$doc:meta])* $variant:ident $id:literal $sentence:literal;)*) => {
        /// One kind of departure from the standards, or a limit reached.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Defect {
            $(#[doc = $sentence] $(#[$doc])* $variant,)*
        }

        impl Defect {
            /// Every defect, in the order of their ids' declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The id that rules and reports use.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// A sentence for people, without a final period.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

defects! {
    // The whole.
    EmptyMessage "empty-message" "the message has no bytes";
    NoHeaderSection "no-header-section" "the message begins with something that is no header field";
    NoBody "no-body" "the header section is not followed by an empty line";
    NulByte "nul-byte" "a NUL byte stands in the header or in text";
    BareCarriageReturn "bare-cr" "a CR stands without LF";
    MixedLineEnds "mixed-line-ends" "lines end in LF in some places and in CRLF in others";
    // Header fields.
    MalformedField "malformed-field" "a line of the header section is no header field";
    BadFieldName "bad-field-name" "a field name holds a character that names may not hold";
    SpaceBeforeColon "space-before-colon" "blanks stand between a field name and its colon";
    BlankFold "blank-fold" "a header field goes on after a line of blanks, which some programs take for the end of the header";
    EightBitHeader "8bit-header" "a header field holds raw bytes outside ASCII that are not UTF-8";
    BadEncodedWord "bad-encoded-word" "an encoded word in a header field cannot be decoded";
    NoFrom "no-from" "there is no From field";
    NoDate "no-date" "there is no Date field";
    NoMessageId "no-message-id" "there is no Message-ID field";
    DuplicateFrom "duplicate-from" "From stands more than once";
    DuplicateSender "duplicate-sender" "Sender stands more than once";
    DuplicateReplyTo "duplicate-reply-to" "Reply-To stands more than once";
    DuplicateTo "duplicate-to" "To stands more than once";
    DuplicateCc "duplicate-cc" "Cc stands more than once";
    DuplicateSubject "duplicate-subject" "Subject stands more than once";
    DuplicateDate "duplicate-date" "Date stands more than once";
    DuplicateMessageId "duplicate-message-id" "Message-ID stands more than once";
    DuplicateContentType "duplicate-content-type" "Content-Type stands more than once in one header section";
    DuplicateTransferEncoding "duplicate-transfer-encoding" "Content-Transfer-Encoding stands more than once in one header section";
    DuplicateDisposition "duplicate-disposition" "Content-Disposition stands more than once in one header section";
    DuplicateMimeVersion "duplicate-mime-version" "MIME-Version stands more than once";
    SeveralFromAddresses "several-from-addresses" "From names more than one address";
    UnreadableFrom "unreadable-from" "From holds no address that can be read";
    UnreadableDate "unreadable-date" "Date cannot be read";
    DateWithoutZone "date-without-zone" "Date names no time zone";
    // MIME.
    BadContentType "bad-content-type" "a Content-Type cannot be read";
    DuplicateParameter "duplicate-parameter" "a MIME parameter stands twice with different values";
    ParameterForms "parameter-forms" "a MIME parameter stands both plain and in RFC 2231 form with different values";
    ParameterGap "parameter-gap" "the pieces of an RFC 2231 parameter do not follow each other";
    NamesDiffer "names-differ" "the name and the filename of a part have different endings";
    NoBoundary "no-boundary" "a multipart has no boundary";
    BadBoundary "bad-boundary" "a boundary is empty, longer than 70 characters, or ends in a blank";
    DuplicateBoundary "duplicate-boundary" "a multipart uses the boundary of a multipart around it";
    BoundaryNotFound "boundary-not-found" "the boundary of a multipart never appears";
    UnterminatedMultipart "unterminated-multipart" "a multipart does not end with its closing boundary";
    LooseBoundary "loose-boundary" "more text stands on the line of a boundary";
    PartAfterEnd "part-after-end" "a part follows the closing boundary of its multipart";
    UnknownTransferEncoding "unknown-transfer-encoding" "a part names a transfer encoding that does not exist";
    EncodedMultipart "encoded-multipart" "a multipart names a transfer encoding that would hide its parts";
    EncodedMessage "encoded-message" "a nested message stands in a transfer encoding";
    BadBase64 "bad-base64" "a base64 part holds characters outside its alphabet or ends in the middle";
    DataAfterBase64 "data-after-base64" "data follows the padding of a base64 part";
    BadQuotedPrintable "bad-quoted-printable" "a quoted-printable part holds an escape that is none";
    UnknownCharset "unknown-charset" "a text names a charset that is not known";
    BadCharset "bad-charset" "a text holds bytes that its charset does not know";
    EightBitInSevenBit "8bit-in-7bit" "a part declared as 7bit holds bytes outside ASCII";
    // Limits.
    FieldLimit "limit-fields" "there are more header fields than are read";
    FieldBytesLimit "limit-field-bytes" "a header field is longer than is read";
    AddressLimit "limit-addresses" "the header fields of one name hold more addresses than are read";
    HopLimit "limit-hops" "there are more trace fields than are read";
    PartLimit "limit-parts" "there are more parts than are read";
    DepthLimit "limit-depth" "parts nest deeper than is read";
    DecodedLimit "limit-decoded-bytes" "there is more to decode than is read";
    TextLimit "limit-text" "a text is longer than rules read; its middle was skipped";
    LinkLimit "limit-links" "there are more links than are kept";
    LinkBytesLimit "limit-link-bytes" "a link is longer than is kept";
    HtmlDepthLimit "limit-html-depth" "HTML elements nest deeper than is tracked";
}

impl Defect {
    /// The defect with this id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|defect| defect.id() == id)
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The defects of one message, each at most once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Defects(u128);

const _: () = assert!(Defect::ALL.len() <= 128, "a set of defects is one u128");

impl Defects {
    /// Records a defect.
    pub fn record(&mut self, defect: Defect) {
        self.0 |= 1 << defect as u8;
    }

    /// Records all defects of another set.
    pub fn record_all(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether the defect was recorded.
    #[must_use]
    pub fn contains(self, defect: Defect) -> bool {
        self.0 & (1 << defect as u8) != 0
    }

    /// Whether none was recorded.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many kinds were recorded.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The defects in the order of [`Defect::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        Defect::ALL.iter().copied().filter(move |&defect| self.contains(defect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinct_and_found_again() {
        for &defect in Defect::ALL {
            assert_eq!(Defect::from_id(defect.id()), Some(defect));
        }
    }

    #[test]
    fn a_set_gives_back_what_was_recorded() {
        let mut defects = Defects::default();
        assert!(defects.is_empty());
        defects.record(Defect::HtmlDepthLimit);
        defects.record(Defect::EmptyMessage);
        defects.record(Defect::EmptyMessage);
        assert_eq!(defects.iter().collect::<Vec<_>>(), [Defect::EmptyMessage, Defect::HtmlDepthLimit]);
        assert_eq!(defects.len(), 2);
    }
}
