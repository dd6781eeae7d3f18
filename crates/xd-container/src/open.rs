//! Which opener reads which type.

use crate::{Budget, Opened, ole, onenote, rtf, shortcut, tnef};

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
        Some(
            "application/onenote"
            | "application/rtf"
            | "application/vnd.ms-tnef"
            | "application/x-ms-shortcut"
            | "application/x-mswinurl"
            | "application/x-ole-storage"
            | "application/zip",
        ) => true,
        Some(_) => false,
        None => is_url_file(name),
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
    let _ = passwords;
    let Some(media_type) = media_type else {
        return if is_url_file(name) { shortcut::open_url(bytes) } else { None };
    };
    match media_type {
        "application/onenote" => Some(onenote::open(bytes, budget)),
        "application/x-ms-shortcut" => Some(shortcut::open(bytes, budget)),
        "application/x-mswinurl" => Some(shortcut::open_url(bytes).unwrap_or_default()),
        "application/vnd.ms-tnef" => Some(tnef::open(bytes, budget)),
        "application/x-ole-storage" => Some(ole::document::open(bytes, budget)),
        "application/rtf" => Some(rtf::open(bytes, budget)),
        _ => opens(Some(media_type), name).then(Opened::new),
    }
}

/// Whether a name ends as those of files with an address do: they are plain text.
fn is_url_file(name: &str) -> bool {
    let ending = name.trim_end_matches(['.', ' ']).rsplit('.').next().unwrap_or_default();
    ending.eq_ignore_ascii_case("url") || ending.eq_ignore_ascii_case("website")
}
