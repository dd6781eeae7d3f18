//! Office Open XML: which document it is, and what its parts hold.

use std::collections::BTreeMap;

use super::fields::{self, Fields};
use super::{markup, part_name, relations, sheet};
use crate::xml::{self, Event};
use crate::{Budget, Member, Opened, Sign, ole};

/// Documents by the content type of their main part, the first that fits.
const DOCUMENTS: &[(&str, &str)] = &[
    ("wordprocessingml.document.main", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("wordprocessingml.template.main", "application/vnd.openxmlformats-officedocument.wordprocessingml.template"),
    ("ms-word.document.macroenabled", "application/vnd.ms-word.document.macroEnabled.12"),
    ("ms-word.template.macroenabled", "application/vnd.ms-word.template.macroEnabled.12"),
    ("spreadsheetml.sheet.main", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("spreadsheetml.template.main", "application/vnd.openxmlformats-officedocument.spreadsheetml.template"),
    ("ms-excel.sheet.macroenabled", "application/vnd.ms-excel.sheet.macroEnabled.12"),
    ("ms-excel.template.macroenabled", "application/vnd.ms-excel.template.macroEnabled.12"),
    ("ms-excel.addin.macroenabled", "application/vnd.ms-excel.addin.macroEnabled.12"),
    ("ms-excel.sheet.binary", "application/vnd.ms-excel.sheet.binary.macroEnabled.12"),
    ("presentationml.presentation.main", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("presentationml.slideshow.main", "application/vnd.openxmlformats-officedocument.presentationml.slideshow"),
    ("presentationml.template.main", "application/vnd.openxmlformats-officedocument.presentationml.template"),
    ("ms-powerpoint.presentation.macroenabled", "application/vnd.ms-powerpoint.presentation.macroEnabled.12"),
    ("ms-powerpoint.slideshow.macroenabled", "application/vnd.ms-powerpoint.slideshow.macroEnabled.12"),
    ("ms-powerpoint.template.macroenabled", "application/vnd.ms-powerpoint.template.macroEnabled.12"),
    ("ms-powerpoint.addin.macroenabled", "application/vnd.ms-powerpoint.addin.macroEnabled.12"),
    ("ms-visio.drawing", "application/vnd.ms-visio.drawing"),
    ("ms-package.xps", "application/vnd.ms-xpsdocument"),
];

/// What `[Content_Types].xml` says (ECMA-376 part 2 §10.1.2).
#[derive(Debug, Default)]
pub(super) struct Types {
    by_part: BTreeMap<String, String>,
    by_ending: BTreeMap<String, String>,
}

/// Entries of the list of types that are kept; 10,000. Large workbooks have a hundred.
const MAX_TYPES: usize = 10_000;

impl Types {
    pub(super) fn read(members: &[Member<'_>], budget: &mut Budget) -> Self {
        let mut types = Self::default();
        for member in members.iter().filter(|member| part_name(&member.name) == "[content_types].xml") {
            let Some(text) = markup(member.bytes(), &mut Opened::new(), budget) else { break };
            for event in xml::events(&text) {
                let Event::Start { name, attributes, .. } = event else { continue };
                let (key, table) = match name {
                    "Default" => (xml::attribute(attributes, "Extension"), &mut types.by_ending),
                    "Override" => (xml::attribute(attributes, "PartName"), &mut types.by_part),
                    _ => continue,
                };
                if let (Some(key), Some(kind)) = (key, xml::attribute(attributes, "ContentType"))
                    && table.len() < MAX_TYPES
                {
                    table.insert(part_name(&key), kind.to_ascii_lowercase());
                }
            }
        }
        types
    }

    /// The content type of a part, in lower case; empty when there is none.
    pub(super) fn of(&self, name: &str) -> &str {
        let by_ending = || self.by_ending.get(name.rsplit('.').next()?);
        self.by_part.get(name).or_else(by_ending).map_or("", String::as_str)
    }

    pub(super) fn media_type(&self) -> Option<&'static str> {
        let has = |needle: &str| self.by_part.values().chain(self.by_ending.values()).any(|kind| kind.contains(needle));
        DOCUMENTS.iter().find(|(needle, _)| has(needle)).map(|(_, media_type)| *media_type)
    }
}

/// Reads one part.
pub(super) fn read_part(name: &str, kind: &str, bytes: &[u8], opened: &mut Opened<'_>, budget: &mut Budget) {
    let is_compound = bytes.starts_with(b"\xD0\xCF\x11\xE0");
    if name.ends_with("vbaproject.bin") || kind == "application/vnd.ms-office.vbaproject" {
        // A project that cannot be read is one all the same.
        opened.signs.add(Sign::Macros);
        opened.signs.add_all(ole::vba(bytes, budget));
    }
    if name.contains("macrosheets/") || kind.contains("macrosheet") {
        opened.signs.add(Sign::OldMacros);
    }
    if name.contains("embeddings/") || kind.ends_with("oleobject") && is_compound {
        opened.signs.add(Sign::EmbeddedObject);
    }
    if name == "xl/workbook.bin" && budget.charge_steps(bytes.len() as u64 * 4) {
        sheet::read_binary_workbook(bytes, opened);
    }
    let is_markup = name.ends_with(".xml") || name.ends_with(".rels") || kind.ends_with("xml");
    if !is_markup || name == "[content_types].xml" {
        return;
    }
    let Some(text) = markup(bytes, opened, budget) else { return };
    if name.ends_with(".rels") {
        relations::read(&text, opened);
    } else if name == "xl/workbook.xml" || kind.contains("sheet.main") || kind.contains("sheet.macroenabled.main") {
        sheet::read_workbook(&text, opened);
    } else {
        read_markup(&text, opened);
    }
}

/// Text, fields, commands and objects of a part.
fn read_markup(text: &str, opened: &mut Opened<'_>) {
    let mut fields = Fields::default();
    let (mut is_text, mut is_instruction) = (false, false);
    for event in xml::events(text) {
        match event {
            Event::Start { name, attributes, is_empty } => match name {
                // `w:t`, `a:t` and the `t` of shared strings.
                "t" => is_text = !is_empty,
                "instrText" => is_instruction = !is_empty,
                "tab" => opened.add_text("\t"),
                "br" | "cr" => opened.add_text("\n"),
                "fldChar" => match xml::attribute(attributes, "fldCharType").as_deref() {
                    Some("begin") => fields.begin(),
                    Some("end") => fields.end(opened),
                    _ => {}
                },
                "fldSimple" => fields::read(&xml::attribute(attributes, "instr").unwrap_or_default(), opened),
                "ddeLink" => opened.signs.add(Sign::Dde),
                "oleObj" | "OLEObject" | "oleObject" => read_object(attributes, opened),
                // Office 2007 and later: a macro that the ribbon calls when it appears.
                "customUI" if xml::attribute(attributes, "onLoad").is_some() => opened.signs.add(Sign::AutoRun),
                "ocx" => read_control(attributes, opened),
                // Clicks and glances that run something: `ppaction://program`, `ppaction://macro`.
                "hlinkClick" | "hlinkHover" | "hlinkMouseOver" => {
                    let action = xml::attribute(attributes, "action").unwrap_or_default();
                    if action.starts_with("ppaction://program") || action.starts_with("ppaction://macro") {
                        opened.signs.add(Sign::LaunchAction);
                    }
                }
                _ => {}
            },
            Event::End { name } => match name {
                "t" => is_text = false,
                "instrText" => is_instruction = false,
                "p" | "si" => opened.end_line(),
                _ => {}
            },
            Event::Text(text) if is_instruction => fields.instruction(&xml::unescape(text)),
            Event::Text(text) if is_text => opened.add_text(&xml::unescape(text)),
            Event::Text(_) => {}
        }
    }
    fields.finish(opened);
    opened.end_line();
}

/// An object that another program shows.
fn read_object(attributes: &str, opened: &mut Opened<'_>) {
    let class = xml::attribute(attributes, "ProgID").unwrap_or_default();
    // The editor whose files run code by an overflow (CVE-2017-11882); later editors have other names.
    if class.eq_ignore_ascii_case("Equation.3") || class.eq_ignore_ascii_case("Equation.2") {
        opened.signs.add(Sign::EquationObject);
    }
}

/// A control: those of forms are ordinary, any other class is a program that the document brings to life.
fn read_control(attributes: &str, opened: &mut Opened<'_>) {
    const FORMS: &[&str] =
        &["8BD21D", "978C9E23", "D7053240", "4C599241", "79176FB0", "DFD181E0", "6E182020", "46E31370", "EAE50EB0"];
    let class = xml::attribute(attributes, "classid").unwrap_or_default().to_ascii_uppercase();
    let class = class.trim_start_matches('{');
    if !FORMS.iter().any(|form| class.starts_with(form)) {
        opened.signs.add(Sign::EmbeddedObject);
    }
}
