//! Which opener reads which type.

use crate::unpack::Method;
use crate::{
    Budget, Opened, appended, cab, disc, document, legacy, letters, names, office, ole, onenote, rar, sevenz, shortcut, single,
    smime, tar, tnef,
};

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
///
/// Of programs it opens those that carry an archive. Archives behind images and other files are opened as well, though
/// the type does not tell: for a file that is there as a whole, asking [`open`] costs next to nothing.
#[must_use]
pub fn opens(media_type: Option<&str>, name: &str) -> bool {
    opener(media_type, name).is_some() || document::opens(media_type, name) || media_type.is_some_and(appended::is_program)
}

/// Whether [`open`] tries passwords on files of this type. Behind any file an archive may stand on which it does.
#[must_use]
pub fn takes_passwords(media_type: Option<&str>) -> bool {
    media_type.is_none_or(|media_type| !WITHOUT_KEYS.contains(&media_type))
}

/// What is known to be encrypted, and is not decrypted.
const WITHOUT_KEYS: &[&str] = &[
    "application/pdf",
    "application/vnd.ms-cab-compressed",
    "application/vnd.rar",
    "application/x-ace-compressed",
    "application/x-arj",
    "application/x-lzh-compressed",
];

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
    if let Some(opener) = opener(media_type, name) {
        // Containers look for themselves for what stands before and behind them.
        return Some(opener(bytes, Given { name, passwords }, budget));
    }
    let opened = document::open(bytes, media_type, name, budget);
    let Some(mut behind) = appended::open(bytes, media_type, passwords, budget) else { return opened };
    let Some(mut opened) = opened else { return Some(behind) };
    opened.members.append(&mut behind.members);
    opened.signs.add_all(behind.signs);
    Some(opened)
}

/// What is known of a file besides its bytes.
#[derive(Clone, Copy)]
struct Given<'g> {
    name: &'g str,
    passwords: &'g Passwords,
}

type Opener = for<'a> fn(&'a [u8], Given<'_>, &mut Budget) -> Opened<'a>;

fn opener(media_type: Option<&str>, name: &str) -> Option<Opener> {
    let media_type = match media_type {
        Some(media_type) => media_type,
        None if DISCS.contains(&names::extension(name).as_str()) => "application/x-raw-disk-image",
        None => return None,
    };
    OPENERS.iter().find(|(opened, _)| *opened == media_type).map(|(_, opener)| *opener)
}

/// Endings of disc images, which show what they are only far behind their beginning.
const DISCS: &[&str] = &["dd", "img", "iso", "udf", "vhd", "vhdx"];

const OPENERS: &[(&str, Opener)] = &[
    ("application/gzip", |bytes, given, budget| single::open_gzip(bytes, given.name, budget)),
    ("application/onenote", |bytes, _, budget| onenote::open(bytes, budget)),
    ("application/pkcs7-mime", |bytes, given, budget| smime::open(bytes, given.name, budget)),
    ("application/vnd.ms-cab-compressed", |bytes, _, budget| cab::open(bytes, budget)),
    ("application/vnd.ms-tnef", |bytes, _, budget| tnef::open(bytes, budget)),
    ("application/vnd.rar", |bytes, _, budget| rar::open(bytes, budget)),
    ("application/x-7z-compressed", |bytes, given, budget| sevenz::open(bytes, given.passwords, budget)),
    ("application/x-ace-compressed", |bytes, _, budget| legacy::open_ace(bytes, budget)),
    ("application/x-arj", |bytes, _, budget| legacy::open_arj(bytes, budget)),
    ("application/x-bzip2", |bytes, given, budget| single::open(bytes, &Method::Bzip2, given.name, budget)),
    ("application/x-iso9660-image", |bytes, _, budget| disc::open(bytes, budget)),
    ("application/x-lzh-compressed", |bytes, _, budget| legacy::open_lzh(bytes, budget)),
    ("application/x-lzma", |bytes, given, budget| {
        single::open(bytes, &Method::Lzma { properties: [0; 5], size: None }, given.name, budget)
    }),
    ("application/x-ms-shortcut", |bytes, _, budget| shortcut::open(bytes, budget)),
    ("application/x-msi", |bytes, given, budget| ole::document::open(bytes, given.passwords, budget)),
    ("application/x-ole-storage", |bytes, given, budget| ole::document::open(bytes, given.passwords, budget)),
    ("application/x-raw-disk-image", |bytes, _, budget| disc::open(bytes, budget)),
    ("application/x-tar", |bytes, _, budget| tar::open(bytes, budget)),
    ("application/x-vhd", |bytes, _, budget| disc::open(bytes, budget)),
    ("application/x-vhdx", |bytes, _, budget| disc::open(bytes, budget)),
    ("application/x-xz", |bytes, given, budget| single::open(bytes, &Method::Xz, given.name, budget)),
    ("application/zip", |bytes, given, budget| office::open(bytes, given.passwords, budget)),
    ("text/x-uuencode", |bytes, _, budget| letters::open(bytes, budget)),
    ("application/zstd", |bytes, given, budget| single::open(bytes, &Method::Zstd, given.name, budget)),
];
