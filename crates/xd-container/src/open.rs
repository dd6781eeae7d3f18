//! Which opener reads which type.

use crate::{Budget, Opened, document};

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
    matches!(media_type, Some("application/zip")) || document::opens(media_type, name)
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
    match media_type {
        Some("application/zip") => Some(Opened::new()),
        _ => document::open(bytes, media_type, name, budget),
    }
}
