//! Opens what mail carries: archives, TNEF, compound files, documents.
//!
//! [`sniff`] tells from the first bytes what a file is, whatever its name says; [`open`] opens it. What comes out is plain:
//! members with their names and bytes, signs of what hides in it ([`Sign`]), the text people see, and the links it leads to.
//! A member may be a container again: whoever walks the tree calls [`open`] for it, with the same [`Budget`].
//!
//! ```text
//! bytes ─▶ sniff ─▶ open ─▶ Opened { members, signs, text, links }
//!                     ▲          │
//!                     └──────────┘  one Budget for the whole tree
//! ```
//!
//! Nothing here reads a file, writes one, or fetches anything. Every input is read to some result: damage is a sign, not an
//! error, and what was found before it stays found. All work is bounded by the budget, which counts decoded bytes, members
//! and steps over the whole tree; reaching a bound is a sign, too, so that nobody takes the unread rest for clean.
//!
//! # Example: what is in this archive?
//! ```
//! use xd_container::{Budget, Passwords, open, sniff};
//!
//! let bytes = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"; // A zip archive without members.
//! let mut budget = Budget::default();
//! let opened = open(bytes, sniff(bytes), "empty.zip", &Passwords::default(), &mut budget).unwrap();
//! assert!(opened.members.is_empty());
//! ```

#![forbid(unsafe_code)]

mod appended;
mod budget;
mod bytes;
mod cab;
mod crypt;
#[cfg(test)]
mod damaged;
mod disc;
mod document;
mod fields;
mod found;
mod legacy;
mod letters;
mod mapi;
mod media_type;
pub mod msg;
#[cfg(test)]
mod mutate;
mod name;
mod names;
mod office;
mod ole;
mod onenote;
mod open;
mod opened;
mod package;
mod page;
mod pdf;
#[cfg(feature = "qr")]
mod picture;
mod plain;
mod rar;
mod rtf;
mod sevenz;
mod shortcut;
mod sign;
mod single;
mod smime;
mod tar;
mod text;
mod tnef;
mod true_type;
mod unpack;
mod xml;
mod zip;

pub use budget::{Bounds, Budget};
pub use letters::{decode_uuencoded, holds_letters};
pub use media_type::{sniff, sniff_named};
pub use name::may_name_message;
pub use open::{Passwords, open, opens, takes_passwords};
pub use opened::{Content, Member, Opened};
pub use sign::{Sign, Signs};
pub use true_type::{is_test_virus, signs_of};
