//! The classifier: features of a message, and a linear model over them with integer arithmetic.
//!
//! A feature is something a message has or has not: a word of its text, a shape of its header, a relation between who it says it is from and
//! where its links lead. None is made of evidence, so the model is always known; none of rules, whose points stay bounded by
//! what they are. What would only recognise the mail that models are trained on (names of lists and hosts, addresses, dates, trace fields)
//! is no feature. A feature has its place in the model by its hash.
//!
//! The families are weighed apart: however many words a text has, they count together as far as the model's author lets them, so that text
//! appended to drown the rest drowns only text.
//!
//! Training, with floats, lives in `xd-train`. What single people or sites correct is learned beside the model, by likeness: `delta/`.

mod builtin;
mod delta;
mod encoding;
mod explain;
mod gather;
mod hash;
mod header;
mod layout;
mod links;
mod model;
mod relations;
mod words;

use crate::{Message, View};

pub use builtin::{BUILTIN, DEFAULT, builtin};
pub use delta::{Delta, DeltaCounts, DeltaError, DeltaModel, LEARNED_ID, Label, MESSAGES_MAX, POINTS_MAX};
pub use explain::Reason;
use gather::{Gather, Ids};
pub use model::{LOGIT, Model, ModelError, ModelParts, WEIGHT_UNIT};

/// Names the features. A model is of one version and no other.
pub const FEATURES: u32 = 1;

/// By what findings, settings and rules name the model's contribution. No rule may be called so.
pub const MODEL_ID: &str = "model";

/// How many places a model has for features, as a power of two. Features share places when their hashes agree in so many bits.
pub const PLACE_BITS: u32 = 20;

/// Features that are weighed together.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "a new family is a new feature version")]
#[repr(u8)]
pub enum Family {
    /// Words of the texts, and two that follow one another.
    Text,
    /// Words of the subject.
    Subject,
    /// Words of display names.
    Name,
    /// How the header section is made.
    Header,
    /// Where links lead and how they are spelled.
    Links,
    /// Parts, HTML, and how the text is written.
    Layout,
    /// How all that hangs together: names, addresses, links.
    Relations,
}

impl Family {
    /// Every family, in order.
    pub const ALL: [Self; 7] = [Self::Text, Self::Subject, Self::Name, Self::Header, Self::Links, Self::Layout, Self::Relations];

    /// The name in lower case, as in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Subject => "subject",
            Self::Name => "name",
            Self::Header => "header",
            Self::Links => "links",
            Self::Layout => "layout",
            Self::Relations => "relations",
        }
    }
}

/// The features of a message: for each family the places that they have in a model, ascending, each once.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Features {
    places: [Vec<u32>; Family::ALL.len()],
}

impl Features {
    /// The features of a message. Words are read from at most 56 KiB of each of its texts.
    ///
    /// # Example: does a digit more make another word?
    /// ```
    /// use xd_core::classify::{Family, Features};
    /// use xd_core::{Limits, Message};
    ///
    /// let of = |text: &str| Features::of(&Message::parse(format!("Subject: x\r\n\r\n{text}").as_bytes(), &Limits::default()));
    /// let (a, b) = (of("room 12"), of("room 1234"));
    /// assert_eq!(a.places(Family::Text), b.places(Family::Text));
    /// ```
    #[must_use]
    pub fn of(message: &Message<'_>) -> Self {
        let mut ids = Ids::default();
        gather(message, &mut ids);
        Self { places: ids.finish() }
    }

    /// The places of the features of a family.
    #[must_use]
    pub fn places(&self, family: Family) -> &[u32] {
        &self.places[family as usize]
    }
}

/// Gives every feature of a message.
fn gather(message: &Message<'_>, to: &mut impl Gather) {
    for view in [View::Plain, View::Html, View::Attached] {
        text(without_footer(message.view(view).normal()), Family::Text, to);
    }
    text(without_marks(&crate::normalize(message.subject().unwrap_or_default())), Family::Subject, to);
    for mailbox in message.from().iter().chain(message.reply_to()).take(8) {
        text(&crate::normalize(&mailbox.name), Family::Name, to);
    }
    header::gather(message, to);
    links::gather(message, to);
    layout::gather(message, to);
    relations::gather(message, to);
}

/// A text without what a mailing list appends: the name of the list would be known again, and with it all that lists carry. A long
/// end is no footer, so that nothing hides behind a line of underscores.
fn without_footer(text: &str) -> &str {
    const FOOTER_BYTES: usize = 600;
    let from = text.ceil_char_boundary(text.len().saturating_sub(FOOTER_BYTES));
    match text.get(from..).and_then(|end| end.find("____________________")) {
        Some(at) => text.get(..from + at).unwrap_or_default(),
        None => text,
    }
}

/// A subject without marks of answers and lists: `Re:`, `[name]`. Anyone can write them; whether they belong there is for
/// the header's features.
fn without_marks(subject: &str) -> &str {
    let mut rest = subject.trim_start();
    loop {
        let before = rest;
        for mark in ["re:", "aw:", "sv:", "fw:", "fwd:", "wg:", "antw:"] {
            rest = rest.strip_prefix(mark).unwrap_or(rest).trim_start();
        }
        if let Some((name, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'))
            && name.len() <= 40
        {
            rest = after.trim_start();
        }
        if rest.len() == before.len() {
            return rest;
        }
    }
}

/// Gives each word of a text in normal spelling, and each two that follow one another.
fn text(text: &str, family: Family, to: &mut impl Gather) {
    let kind = hash::Hash::of_kind(16 + family as u64);
    let mut before: Option<words::Word<'_>> = None;
    words::each(text, |word| {
        if let Some(word) = word {
            to.feature(family, kind.with(word.hash).value(), || word.text.to_owned());
            if let Some(before) = before {
                to.feature(family, kind.with(before.hash).with(word.hash).value(), || format!("{} {}", before.text, word.text));
            }
        }
        before = word;
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn digest(raw: &str) -> u64 {
        let features = Features::of(&Message::parse(raw.as_bytes(), &Limits::default()));
        let places = Family::ALL.into_iter().flat_map(|family| features.places(family)).copied();
        places.fold(hash::Hash::of_kind(0), |hash, place| hash.with(u64::from(place))).value()
    }

    /// Where this fails, the features are others than the models were trained on: raise [`FEATURES`] and train them anew.
    #[test]
    fn features_are_those_of_their_version() {
        let head = "From: \"Ann Lee\" <ann.lee@example.com>\r\nTo: bob@example.net\r\nSubject: Re: [list] Your invoice 4711\r\nMessage-ID: <a1@example.com>\r\n";
        let plain = format!("{head}\r\nPay $40 to joe@example.org by Friday.\r\n");
        let html = format!(
            "{head}Content-Type: text/html; charset=utf-8\r\n\r\n<p>Verify <a href='http://login.example.net/account?id=1'>your account</a><img src='http://example.net/x.gif' width=1 height=1>"
        );
        let parts = format!(
            "{head}Content-Type: multipart/mixed; boundary=ab12\r\n\r\n--ab12\r\n\r\n请点击这里\r\n--ab12\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\n\r\n%PDF-1.4\r\n--ab12--\r\n"
        );
        assert_eq!(
            (FEATURES, digest(&plain), digest(&html), digest(&parts)),
            (1, 0xac67_21c4_23b4_5951, 0xb07e_93b1_99a5_cffb, 0x3667_981b_3d09_584d)
        );
    }

    #[test]
    fn footers_and_marks_are_left_out() {
        assert_eq!(without_footer("hello ____________________ list of people"), "hello ");
        let long = format!("____________________ {}", "x".repeat(600));
        assert_eq!(without_footer(&long), long);
        assert_eq!(without_marks("re: [a-list] fwd: your order"), "your order");
        assert_eq!(without_marks("[unclosed re: x"), "[unclosed re: x");
    }
}
