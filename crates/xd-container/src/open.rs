//! Which opener reads which type.

use crate::unpack::Method;
use crate::{Budget, Opened, cab, disc, legacy, names, rar, sevenz, single, tar, zip};

/// Passwords to try on what is encrypted, the likeliest first: those that the mail's text states, and the usual ones.
#[derive(Clone, Debug, Default)]
pub struct Passwords(Vec<String>);

/// Passwords that are tried on one message's containers; 10. Each costs a key derivation.
const MAX_PASSWORDS: usize = 10;

impl Passwords {
    /// The first ten of these.
    ///
    /// # Example: what opens it?
    /// ```
    /// use xd_container::Passwords;
    ///
    /// let passwords = Passwords::new(["1234".to_owned(), "infected".to_owned()]);
    /// assert_eq!(passwords.iter().collect::<Vec<_>>(), ["1234", "infected"]);
    /// ```
    #[must_use]
    pub fn new(passwords: impl IntoIterator<Item = String>) -> Self {
        Self(passwords.into_iter().take(MAX_PASSWORDS).collect())
    }

    /// The passwords in the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Whether [`open`] opens files of this type. The name counts where the bytes show nothing: scripts are plain text.
#[must_use]
pub fn opens(media_type: Option<&str>, name: &str) -> bool {
    match media_type {
        Some(media_type) => OPENED.contains(&media_type),
        None => DISCS.contains(&names::extension(name).as_str()),
    }
}

/// Opens a file of the type that [`sniff`](crate::sniff) tells. None when nothing opens this type.
///
/// `name` is the file's name, which tells apart what looks alike (scripts). What is decoded is taken from `budget`.
#[must_use]
pub fn open<'a>(
    bytes: &'a [u8],
    media_type: Option<&str>,
    name: &str,
    passwords: &Passwords,
    budget: &mut Budget,
) -> Option<Opened<'a>> {
    let _ = name;
    Some(match media_type {
        Some("application/gzip") => single::open_gzip(bytes, name, budget),
        Some("application/vnd.ms-cab-compressed") => cab::open(bytes, budget),
        Some("application/vnd.rar") => rar::open(bytes, budget),
        Some("application/x-7z-compressed") => sevenz::open(bytes, passwords, budget),
        Some("application/x-ace-compressed") => legacy::open_ace(bytes, budget),
        Some("application/x-arj") => legacy::open_arj(bytes, budget),
        Some("application/x-bzip2") => single::open(bytes, &Method::Bzip2, name, budget),
        Some("application/x-lzma") => single::open(bytes, &Method::Lzma { properties: [0; 5], size: None }, name, budget),
        Some("application/x-iso9660-image" | "application/x-raw-disk-image" | "application/x-vhd" | "application/x-vhdx") => {
            disc::open(bytes, budget)
        }
        Some("application/x-lzh-compressed") => legacy::open_lzh(bytes, budget),
        Some("application/x-tar") => tar::open(bytes, budget),
        Some("application/x-xz") => single::open(bytes, &Method::Xz, name, budget),
        Some("application/zip") => zip::open(bytes, passwords, budget),
        Some("application/zstd") => single::open(bytes, &Method::Zstd, name, budget),
        _ => return None,
    })
}

/// The types that are opened, in the order of [`open`].
const OPENED: &[&str] = &[
    "application/gzip",
    "application/vnd.ms-cab-compressed",
    "application/vnd.rar",
    "application/x-7z-compressed",
    "application/x-ace-compressed",
    "application/x-arj",
    "application/x-bzip2",
    "application/x-iso9660-image",
    "application/x-lzh-compressed",
    "application/x-lzma",
    "application/x-raw-disk-image",
    "application/x-tar",
    "application/x-vhd",
    "application/x-vhdx",
    "application/x-xz",
    "application/zip",
    "application/zstd",
];

/// Endings of disc images, which show what they are only far behind their beginning.
const DISCS: &[&str] = &["bin", "dd", "img", "iso", "udf"];
