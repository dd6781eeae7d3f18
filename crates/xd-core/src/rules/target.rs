//! What rules can look at: every text of a message, its envelope and its evidence, by name.
//!
//! A target gives a list of values, or says that it is absent or unknown. All names stand in one table, which the
//! documentation is made from and checked against.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use xd_container::Sign;

use crate::evidence::{Antivirus, ArcResult, DkimResult, DmarcPolicy, DmarcResult, SpfResult};
use crate::message::{Field, Part, in_normal_spelling};
use crate::{Envelope, Evidence, Host, Known, Link, LinkOrigin, Mailbox, Message, View, normalize};

/// Everything a rule can see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'m> {
    pub(crate) envelope: &'m Envelope,
    pub(crate) message: &'m Message<'m>,
    pub(crate) evidence: &'m Evidence,
}

/// The values of a target. An empty list is [`Known::Absent`].
pub(crate) type Values<'m> = Known<Vec<Cow<'m, str>>>;

/// How the values of a target are spelled and how long they get.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// An address of IPv4 or IPv6.
    Address,
    /// A domain in lower case and A-labels, or an address, of IPv6 in brackets.
    Host,
    /// Short, in lower case and normal spelling.
    Normal,
    /// Short, as it stands.
    Original,
    /// A whole text, in normal spelling. The values are readings of one text, so matches are not added up over them.
    NormalText,
    /// A whole text, as it stands.
    OriginalText,
}

impl Shape {
    pub(crate) fn is_normal(self) -> bool {
        matches!(self, Self::Address | Self::Host | Self::Normal | Self::NormalText)
    }

    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::NormalText | Self::OriginalText)
    }
}

/// A target that stands in the table under a fixed name.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) shape: Shape,
    values: for<'m> fn(Scene<'m>) -> Values<'m>,
}

/// What a test looks at.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Target {
    /// The fields of a name: `header:NAME` (normal spelling), `original:NAME` (decoded) or `raw:NAME` (as the bytes are).
    Header(HeaderForm, Box<str>),
    /// An entry of [`NAMED`].
    Named(usize),
}

/// In which spelling a header field is read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum HeaderForm {
    Normal,
    Original,
    Raw,
}

impl HeaderForm {
    const ALL: [(Self, &'static str); 3] = [(Self::Normal, "header:"), (Self::Original, "original:"), (Self::Raw, "raw:")];
}

impl Target {
    /// The target of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        for (form, prefix) in HeaderForm::ALL {
            if let Some(field) = name.strip_prefix(prefix) {
                let valid =
                    !field.is_empty() && field.bytes().all(|b| b.is_ascii_graphic() && b != b':' && !b.is_ascii_uppercase());
                return valid.then(|| Self::Header(form, field.into()));
            }
        }
        NAMED.iter().position(|named| named.name == name).map(Self::Named)
    }

    /// The name, where it is a fixed one.
    pub(crate) fn fixed_name(&self) -> Option<&'static str> {
        match self {
            Self::Header(..) => None,
            Self::Named(index) => Some(NAMED[*index].name),
        }
    }

    /// The names of all targets of these shapes.
    pub(crate) fn names_of(shapes: &[Shape]) -> String {
        let names = NAMED.iter().filter(|named| shapes.contains(&named.shape)).map(|named| named.name);
        names.collect::<Vec<_>>().join(", ")
    }

    /// Whether a text can be a value, as far as values are words from a fixed list; if not, what the target is.
    pub(crate) fn lists(&self, text: &str) -> Result<(), &'static str> {
        let Self::Named(index) = self else { return Ok(()) };
        let listed = match NAMED[*index].name {
            "evidence.spf" => SpfResult::parse(text).is_some(),
            "evidence.dkim" => DkimResult::parse(text).is_some(),
            "evidence.dmarc" => DmarcResult::parse(text).is_some(),
            "evidence.dmarc_policy" => DmarcPolicy::parse(text).is_some(),
            "evidence.arc" => ArcResult::parse(text).is_some(),
            "attachment.sign" => Sign::from_id(text).is_some(),
            _ => true,
        };
        if listed { Ok(()) } else { Err(NAMED[*index].about) }
    }

    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Header(HeaderForm::Normal, _) => Shape::Normal,
            Self::Header(_, _) => Shape::Original,
            Self::Named(index) => NAMED[*index].shape,
        }
    }
}

/// The targets of a rule set, arranged so that one pass over a message gives the values of all.
#[derive(Debug)]
pub(crate) struct Targets {
    all: Vec<Target>,
    names: Vec<String>,
    /// The header fields looked at, shorter names first, with the targets that each feeds.
    fields: Vec<(Box<str>, Uses)>,
}

/// The order of names by length and then by letters: mostly settled without a look at the letters.
fn by_length(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The targets that a header field feeds: in which form, and their indices.
type Uses = Vec<(HeaderForm, usize)>;

impl Targets {
    pub(crate) fn new(all: Vec<Target>) -> Self {
        let mut fields: BTreeMap<Box<str>, Uses> = BTreeMap::new();
        for (index, target) in all.iter().enumerate() {
            if let Target::Header(form, name) = target {
                fields.entry(name.clone()).or_default().push((*form, index));
            }
        }
        let names = all.iter().map(ToString::to_string).collect();
        let mut fields: Vec<_> = fields.into_iter().collect();
        fields.sort_by(|(a, _), (b, _)| by_length(a, b));
        Self { all, names, fields }
    }

    /// The name of a target, as rules write it.
    pub(crate) fn name(&self, index: usize) -> &str {
        &self.names[index]
    }

    /// The target of an index.
    pub(crate) fn target(&self, index: usize) -> &Target {
        &self.all[index]
    }

    /// The values of every target, by index.
    pub(crate) fn values<'m>(&self, scene: Scene<'m>) -> Vec<Values<'m>> {
        self.values_of(scene, |_| true)
    }

    /// The values of the targets that are wanted, by index; the others are empty.
    pub(crate) fn values_of<'m>(&self, scene: Scene<'m>, wanted: impl Fn(usize) -> bool) -> Vec<Values<'m>> {
        let fixed = |(index, target): (usize, &Target)| match target {
            Target::Named(named) if wanted(index) => (NAMED[*named].values)(scene),
            Target::Header(..) | Target::Named(_) => Known::Absent,
        };
        let mut values: Vec<Values<'m>> = self.all.iter().enumerate().map(fixed).collect();
        if self.fields.is_empty() {
            return values;
        }
        let mut lower = String::new();
        for field in scene.message.header().fields() {
            lower.clear();
            lower.push_str(field.name());
            lower.make_ascii_lowercase();
            let Ok(at) = self.fields.binary_search_by(|(name, _)| by_length(name, &lower)) else { continue };
            for (form, index) in self.fields[at].1.iter().filter(|(_, index)| wanted(*index)) {
                let value = spelled(field, *form);
                match &mut values[*index] {
                    Known::Found(list) => list.push(value),
                    absent => *absent = Known::Found(vec![value]),
                }
            }
        }
        values
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(form, name) => {
                let prefix = HeaderForm::ALL.iter().find(|(other, _)| other == form).map_or("", |(_, prefix)| prefix);
                write!(f, "{prefix}{name}")
            }
            Self::Named(index) => f.write_str(NAMED[*index].name),
        }
    }
}

fn spelled<'m>(field: &'m Field<'m>, form: HeaderForm) -> Cow<'m, str> {
    match form {
        HeaderForm::Normal => in_normal_spelling(field.decoded()),
        HeaderForm::Original => Cow::Borrowed(field.decoded()),
        HeaderForm::Raw => String::from_utf8_lossy(field.raw_value()),
    }
}

fn list<'m>(values: impl Iterator<Item = Cow<'m, str>>) -> Values<'m> {
    let values: Vec<_> = values.collect();
    if values.is_empty() { Known::Absent } else { Known::Found(values) }
}

fn borrowed<'m>(values: impl Iterator<Item = &'m str>) -> Values<'m> {
    list(values.filter(|value| !value.is_empty()).map(Cow::Borrowed))
}

fn normal<'m>(values: impl Iterator<Item = &'m str>) -> Values<'m> {
    list(values.map(in_normal_spelling).filter(|value| !value.is_empty()))
}

fn owned<'m>(values: impl Iterator<Item = String>) -> Values<'m> {
    list(values.filter(|value| !value.is_empty()).map(Cow::Owned))
}

fn names(mailboxes: &[Mailbox]) -> Values<'_> {
    normal(mailboxes.iter().map(|mailbox| mailbox.name.as_str()))
}

fn addresses(mailboxes: &[Mailbox]) -> Values<'_> {
    normal(mailboxes.iter().map(|mailbox| mailbox.address.as_str()))
}

fn local_parts(mailboxes: &[Mailbox]) -> Values<'_> {
    normal(mailboxes.iter().map(|mailbox| mailbox.local_part()))
}

fn domains(mailboxes: &[Mailbox]) -> Values<'_> {
    borrowed(mailboxes.iter().filter_map(|mailbox| mailbox.domain.as_ref()).map(|domain| domain.as_str()))
}

fn registered(mailboxes: &[Mailbox]) -> Values<'_> {
    borrowed(mailboxes.iter().filter_map(|mailbox| mailbox.domain.as_ref()).map(|domain| domain.registered()))
}

fn followable(scene: Scene<'_>) -> impl Iterator<Item = &Link> {
    scene.message.links().iter().filter(|link| link.is_followable())
}

fn of_origin(scene: Scene<'_>, origin: LinkOrigin) -> impl Iterator<Item = &Link> {
    scene.message.links().iter().filter(move |link| link.origin == origin)
}

/// Hosts of links, each once: newsletters repeat one host a hundred times.
fn hosts<'m>(links: impl Iterator<Item = &'m Link>, spell: impl Fn(&'m Host) -> Cow<'m, str>) -> Values<'m> {
    let mut seen: Vec<_> = links.filter_map(|link| link.host.as_ref()).map(spell).collect();
    seen.sort_unstable();
    seen.dedup();
    list(seen.into_iter())
}

fn whole_host(host: &Host) -> Cow<'_, str> {
    match host {
        Host::Domain(domain) => Cow::Borrowed(domain.as_str()),
        Host::Address(_) => Cow::Owned(host.to_string()),
    }
}

fn registered_host(host: &Host) -> Cow<'_, str> {
    match host {
        Host::Domain(domain) => Cow::Borrowed(domain.registered()),
        Host::Address(_) => Cow::Owned(host.to_string()),
    }
}

fn one<'m>(value: Known<impl Into<Cow<'m, str>>>) -> Values<'m> {
    value.map(|value| vec![value.into()])
}

macro_rules! named {
    ($($shape:ident $name:literal $about:literal $values:expr;)*) => {
        /// Every target with a fixed name.
        pub(crate) static NAMED: &[Named] = &[$(Named { name: $name, about: $about, shape: Shape::$shape, values: $values },)*];
    };
}

named! {
    NormalText "text" "what a person reads: plain text parts, and what HTML parts show" |s| borrowed([View::Plain, View::Html].into_iter().map(|view| s.message.view(view).normal()));
    NormalText "text.plain" "plain text parts" |s| borrowed([s.message.view(View::Plain).normal()].into_iter());
    NormalText "text.html" "what HTML parts show" |s| borrowed([s.message.view(View::Html).normal()].into_iter());
    NormalText "text.hidden" "what HTML parts hold and a person does not see" |s| borrowed([s.message.view(View::Hidden).normal()].into_iter());
    NormalText "text.attached" "the text of nested messages and text files" |s| borrowed([s.message.view(View::Attached).normal()].into_iter());
    NormalText "text.any" "all of the texts above" |s| borrowed(View::ALL.into_iter().map(|view| s.message.view(view).normal()));
    OriginalText "text.original" "what a person reads, in its own case and spelling" |s| borrowed([View::Plain, View::Html].into_iter().map(|view| s.message.view(view).original()));
    Normal "subject" "the Subject; every one when there are several" |s| normal(s.message.header().all("subject").map(|field| field.decoded()));
    Original "subject.original" "the same in its own case and spelling" |s| borrowed(s.message.header().all("subject").map(|field| field.decoded()));
    Normal "header.names" "the names of all header fields, in lower case" |s| normal(s.message.header().fields().iter().map(|field| field.name()));
    Normal "from.name" "display names of From" |s| names(s.message.from());
    Original "from.name.original" "display names of From in their own case and spelling" |s| borrowed(s.message.from().iter().map(|mailbox| mailbox.name.as_str()));
    Normal "from.address" "addresses of From" |s| addresses(s.message.from());
    Normal "from.local" "local parts of From" |s| local_parts(s.message.from());
    Host "from.domain" "domains of From" |s| domains(s.message.from());
    Host "from.registered" "registered domains of From" |s| registered(s.message.from());
    Normal "sender.address" "addresses of Sender" |s| addresses(s.message.sender());
    Host "sender.registered" "registered domains of Sender" |s| registered(s.message.sender());
    Normal "reply_to.name" "display names of Reply-To" |s| names(s.message.reply_to());
    Normal "reply_to.address" "addresses of Reply-To" |s| addresses(s.message.reply_to());
    Normal "reply_to.local" "local parts of Reply-To" |s| local_parts(s.message.reply_to());
    Host "reply_to.domain" "domains of Reply-To" |s| domains(s.message.reply_to());
    Host "reply_to.registered" "registered domains of Reply-To" |s| registered(s.message.reply_to());
    Normal "to.name" "display names of To and Cc" |s| normal(s.message.to().iter().chain(s.message.cc()).map(|mailbox| mailbox.name.as_str()));
    Normal "to.address" "addresses of To and Cc" |s| normal(s.message.to().iter().chain(s.message.cc()).map(|mailbox| mailbox.address.as_str()));
    Normal "to.local" "local parts of To and Cc" |s| normal(s.message.to().iter().chain(s.message.cc()).map(|mailbox| mailbox.local_part()));
    Host "to.domain" "domains of To and Cc" |s| borrowed(s.message.to().iter().chain(s.message.cc()).filter_map(|mailbox| mailbox.domain.as_ref()).map(|domain| domain.as_str()));
    Host "to.registered" "registered domains of To and Cc" |s| borrowed(s.message.to().iter().chain(s.message.cc()).filter_map(|mailbox| mailbox.domain.as_ref()).map(|domain| domain.registered()));
    Normal "to.name_of_domain" "the chosen label of the registered domains of To and Cc: example of mail.example.com" |s| borrowed(s.message.to().iter().chain(s.message.cc()).filter_map(|mailbox| mailbox.domain.as_ref()).map(|domain| domain.name()));
    Host "return_path.registered" "registered domain of the reverse-path" |s| s.envelope.reverse_path.as_ref().and_then(|path| borrowed(path.mailbox().and_then(|mailbox| mailbox.domain.as_ref()).map(|domain| domain.registered()).into_iter()));
    Normal "envelope.reverse_path" "the reverse-path, <> when it is null" |s| one(s.envelope.reverse_path.as_ref().map(|path| path.mailbox().map_or_else(|| "<>".to_owned(), |mailbox| normalize(&mailbox.address))));
    Host "envelope.ehlo" "what the client called itself" |s| one(s.envelope.ehlo.as_ref().map(|host| host.to_string()));
    Address "envelope.client_address" "the client's address" |s| one(s.envelope.client_address.as_ref().map(|address| address.to_string()));
    Normal "envelope.forward_path" "the addresses in RCPT TO; unknown when there is none" |s| match s.envelope.forward_paths.as_slice() { [] => Known::default(), paths => owned(paths.iter().map(|path| normalize(&path.mailbox().address))) };
    Normal "envelope.tls" "the TLS version of the connection" |s| one(s.envelope.tls.as_ref().map(|version| normalize(version)));
    Normal "envelope.identity" "the name the client authenticated as" |s| one(s.envelope.authenticated_identity.as_ref().map(|name| normalize(name)));
    Host "hop.ehlo" "what clients called themselves, of all trace fields" |s| owned(s.message.hops().iter().filter_map(|hop| hop.ehlo.as_ref()).map(ToString::to_string));
    Host "hop.by" "the servers that wrote trace fields" |s| owned(s.message.hops().iter().filter_map(|hop| hop.by.as_ref()).map(ToString::to_string));
    Original "link.url" "links a person can follow, in the case of their paths" |s| borrowed(followable(s).map(|link| link.url.as_str()));
    Host "link.host" "their hosts, each once" |s| hosts(followable(s), whole_host);
    Host "link.registered" "their registered domains or addresses, each once" |s| hosts(followable(s), registered_host);
    Normal "link.scheme" "their schemes" |s| borrowed(followable(s).map(|link| link.scheme.as_str()));
    Normal "link.shown" "what links show" |s| normal(followable(s).filter_map(|link| link.shown.as_deref()));
    Host "link.shown_registered" "registered domains that links show" |s| hosts_shown(s);
    Host "image.host" "hosts of images, each once" |s| hosts(of_origin(s, LinkOrigin::Image), whole_host);
    Host "image.registered" "registered domains of images, each once" |s| hosts(of_origin(s, LinkOrigin::Image), registered_host);
    Host "form.host" "hosts that forms send to, each once" |s| hosts(of_origin(s, LinkOrigin::Form), whole_host);
    Normal "attachment.name" "file names of attachments, other readings included" |s| normal(s.message.attachments().flat_map(|part| part.file_name.iter().chain(&part.other_names)).map(String::as_str));
    Normal "attachment.type" "types that attachments declare" |s| owned(s.message.attachments().map(|part| part.declared.to_string()));
    Normal "attachment.sniffed" "types that the first bytes of attachments show" |s| borrowed(s.message.attachments().filter_map(|part| part.sniffed));
    Normal "attachment.sign" "what is worth knowing of attachments and what stands in them: ids of signs" |s| signs(s);
    Normal "attachment.signs" "the same of one file in one value: `offered`, or `inside` when it stands in another file; its true type, when its bytes show one; ids of signs" |s| owned(s.message.attachments().map(signs_of_one));
    Original "file_link.url" "what attached files lead to: documents, shortcuts, codes in images" |s| borrowed(of_origin(s, LinkOrigin::File).map(|link| link.url.as_str()));
    Host "file_link.host" "their hosts, each once" |s| hosts(of_origin(s, LinkOrigin::File), whole_host);
    Host "file_link.registered" "their registered domains or addresses, each once" |s| hosts(of_origin(s, LinkOrigin::File), registered_host);
    Normal "part.type" "types that all parts declare" |s| owned(s.message.parts().iter().map(|part| part.declared.to_string()));
    Normal "part.charset" "charsets that text parts declare" |s| normal(s.message.parts().iter().filter_map(|part| part.charset.as_deref()));
    Host "evidence.reverse_name" "names in the client's PTR records" |s| s.evidence.reverse_names.as_ref().and_then(|found| borrowed(found.iter().map(|name| name.as_str())));
    Host "evidence.confirmed_name" "the reverse name that leads back to the client" |s| one(s.evidence.confirmed_name.as_ref().map(|name| name.as_str()));
    Normal "evidence.spf" "the result of SPF: pass fail softfail neutral none permerror" |s| one(s.evidence.spf.as_ref().map(|result| result.as_str()));
    Normal "evidence.dkim" "the results of DKIM signatures: pass fail neutral policy permerror" |s| s.evidence.dkim.as_ref().and_then(|found| borrowed(found.iter().map(|signature| signature.result.as_str())));
    Host "evidence.dkim_domain" "domains whose DKIM signature passed" |s| s.evidence.dkim.as_ref().and_then(|found| borrowed(found.iter().filter(|signature| signature.result == DkimResult::Pass).map(|signature| signature.domain.as_str())));
    Normal "evidence.dmarc" "the result of DMARC: pass fail none permerror" |s| one(s.evidence.dmarc.as_ref().map(|dmarc| dmarc.result.as_str()));
    Normal "evidence.dmarc_policy" "what the author's domain asks for: none quarantine reject" |s| one(s.evidence.dmarc.as_ref().map(|dmarc| dmarc.policy.as_str()));
    Normal "evidence.arc" "the result of the ARC chain: pass fail none" |s| one(s.evidence.arc.as_ref().map(|result| result.as_str()));
    Normal "evidence.malware" "what the antivirus engine found" |s| s.evidence.antivirus.as_ref().and_then(|scan| match scan { Antivirus::Clean => Known::Absent, Antivirus::Infected(name) => one(Known::Found(normalize(name))) });
    Normal "operator.name" "names of whoever runs this filter, as configured" |s| normal(s.evidence.operator.names.iter().map(String::as_str));
    Host "operator.domain" "domains of whoever runs this filter, as configured" |s| borrowed(s.evidence.operator.domains.iter().map(|domain| domain.as_str()));
}

/// The signs of all attachments, each once, in their own order.
fn signs(scene: Scene<'_>) -> Values<'_> {
    borrowed(scene.message.signs().iter().map(Sign::id))
}

/// `inside application/zip encrypted`: what is known of one file, for tests that must hold of one and the same.
fn signs_of_one(part: &Part<'_>) -> String {
    let place = if part.in_file { "inside" } else { "offered" };
    let mut line = place.to_owned();
    for word in part.sniffed.into_iter().chain(part.signs.iter().map(|sign| sign.id())) {
        line.push(' ');
        line.push_str(word);
    }
    line
}

fn hosts_shown(scene: Scene<'_>) -> Values<'_> {
    let mut seen: Vec<_> = followable(scene).filter_map(|link| link.shown_host.as_ref()).map(registered_host).collect();
    seen.sort_unstable();
    seen.dedup();
    list(seen.into_iter())
}

#[cfg(test)]
mod tests;
