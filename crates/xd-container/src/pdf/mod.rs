//! PDF (ISO 32000-2): what happens when a file is opened, where it leads, and which files it carries.
//!
//! Objects are found by looking for them, not by the tables that say where they stand: readers mend broken tables, and files
//! that mean harm break them. Every object counts, also those that a later one replaced. Text and pictures are not read.

pub(crate) mod filter;
mod lexer;
mod names;
pub(crate) mod predictor;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::lexer::{Dictionary, Object, Parser};
use crate::found::is_fetched;
use crate::opened::BEGINNING;
use crate::{Budget, Content, Member, Opened, Sign, sniff};

/// Objects whose places are kept; 200,000. Large books have as many.
const MAX_OBJECTS: usize = 200_000;
/// References that are followed from one to the next.
const MAX_HOPS: usize = 8;
/// Things that are looked at when all objects are known.
const MAX_PENDING: usize = 20_000;
/// Parts of a form that are read; 32. Writers make ten.
const MAX_FORM_PARTS: usize = 32;
/// Work for a byte of objects, in steps.
const OBJECT_STEPS: u64 = 6;
/// What looking for the end of a stream and setting up its decoders costs, in steps.
const STREAM_STEPS: u64 = 2_000;
/// Blanks before and behind the bytes of a stream that are passed over; 1 KiB. Writers leave a line end.
const MAX_BLANKS: usize = 1 << 10;
/// Kinds of additional actions that wait for somebody to click or type (ISO 32000-2 §12.6.3).
const PATIENT_EVENTS: [&str; 11] = ["K", "F", "V", "C", "E", "X", "D", "U", "Fo", "Bl", "Parent"];

/// Reads a file.
pub(crate) fn open<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    let mut reader =
        Reader { sources: Vec::new(), main: bytes, places: BTreeMap::new(), pending: Vec::new(), opened: Opened::new() };
    reader.scan(budget);
    reader.finish(budget);
    // References that were no longer followed leave no other trace.
    if budget.steps_left() == 0 {
        reader.opened.signs.add(Sign::Limit);
    }
    reader.opened
}

/// Where an object stands: in the file itself or in a decoded stream of objects.
#[derive(Clone, Copy, Debug)]
struct Place {
    source: usize,
    at: usize,
}

/// What can be told only when all objects are known. Nothing holds a whole tree of objects: trees stand in one another.
#[derive(Debug)]
enum Pending {
    /// An action that runs by itself, or one of several that do by event.
    Action { number: u32, is_event: bool },
    /// A file, with its name and the stream or reference that holds it.
    File { name: String, stream: u32 },
    /// The references to its parts, or the one to their array.
    Form(Object),
    /// An address, or the reference to it.
    Link(Object),
}

struct Reader<'a> {
    main: &'a [u8],
    /// Decoded streams of objects.
    sources: Vec<Vec<u8>>,
    places: BTreeMap<u32, Place>,
    pending: Vec<Pending>,
    opened: Opened<'a>,
}

impl<'a> Reader<'a> {
    /// Finds all objects, and acts on what each says by itself.
    fn scan(&mut self, budget: &mut Budget) {
        let bytes = self.main;
        if !budget.charge_steps(bytes.len() as u64 / 4) {
            self.opened.signs.add(Sign::Limit);
            return;
        }
        for at in memchr::memmem::find_iter(bytes, b"obj") {
            let Some(number) = number_before(bytes, at) else { continue };
            if !self.take(number, Place { source: 0, at: at + 3 }, budget) {
                break;
            }
        }
        for at in memchr::memmem::find_iter(bytes, b"trailer") {
            let mut parser = Parser::new(bytes, at + 7);
            let trailer = parser.object();
            if !budget.charge_steps((parser.at() - at) as u64 * OBJECT_STEPS) {
                self.opened.signs.add(Sign::Limit);
                break;
            }
            self.visit(&trailer, 0);
        }
        if self.places.is_empty() {
            self.opened.signs.add(Sign::Damaged);
        }
        let tail = bytes.get(bytes.len().saturating_sub(64 << 10)..).unwrap_or(bytes);
        if memchr::memmem::find(tail, b"startxref").is_none() && memchr::memmem::find(tail, b"%%EOF").is_none() {
            self.opened.signs.add(Sign::Truncated);
        }
    }

    /// Takes one object of the file. False at a bound.
    fn take(&mut self, number: u32, place: Place, budget: &mut Budget) -> bool {
        let mut parser = Parser::new(self.main, place.at);
        let object = parser.object();
        let is_paid = budget.charge_steps((parser.at() - place.at) as u64 * OBJECT_STEPS + 50);
        if !is_paid || self.places.len() >= MAX_OBJECTS {
            self.opened.signs.add(Sign::Limit);
            return false;
        }
        self.places.insert(number, place);
        self.visit(&object, 0);
        if let Object::Dictionary(dictionary) = &object {
            match dictionary.name("Type") {
                Some("ObjStm") => return self.take_objects(dictionary, parser.at(), budget),
                // One that no file specification names is found all the same.
                Some("EmbeddedFile") => self.wait(Pending::File { name: String::new(), stream: number }),
                _ => {}
            }
        }
        true
    }

    /// Takes the objects of a stream of objects (ISO 32000-2 §7.5.7). False at a bound.
    fn take_objects(&mut self, dictionary: &Dictionary, at: usize, budget: &mut Budget) -> bool {
        let Some(stream) = stream(self.main, at, dictionary, budget) else { return true };
        let decoded = filter::decode(stream, &self.filters(dictionary, budget), usize::MAX, budget);
        if decoded.signs.contains(Sign::Limit) {
            self.opened.signs.add(Sign::Limit);
        }
        let decoded = decoded.bytes;
        let first = usize::try_from(dictionary.number("First").unwrap_or(0)).unwrap_or(0);
        let source = self.sources.len() + 1;
        let mut header = Parser::new(&decoded, 0);
        let mut last_end = first;
        while header.at() < first {
            let (Object::Number(number), Object::Number(offset)) = (header.object(), header.object()) else { break };
            let (Ok(number), Ok(offset)) = (u32::try_from(number), usize::try_from(offset)) else { break };
            let at = first.saturating_add(offset);
            if at >= decoded.len() {
                continue;
            }
            let mut parser = Parser::new(&decoded, at);
            let object = parser.object();
            if !budget.charge_steps((parser.at() - at) as u64 * OBJECT_STEPS + 50) || self.places.len() >= MAX_OBJECTS {
                self.opened.signs.add(Sign::Limit);
                return false;
            }
            last_end = last_end.max(parser.at());
            self.places.insert(number, Place { source, at });
            self.visit(&object, 0);
        }
        // What the list leaves out, or all of it where the list is damaged.
        let mut rest = Parser::new(&decoded, last_end);
        while rest.has_more() {
            let before = rest.at();
            let object = rest.object();
            if rest.at() == before || !budget.charge_steps((rest.at() - before) as u64 * OBJECT_STEPS + 50) {
                break;
            }
            self.visit(&object, 0);
        }
        self.sources.push(decoded);
        true
    }

    /// Looks at all dictionaries in an object.
    fn visit(&mut self, object: &Object, depth: usize) {
        match object {
            Object::Array(items) if depth < lexer::MAX_DEPTH => items.iter().for_each(|item| self.visit(item, depth + 1)),
            Object::Dictionary(dictionary) if depth < lexer::MAX_DEPTH => {
                self.visit_dictionary(dictionary);
                dictionary.iter().for_each(|(_, value)| self.visit(value, depth + 1));
            }
            _ => {}
        }
    }

    fn visit_dictionary(&mut self, dictionary: &Dictionary) {
        for (key, value) in dictionary.iter() {
            match key {
                "AA" | "OpenAction" => self.act(value),
                "EF" => self.file(dictionary, value),
                "Encrypt" if !matches!(value, Object::Null) => self.opened.signs.add(Sign::Encrypted),
                "JS" | "JavaScript" => self.opened.signs.add(Sign::DocumentScript),
                "RichMediaContent" | "RichMediaSettings" => self.opened.signs.add(Sign::EmbeddedObject),
                "URI" => self.wait_for_link(Some(value)),
                "XFA" => self.wait_for_form(value),
                _ => {}
            }
        }
        let target = dictionary.value("F").or_else(|| dictionary.value("UF"));
        match dictionary.name("S") {
            Some("JavaScript") => self.opened.signs.add(Sign::DocumentScript),
            Some("Launch" | "ImportData") => self.opened.signs.add(Sign::LaunchAction),
            Some("SubmitForm") => {
                self.opened.signs.add(Sign::Form);
                self.wait_for_link(target);
            }
            // Readers fetch what these name; names of other hosts even tell who asks (CVE-2018-4993).
            Some("GoToE" | "GoToR") => {
                if target.is_some_and(leads_elsewhere) {
                    self.opened.signs.add(Sign::RemoteTemplate);
                }
                self.wait_for_link(target);
            }
            _ => {}
        }
        if dictionary.name("FS") == Some("URL") {
            self.wait_for_link(target);
        }
        if matches!(dictionary.name("Subtype"), Some("RichMedia" | "Flash")) {
            self.opened.signs.add(Sign::EmbeddedObject);
        }
    }

    /// A file specification with embedded files (ISO 32000-2 §7.11.4): the same file under keys for several systems.
    fn file(&mut self, specification: &Dictionary, files: &Object) {
        let name = ["UF", "F", "Desc"].iter().find_map(|key| match specification.value(key) {
            Some(Object::Text(name)) => Some(names::text(name)),
            _ => None,
        });
        if let Object::Dictionary(files) = files {
            let mut streams: Vec<u32> = Vec::new();
            for (_, value) in files.iter() {
                if let Object::Reference(stream) = value
                    && !streams.contains(stream)
                    && streams.len() < 8
                {
                    streams.push(*stream);
                    self.wait(Pending::File { name: name.clone().unwrap_or_default(), stream: *stream });
                }
            }
        }
    }

    /// An action that runs by itself, or additional actions: by event, one level deep.
    fn act(&mut self, action: &Object) {
        let is_active = |dictionary: &Dictionary| dictionary.name("S").is_some_and(does_more_than_show);
        match action {
            Object::Reference(number) => self.wait(Pending::Action { number: *number, is_event: false }),
            Object::Dictionary(dictionary) if is_active(dictionary) => self.opened.signs.add(Sign::OpenAction),
            Object::Dictionary(dictionary) if dictionary.name("S").is_none() => {
                for (_, action) in dictionary.iter().filter(|(event, _)| !PATIENT_EVENTS.contains(event)) {
                    match action {
                        Object::Reference(number) => self.wait(Pending::Action { number: *number, is_event: true }),
                        Object::Dictionary(action) if is_active(action) => self.opened.signs.add(Sign::OpenAction),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn wait_for_form(&mut self, form: &Object) {
        match form {
            Object::Reference(_) => self.wait(Pending::Form(form.clone())),
            Object::Array(parts) => {
                let parts = parts.iter().filter(|part| matches!(part, Object::Reference(_))).take(MAX_FORM_PARTS);
                self.wait(Pending::Form(Object::Array(parts.cloned().collect())));
            }
            _ => {}
        }
    }

    fn wait_for_link(&mut self, target: Option<&Object>) {
        match target {
            Some(target @ (Object::Reference(_) | Object::Text(_))) => self.wait(Pending::Link(target.clone())),
            Some(Object::Dictionary(specification)) => {
                for key in ["F", "UF"] {
                    if let Some(address @ Object::Text(_)) = specification.value(key) {
                        self.wait(Pending::Link(address.clone()));
                    }
                }
            }
            _ => {}
        }
    }

    fn wait(&mut self, pending: Pending) {
        if self.pending.len() < MAX_PENDING {
            self.pending.push(pending);
        } else {
            self.opened.signs.add(Sign::Limit);
        }
    }

    /// Looks at what waited for all objects to be known.
    fn finish(&mut self, budget: &mut Budget) {
        let pending = std::mem::take(&mut self.pending);
        let (mut named, mut nameless): (Vec<(String, u32)>, Vec<u32>) = (Vec::new(), Vec::new());
        for item in pending {
            match item {
                Pending::Action { number, is_event } => {
                    if self.runs(&Object::Reference(number), usize::from(is_event), budget) {
                        self.opened.signs.add(Sign::OpenAction);
                    }
                }
                Pending::File { name, stream } if name.is_empty() => nameless.push(stream),
                Pending::File { name, stream } => named.push((name, stream)),
                Pending::Form(form) => self.read_form(&form, budget),
                Pending::Link(target) => self.read_link(&target, budget),
            }
        }
        let (mut seen, mut streams) = (BTreeSet::new(), BTreeSet::new());
        for (name, stream) in named.into_iter().chain(nameless.into_iter().map(|stream| (String::new(), stream))) {
            // The same stream under two names is two members; under none, only when nothing names it.
            let is_new = streams.insert(stream);
            if name.is_empty() && !is_new || !seen.insert((name.clone(), stream)) {
                continue;
            }
            if !self.read_file(name, stream, budget) {
                break;
            }
        }
    }

    /// The object that a reference names.
    fn resolve(&self, object: &Object, budget: &mut Budget) -> Option<(Object, Place)> {
        let mut number = match object {
            Object::Reference(number) => *number,
            _ => return None,
        };
        for _ in 0..MAX_HOPS {
            let place = *self.places.get(&number)?;
            // A little is paid before it is read, so that nothing is read when nothing is left.
            if !budget.charge_steps(200) {
                return None;
            }
            let mut parser = Parser::new(self.source(place.source), place.at);
            let found = parser.object();
            if !budget.charge_steps((parser.at() - place.at) as u64 * OBJECT_STEPS + 50) {
                return None;
            }
            match found {
                Object::Reference(next) => number = next,
                other => return Some((other, Place { at: parser.at(), ..place })),
            }
        }
        None
    }

    fn source(&self, source: usize) -> &[u8] {
        match source.checked_sub(1) {
            None => self.main,
            Some(source) => self.sources.get(source).map_or(&[], Vec::as_slice),
        }
    }

    /// Whether an action does more than show a page of the same file.
    fn runs(&self, action: &Object, depth: usize, budget: &mut Budget) -> bool {
        let resolved = self.resolve(action, budget);
        let Object::Dictionary(dictionary) = resolved.as_ref().map_or(action, |(object, _)| object) else {
            return false;
        };
        match dictionary.name("S") {
            Some(kind) => does_more_than_show(kind),
            // Additional actions: by event, one level deep. An object that refers to itself would be read again at every level.
            None if depth == 0 => {
                dictionary.iter().any(|(event, action)| !PATIENT_EVENTS.contains(&event) && self.runs(action, depth + 1, budget))
            }
            None => false,
        }
    }

    fn read_link(&mut self, target: &Object, budget: &mut Budget) {
        let resolved = self.resolve(target, budget);
        match resolved.as_ref().map_or(target, |(object, _)| object) {
            Object::Text(address) => {
                let address = names::text(address);
                // Viewers take an address without its scheme for one of the web.
                if !self.opened.add_link(&address) && address.starts_with("www.") {
                    self.opened.add_link(&format!("http://{address}"));
                }
            }
            Object::Dictionary(specification) => {
                for key in ["F", "UF"] {
                    if let Some(Object::Text(address)) = specification.value(key) {
                        self.opened.add_link(&names::text(address));
                    }
                }
            }
            _ => {}
        }
    }

    /// XFA forms are XML in streams, and may hold scripts of their own.
    fn read_form(&mut self, form: &Object, budget: &mut Budget) {
        let resolved = self.resolve(form, budget);
        let parts: Vec<Object> = match resolved.map_or_else(|| form.clone(), |(object, _)| object) {
            Object::Array(parts) => parts,
            Object::Dictionary(_) => vec![form.clone()],
            _ => return,
        };
        for part in parts.iter().filter(|part| matches!(part, Object::Reference(_))).take(MAX_FORM_PARTS) {
            let Some((Object::Dictionary(dictionary), place)) = self.resolve(part, budget) else { continue };
            let Some(stream) = stream(self.source(place.source), place.at, &dictionary, budget) else { continue };
            let text = filter::decode(stream, &self.filters(&dictionary, budget), 4 << 20, budget).bytes;
            let holds = |needle: &[u8]| memchr::memmem::find(&text, needle).is_some();
            if holds(b"<script") || holds(b"application/x-javascript") {
                self.opened.signs.add(Sign::DocumentScript);
            }
            if holds(b"<submit") {
                self.opened.signs.add(Sign::Form);
            }
        }
    }

    /// Lists one embedded file. False at a bound.
    fn read_file(&mut self, name: String, number: u32, budget: &mut Budget) -> bool {
        let Some((Object::Dictionary(dictionary), place)) = self.resolve(&Object::Reference(number), budget) else { return true };
        if !budget.charge_member() {
            self.opened.signs.add(Sign::Limit);
            return false;
        }
        self.opened.signs.add(Sign::EmbeddedObject);
        let mut member = Member::new(name);
        member.declared = dictionary.name("Subtype").map(str::to_owned);
        if let Some(Object::Dictionary(parameters)) = dictionary.value("Params") {
            member.size = parameters.number("Size").and_then(|size| u64::try_from(size).ok());
        }
        if let Some(stream) = stream(self.source(place.source), place.at, &dictionary, budget) {
            let filters = self.filters(&dictionary, budget);
            let head = filter::decode(stream, &filters, BEGINNING, budget);
            let is_wanted = head.is_cut && budget.wants(sniff(&head.bytes), &member.name);
            let decoded = if is_wanted { filter::decode(stream, &filters, usize::MAX, budget) } else { head };
            member.signs.add_all(decoded.signs);
            member.content = match decoded {
                filter::Decoded { signs, .. } if signs.contains(Sign::Unsupported) => Content::Unread,
                filter::Decoded { bytes, is_cut: false, .. } => Content::Whole(bytes.into()),
                filter::Decoded { bytes, .. } => Content::Beginning(bytes.into()),
            };
            if is_wanted && decoded_at_limit(&member) {
                member.signs.add(Sign::Limit);
            }
        }
        self.opened.members.push(member);
        true
    }

    /// The filters of a stream; a reference to them is rare and followed.
    fn filters(&self, dictionary: &Dictionary, budget: &mut Budget) -> Vec<filter::Filter> {
        let mut value = |keys: [&str; 2]| {
            let value = keys.iter().find_map(|key| dictionary.value(key))?;
            Some(self.resolve(value, budget).map_or_else(|| value.clone(), |(object, _)| object))
        };
        let filters = value(["Filter", "F"]);
        let parameters = value(["DecodeParms", "DP"]);
        filter::filters(filters.as_ref(), parameters.as_ref())
    }
}

fn decoded_at_limit(member: &Member<'_>) -> bool {
    matches!(member.content, Content::Beginning(_))
}

/// Whether actions of this kind do more than show something of the same file.
fn does_more_than_show(kind: &str) -> bool {
    !matches!(kind, "GoTo" | "Named" | "Hide" | "GoTo3DView" | "SetOCGState" | "Trans")
}

fn leads_elsewhere(target: &Object) -> bool {
    match target {
        Object::Text(address) => is_fetched(&names::text(address)),
        Object::Dictionary(specification) => ["F", "UF"].iter().any(|key| match specification.value(key) {
            Some(Object::Text(address)) => is_fetched(&names::text(address)),
            _ => false,
        }),
        _ => false,
    }
}

/// The number of the object that `obj` at this place begins: `12 0 obj`.
fn number_before(bytes: &[u8], at: usize) -> Option<u32> {
    let before = bytes.get(at.saturating_sub(32)..at)?.trim_ascii_end();
    let generation = before.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let before = before.get(..before.len().checked_sub(generation)?)?;
    let blanks = before.iter().rev().take_while(|b| b.is_ascii_whitespace() || **b == 0).count();
    let before = before.get(..before.len().checked_sub(blanks)?)?;
    let digits = before.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    if generation == 0 || blanks == 0 || digits == 0 {
        return None;
    }
    std::str::from_utf8(before.get(before.len() - digits..)?).ok()?.parse().ok()
}

/// The bytes of the stream behind a dictionary. Its length counts when `endstream` stands where it says; otherwise the first
/// `endstream` ends it.
fn stream<'b>(source: &'b [u8], at: usize, dictionary: &Dictionary, budget: &mut Budget) -> Option<&'b [u8]> {
    let rest = source.get(at..)?;
    let blanks = rest.iter().take(MAX_BLANKS).take_while(|b| b.is_ascii_whitespace() || **b == 0).count();
    let rest = rest.get(blanks..)?.strip_prefix(b"stream")?;
    let rest =
        rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).or_else(|| rest.strip_prefix(b"\r")).unwrap_or(rest);
    let declared = dictionary.number("Length").and_then(|length| usize::try_from(length).ok());
    let is_end = |length: &usize| {
        let tail = rest.get(*length..).unwrap_or_default();
        tail.get(..MAX_BLANKS).unwrap_or(tail).trim_ascii_start().starts_with(b"endstream")
    };
    if let Some(length) = declared.filter(is_end) {
        return budget.charge_steps(STREAM_STEPS).then(|| rest.get(..length))?;
    }
    let length = memchr::memmem::find(rest, b"endstream").unwrap_or(rest.len());
    budget.charge_steps(STREAM_STEPS + length as u64 / 8).then(|| rest.get(..length))?
}
