//! OLE2 compound files: a file system within a file, in which Office kept its documents up to 2003, and Outlook, Windows
//! Installer and every VBA project still keep theirs.
//!
//! [`compound`] reads the file system, tolerant of damage; [`vba`] finds macros in it; [`document`] looks through a whole file:
//! macros, embedded files, links, encryption, text.

pub(crate) mod compound;
mod decompress;
pub(crate) mod directory;
pub(crate) mod document;
mod encrypted;
mod excel;
mod links;
mod modules;
mod powerpoint;
mod source;
mod word;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use crate::{Budget, Signs};

pub(crate) use compound::Compound;

/// Reads the file system. None when the bytes do not begin as a compound file does.
pub(crate) fn open<'a>(bytes: &'a [u8], budget: &mut Budget) -> Option<Compound<'a>> {
    Compound::open(bytes, budget)
}

/// What is worth knowing of the macros in a VBA project (`vbaProject.bin`) or in any compound file: whether there are some,
/// whether they run by themselves, and what they could do. Empty when there are none.
pub(crate) fn vba(bytes: &[u8], budget: &mut Budget) -> Signs {
    match open(bytes, budget) {
        Some(compound) => modules::signs(&compound, budget),
        // A project whose file system is broken: its modules may still be found by how they begin.
        None => modules::signs_of_bytes(bytes, budget),
    }
}
