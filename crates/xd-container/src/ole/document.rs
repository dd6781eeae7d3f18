//! A whole compound file: a document of Word, Excel or PowerPoint, an installer, a message of Outlook.
//!
//! Streams are looked through wherever they stand, by name: a workbook in a document is read as any workbook is.

use super::compound::Compound;
use super::directory::{Entry, Kind};
use super::{encrypted, excel, links, modules, powerpoint, word};
use crate::msg;
use crate::opened::{Member, Opened};
use crate::{Budget, Passwords, Sign, package, sniff};

/// Classes of storages, as their bytes stand in the file.
/// Packages, transforms and patches of Windows Installer.
const INSTALLERS: [&[u8; 16]; 3] = [
    b"\x84\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0F",
    b"\x82\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0F",
    b"\x86\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0F",
];
/// Equation.3 and Equation.2.
const EQUATIONS: [&[u8; 16]; 2] = [b"\x02\xCE\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F", b"\x03\x00\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F"];

/// Bytes of a stream of links that are read; 16 KiB.
const MAX_LINKS: usize = 16 << 10;

/// Streams that hold an embedded file as it is.
const FILES: [&str; 3] = ["Package", "CONTENTS", "EmbeddedOdf"];

/// What stands at the root of a document: its stream, or the storage of its macros.
const DOCUMENTS: [&str; 7] =
    ["Book", "EncryptedPackage", "Macros", "PowerPoint Document", "WordDocument", "Workbook", "_VBA_PROJECT_CUR"];

/// Opens a compound file.
pub(crate) fn open<'a>(bytes: &'a [u8], passwords: &Passwords, budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    let Some(compound) = Compound::open(bytes, budget) else {
        opened.signs.add(Sign::Damaged);
        return opened;
    };
    opened.signs = compound.signs;
    if let Some(member) = msg::member(&compound, budget) {
        opened.members.push(member);
        // Office opens a document as ever when the streams of a message stand beside its own.
        if !compound.directory.children(0).any(|(_, entry)| !entry.name.starts_with("__")) {
            return opened;
        }
        if compound.directory.children(0).any(|(_, entry)| DOCUMENTS.iter().any(|name| entry.name.eq_ignore_ascii_case(name))) {
            opened.signs.add(Sign::Disagreement);
        }
    }
    encrypted::read(&compound, passwords, &mut opened, budget);
    let is_installer = compound.directory.entries.first().is_some_and(|root| INSTALLERS.contains(&&root.class));
    if is_installer {
        opened.signs.add(Sign::Installer);
    }
    opened.signs.add_all(modules::signs(&compound, budget));
    for (index, entry) in compound.directory.entries.iter().enumerate() {
        if !budget.charge_steps(300) {
            opened.signs.add(Sign::Limit);
            break;
        }
        match entry.kind {
            Kind::Stream => stream(&compound, entry, is_installer, &mut opened, budget),
            Kind::Storage => storage(&compound, index, entry, &mut opened),
            Kind::Other => {}
        }
    }
    opened
}

fn storage(compound: &Compound<'_>, index: usize, entry: &Entry, opened: &mut Opened<'_>) {
    let is_pool = entry.name.eq_ignore_ascii_case("ObjectPool") && compound.directory.children(index).next().is_some();
    // Excel keeps embedded objects in storages of such names, which it counts in hexadecimal.
    if is_pool || entry.name.starts_with("MBD") {
        opened.signs.add(Sign::EmbeddedObject);
    }
    if EQUATIONS.contains(&&entry.class) {
        opened.signs.add(Sign::EquationObject);
    }
}

fn stream<'a>(compound: &Compound<'a>, entry: &Entry, is_installer: bool, opened: &mut Opened<'a>, budget: &mut Budget) {
    match entry.name.to_ascii_lowercase().as_str() {
        "worddocument" => word::read(compound, entry, opened, budget),
        "workbook" | "book" => excel::read(&compound.read(entry, budget), opened, budget),
        "powerpoint document" => powerpoint::read(&compound.read(entry, budget), opened, budget),
        "current user" => powerpoint::read_user(&compound.read_up_to(entry, 64, budget), opened),
        "encryptedsummary" => opened.signs.add(Sign::Encrypted),
        "equation native" => opened.signs.add(Sign::EquationObject),
        "\u{1}ole" => links::read(&compound.read_up_to(entry, MAX_LINKS, budget), opened),
        "\u{1}compobj" => {
            let head = compound.read_up_to(entry, 512, budget).to_ascii_lowercase();
            if memchr::memmem::find(&head, b"equation.").is_some() {
                opened.signs.add(Sign::EquationObject);
            }
        }
        "\u{1}ole10native" => {
            opened.signs.add(Sign::EmbeddedObject);
            if !budget.charge_member() {
                opened.signs.add(Sign::Limit);
                return;
            }
            let bytes = compound.read(entry, budget);
            let member = package::member(bytes, true);
            opened.members.push(member.unwrap_or_else(|bytes| Member::of_bytes("object", bytes)));
        }
        _ if is_installer || FILES.iter().any(|name| entry.is_stream(name)) => {
            let head = compound.read_up_to(entry, 4096, budget);
            if sniff(&head).is_none() {
                return;
            }
            if !is_installer {
                opened.signs.add(Sign::EmbeddedObject);
            }
            if !budget.charge_member() {
                opened.signs.add(Sign::Limit);
                return;
            }
            opened.members.push(Member::of_bytes(entry.name.clone(), compound.read(entry, budget)));
        }
        _ => {}
    }
}
