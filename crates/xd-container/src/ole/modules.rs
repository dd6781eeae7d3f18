//! VBA projects, [MS-OVBA]: which streams hold modules, and where in each the source stands.
//!
//! The stream `dir` lists the modules. Since documents are made that hide from those who believe it, every stream beside it is
//! searched as well for the words that each module's source begins with. A project whose sources are gone (they are not needed
//! to run: compiled code stands before them) is still one with macros, and its list of names is read instead.

use memchr::memmem;

use super::compound::Compound;
use super::decompress::decompress;
use super::source;
use crate::bytes::Bytes;
use crate::{Budget, Sign, Signs, text};

/// How a compressed source begins, three bytes after its mark and header: a byte of flags, then `Attribut`.
const BEGINNING: &[u8] = b"\0Attribut";

/// A module, as `dir` lists it.
struct Module {
    stream: String,
    offset: usize,
}

/// The signs of all macros in a compound file.
pub(crate) fn signs(compound: &Compound<'_>, budget: &mut Budget) -> Signs {
    let mut signs = Signs::default();
    let directory = &compound.directory;
    let mut projects: Vec<Option<usize>> = directory
        .streams()
        .filter(|(_, entry)| entry.is_stream("_VBA_PROJECT") || entry.is_stream("dir"))
        .map(|(_, entry)| entry.parent)
        .collect();
    projects.sort_unstable();
    projects.dedup();
    for project in projects {
        project_signs(compound, project, &mut signs, budget);
    }
    signs
}

/// The signs of modules that stand anywhere in these bytes.
pub(crate) fn signs_of_bytes(bytes: &[u8], budget: &mut Budget) -> Signs {
    let mut signs = Signs::default();
    for source in sources(bytes, None, budget) {
        signs.add(Sign::Macros);
        source::judge(&source, &mut signs, budget);
    }
    signs
}

fn project_signs(compound: &Compound<'_>, storage: Option<usize>, signs: &mut Signs, budget: &mut Budget) {
    let streams = compound.directory.streams_of(storage);
    let mut modules = Vec::new();
    if let Some(dir) = streams.iter().find(|entry| entry.is_stream("dir")) {
        modules = list(&decompress(&compound.read(dir, budget), budget));
    }
    let mut is_stomped = modules.is_empty();
    for entry in &streams {
        if !budget.charge_steps(modules.len() as u64 * 10 + 1000) {
            signs.add(Sign::Limit);
            return;
        }
        let module = modules.iter().find(|module| module.stream.eq_ignore_ascii_case(&entry.name));
        let is_other = ["dir", "_VBA_PROJECT"].iter().any(|name| entry.is_stream(name)) || entry.name.starts_with("__SRP_");
        if is_other && module.is_none() {
            continue;
        }
        let stream = compound.read(entry, budget);
        let found = sources(&stream, module.map(|module| module.offset), budget);
        if module.is_some() || !found.is_empty() {
            signs.add(Sign::Macros);
        }
        is_stomped |= module.is_some() && found.iter().all(|source| source.trim_ascii().is_empty());
        for source in found {
            source::judge(&source, signs, budget);
        }
    }
    // Others have streams called `dir`, too; this one is longer than its head in any project.
    let names = streams.iter().find(|entry| entry.size > 7 && entry.is_stream("_VBA_PROJECT"));
    if let Some(names) = names.filter(|_| is_stomped) {
        signs.add(Sign::Macros);
        let names = compound.read(names, budget);
        source::judge_names(&names, signs, budget);
    }
}

/// The sources in a stream: the one at this offset, and every other that begins as sources do.
fn sources(stream: &[u8], offset: Option<usize>, budget: &mut Budget) -> Vec<Vec<u8>> {
    // Longer streams hold forms and pictures; this many modules in one stream are a trick to use up the budget.
    const MAX_SOURCES: usize = 64;
    let _ = budget.charge_steps(stream.len() as u64 / 8);
    let mut places: Vec<usize> = memmem::find_iter(stream, BEGINNING)
        .filter_map(|place| place.checked_sub(3))
        .filter(|place| stream.get(*place) == Some(&1))
        .take(MAX_SOURCES)
        .collect();
    places.extend(offset.filter(|offset| !places.contains(offset)));
    let decoded = places.into_iter().map(|place| decompress(stream.get(place..).unwrap_or_default(), budget));
    decoded.filter(|source| !source.is_empty()).collect()
}

/// The modules that a decompressed `dir` lists, 2.3.4.2. All its records have an identifier, a length and so many bytes, but for
/// one whose length is wrong by two.
fn list(dir: &[u8]) -> Vec<Module> {
    const PROJECT_VERSION: u16 = 0x09;
    const CODE_PAGE: u16 = 0x03;
    const STREAM_NAME: u16 = 0x1A;
    const STREAM_NAME_UNICODE: u16 = 0x32;
    const OFFSET: u16 = 0x31;
    const MAX_MODULES: usize = 4096;

    let mut modules = Vec::new();
    let mut page = text::WESTERN;
    let mut stream = None;
    let mut records = Bytes::new(dir);
    while let (Some(id), Some(length)) = (records.u16_le(), records.u32_le()) {
        let length = if id == PROJECT_VERSION { 6 } else { usize::try_from(length).unwrap_or(usize::MAX) };
        let Some(data) = records.take(length) else { break };
        match id {
            CODE_PAGE => page = Bytes::new(data).u16_le().map_or(page, u32::from),
            STREAM_NAME => stream = Some(text::by_code_page(data, page)),
            STREAM_NAME_UNICODE => stream = Some(text::utf16(data)),
            OFFSET => {
                let offset = Bytes::new(data).u32_le().and_then(|offset| usize::try_from(offset).ok());
                modules.extend(stream.take().zip(offset).map(|(stream, offset)| Module { stream, offset }));
            }
            _ => {}
        }
        if modules.len() == MAX_MODULES {
            break;
        }
    }
    modules
}
