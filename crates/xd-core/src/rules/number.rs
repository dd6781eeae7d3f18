//! What rules can count or measure, by name.

use crate::message::{TextFacts, TextView};
use crate::{Known, LinkOrigin, LinkTrick, View};

use super::target::Scene;

/// A number that stands in the table under a fixed name.
pub(crate) struct NamedNumber {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    value: for<'m> fn(Scene<'m>) -> Known<i64>,
}

/// An entry of [`NUMBERS`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Number(usize);

impl Number {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        NUMBERS.iter().position(|number| number.name == name).map(Self)
    }

    pub(crate) fn name(self) -> &'static str {
        NUMBERS[self.0].name
    }

    pub(crate) fn index(self) -> usize {
        self.0
    }

    pub(crate) fn value(self, scene: Scene<'_>) -> Known<i64> {
        (NUMBERS[self.0].value)(scene)
    }
}

/// The values of the numbers that are wanted, by index; the others stay unknown.
pub(super) fn values(scene: Scene<'_>, wanted: impl Fn(usize) -> bool) -> Vec<Known<i64>> {
    NUMBERS
        .iter()
        .enumerate()
        .map(|(index, number)| if wanted(index) { (number.value)(scene) } else { Known::default() })
        .collect()
}

fn count(items: usize) -> Known<i64> {
    Known::Found(i64::try_from(items).unwrap_or(i64::MAX))
}

fn of(value: u32) -> Known<i64> {
    Known::Found(i64::from(value))
}

/// A share in whole per cent; absent when there is nothing to take a share of.
fn per_cent(part: u64, whole: u64) -> Known<i64> {
    match part.saturating_mul(100).checked_div(whole) {
        Some(share) => Known::Found(i64::try_from(share).unwrap_or(i64::MAX)),
        None => Known::Absent,
    }
}

/// The text a person most likely reads: what HTML shows, or else the plain text.
fn shown(scene: Scene<'_>) -> &TextView {
    let html = scene.message.view(View::Html);
    if html.normal().is_empty() { scene.message.view(View::Plain) } else { html }
}

/// A count over the plain and the shown HTML text, whichever has more.
fn most(scene: Scene<'_>, fact: fn(&TextFacts) -> u32) -> Known<i64> {
    let of_view = |view| fact(scene.message.view(view).facts());
    of(of_view(View::Plain).max(of_view(View::Html)))
}

fn links_with(scene: Scene<'_>, trick: LinkTrick) -> Known<i64> {
    count(scene.message.links().iter().filter(|link| link.is_followable() && link.tricks.contains(trick)).count())
}

fn subject_share(scene: Scene<'_>, counts: fn(char) -> bool) -> Known<i64> {
    let Some(subject) = scene.message.subject() else { return Known::Absent };
    let letters = subject.chars().filter(|c| c.is_alphabetic()).count() as u64;
    per_cent(subject.chars().filter(|&c| counts(c)).count() as u64, letters)
}

/// A count that is nought when it is known that there is nothing to count.
fn or_nought<T>(fact: &Known<T>, value: fn(&T) -> i64) -> Known<i64> {
    match fact.as_ref().map(value) {
        Known::Absent => Known::Found(0),
        known => known,
    }
}

macro_rules! numbers {
    ($($name:literal $about:literal $value:expr;)*) => {
        /// Every number.
        pub(crate) static NUMBERS: &[NamedNumber] = &[$(NamedNumber { name: $name, about: $about, value: $value },)*];
    };
}

numbers! {
    "size" "bytes of the message" |s| count(s.message.raw().len());
    "fields" "header fields" |s| count(s.message.header().fields().len());
    "hops" "trace fields" |s| count(s.message.hops().len());
    "from.count" "addresses in From" |s| count(s.message.from().len());
    "to.count" "addresses in To and Cc" |s| count(s.message.to().len() + s.message.cc().len());
    "envelope.recipients" "forward-paths; unknown when there is none" |s| match s.envelope.forward_paths.len() { 0 => Known::default(), n => count(n) };
    "parts" "MIME parts, containers included" |s| count(s.message.parts().len());
    "attachments" "parts offered as files" |s| count(s.message.attachments().count());
    "attachments.inside" "files inside attached files" |s| count(s.message.attachments().filter(|part| part.in_file).count());
    "nested_messages" "messages inside the message" |s| count(s.message.parts().iter().filter(|part| part.is_nested_message()).count());
    "defects" "kinds of defects" |s| count(s.message.defects().len());
    "date.ahead" "seconds by which Date lies after reception; negative when before; absent without a readable Date" |s| match (s.message.date(), &s.evidence.now) { (Some(date), Known::Found(now)) => Known::Found(date.seconds_since(*now)), (None, _) => Known::Absent, (_, Known::Unknown(why)) => Known::Unknown(*why), (_, Known::Absent) => Known::Absent };
    "subject.chars" "characters of the subject" |s| s.message.subject().map_or(Known::Absent, |subject| count(subject.chars().count()));
    "subject.upper_percent" "share of capital letters among the letters of the subject" |s| subject_share(s, char::is_uppercase);
    "subject.non_ascii_percent" "share of letters outside ASCII in the subject" |s| subject_share(s, |c| c.is_alphabetic() && !c.is_ascii());
    "text.chars" "characters of the text a person reads, blanks not counted" |s| of(shown(s).facts().chars);
    "text.words" "words of that text" |s| of(shown(s).facts().words);
    "text.lines" "lines of that text" |s| of(shown(s).facts().lines);
    "text.longest_run" "characters of its longest run without a blank" |s| of(shown(s).facts().longest_run);
    "text.upper_percent" "share of capital letters among its letters" |s| { let facts = shown(s).facts(); per_cent(facts.upper_letters.into(), facts.letters.into()) };
    "text.exclamation_marks" "exclamation marks in it" |s| of(shown(s).facts().exclamation_marks);
    "text.currency_signs" "currency signs in it" |s| of(shown(s).facts().currency_signs);
    "text.zero_width" "zero-width characters in text" |s| most(s, |facts| facts.zero_width_chars);
    "text.bidi_controls" "characters that turn the direction of text" |s| most(s, |facts| facts.bidi_controls);
    "text.mixed_words" "words that mix scripts" |s| most(s, |facts| facts.mixed_words);
    "text.lookalike_words" "words in letters of another script that look like ASCII" |s| most(s, |facts| facts.lookalike_words);
    "text.tag_chars" "tag characters, which show nothing and can spell anything" |s| most(s, |facts| facts.tag_chars);
    "text.stacked_marks" "marks piled upon letters" |s| most(s, |facts| facts.stacked_marks);
    "text.digits" "digits in it" |s| of(shown(s).facts().digits);
    "text.question_marks" "question marks in it" |s| of(shown(s).facts().question_marks);
    "text.non_ascii_percent" "share of characters outside ASCII" |s| { let facts = shown(s).facts(); per_cent(facts.non_ascii_chars.into(), facts.chars.into()) };
    "text.styled_chars" "letters of mathematical, full-width and other styled alphabets" |s| most(s, |facts| facts.styled_chars);
    "html.parts" "HTML parts" |s| of(s.message.html().parts);
    "html.tags" "tags" |s| of(s.message.html().tags);
    "html.forms" "forms" |s| of(s.message.html().forms);
    "html.inputs" "inputs a person fills in" |s| of(s.message.html().inputs);
    "html.credential_inputs" "inputs that ask for a password, PIN or card number" |s| of(s.message.html().credential_inputs);
    "html.scripts" "scripts" |s| of(s.message.html().scripts);
    "html.frames" "frames and embedded objects" |s| of(s.message.html().frames);
    "html.refreshes" "pages that send the reader elsewhere by themselves" |s| of(s.message.html().refreshes);
    "html.bases" "base elements" |s| of(s.message.html().bases);
    "html.images" "images" |s| of(s.message.html().images);
    "html.remote_images" "images loaded from elsewhere" |s| of(s.message.html().remote_images);
    "html.tracking_pixels" "remote images that no one can see" |s| of(s.message.html().tracking_pixels);
    "html.data_documents" "documents or scripts inside data: links" |s| of(s.message.html().data_documents);
    "html.visible_chars" "characters a person sees" |s| of(s.message.html().visible_chars);
    "html.hidden_chars" "characters a person does not see" |s| of(s.message.html().hidden_chars);
    "html.hidden_percent" "share of hidden characters" |s| { let html = s.message.html(); per_cent(html.hidden_chars.into(), u64::from(html.hidden_chars) + u64::from(html.visible_chars)) };
    "html.needless_entities" "plain characters written as numbers" |s| of(s.message.html().needless_entities);
    "html.broken_words" "words broken by tags" |s| of(s.message.html().broken_words);
    "html.long_comments" "long comments" |s| of(s.message.html().long_comments);
    "links" "links a person can follow" |s| count(s.message.links().iter().filter(|link| link.is_followable()).count());
    "links.text" "links in plain text" |s| count(s.message.links().iter().filter(|link| link.origin == LinkOrigin::Text).count());
    "links.web" "http and https links a person can follow" |s| count(s.message.links().iter().filter(|link| link.is_followable() && link.scheme.starts_with("http")).count());
    "links.misleading" "links that show one host and lead to another" |s| count(s.message.links().iter().filter(|link| link.is_followable() && link.misleads()).count());
    "links.hidden" "links a person cannot see" |s| count(s.message.links().iter().filter(|link| link.is_followable() && link.hidden).count());
    "links.defanged" "links written so that programs do not see them" |s| links_with(s, LinkTrick::Defanged);
    "links.userinfo" "links with a false host before an @" |s| links_with(s, LinkTrick::Userinfo);
    "links.numeric" "links to a bare address" |s| links_with(s, LinkTrick::NumericHost);
    "links.escaped_host" "links whose host is written with escapes" |s| links_with(s, LinkTrick::EscapedHost);
    "links.international" "links to hosts outside ASCII" |s| links_with(s, LinkTrick::International);
    "links.confusable" "links to hosts in lookalike letters" |s| links_with(s, LinkTrick::Confusable);
    "links.inner_blank" "links with blanks inside" |s| links_with(s, LinkTrick::InnerBlank);
    "links.backslash" "links with backslashes for slashes" |s| links_with(s, LinkTrick::Backslash);
    "links.port" "links to an unusual port" |s| links_with(s, LinkTrick::Port);
    "links.redirect" "links with another link inside" |s| links_with(s, LinkTrick::Redirect);
    "host.good" "clean mail this host has sent us" |s| or_nought(&s.evidence.host_standing, |standing| i64::from(standing.good));
    "host.bad" "spam this host has sent us" |s| or_nought(&s.evidence.host_standing, |standing| i64::from(standing.bad));
    "host.listed" "1 when the host is on our own block list, else 0" |s| or_nought(&s.evidence.host_standing, |standing| i64::from(standing.listed));
    "correspondence.sent" "messages our recipient has sent to this sender" |s| or_nought(&s.evidence.correspondence, |past| i64::from(past.sent));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        for (index, number) in NUMBERS.iter().enumerate() {
            assert_eq!(Number::parse(number.name), Some(Number(index)), "{}", number.name);
        }
    }
}
