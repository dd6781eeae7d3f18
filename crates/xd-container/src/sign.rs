//! What is worth knowing of a file: plain facts, which rules weigh.

use std::fmt;

macro_rules! signs {
    ($($(#[$doc:meta])* $variant:ident $id:literal $sentence:literal;)*) => {
        /// One fact about a file: what it is, what it holds, or what is wrong with it.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Sign {
            $(#[doc = $sentence] $(#[$doc])* $variant,)*
        }

        impl Sign {
            /// Every sign, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The id that rules and reports use.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// A sentence for people, without a final period.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

signs! {
    // What a file is.
    Executable "executable" "a program for Windows, Linux, macOS, DOS, Java or Android";
    Script "script" "a script that a system runs when it is opened";
    Installer "installer" "an installer package";
    Shortcut "shortcut" "a shortcut that starts a program";
    DiscImage "disc-image" "an image of a disc, which systems mount when it is opened";
    TestVirus "test-virus" "the EICAR test file";
    // Names.
    DangerousName "dangerous-name" "a name whose ending makes a system run it";
    DoubleExtension "double-extension" "a harmless ending stands before the one that counts";
    HiddenExtension "hidden-extension" "blanks, dots or characters without width hide the ending of a name";
    ReversedName "reversed-name" "a character that turns the direction of writing hides the ending of a name";
    NameMismatch "name-mismatch" "the ending of the name says something else than the bytes do";
    TypeMismatch "type-mismatch" "the declared type says something else than the bytes do";
    UnsafePath "unsafe-path" "a path that leaves the directory it is unpacked in";
    // Archives.
    Encrypted "encrypted" "encrypted, so that nobody could look in";
    Decrypted "decrypted" "encrypted, and opened by a password that stands in the mail or that everyone knows";
    Bomb "bomb" "it promises far more bytes than it holds";
    Overlap "overlap" "members share the same bytes";
    Disagreement "disagreement" "its directories name different members, so that programs unpack different files";
    Prefixed "prefixed" "other bytes stand before the archive, as in programs that unpack themselves";
    Trailing "trailing" "other bytes stand behind the end";
    Unsupported "unsupported" "compressed by a method that is not read";
    Split "split" "one of several volumes";
    // Documents.
    Macros "macros" "macros stand in the document";
    AutoRun "auto-run" "macros that run when the document is opened";
    SuspiciousMacros "suspicious-macros" "macros that start programs, fetch files or hide their words";
    OldMacros "excel4-macros" "macros of the kind of Excel 4";
    Dde "dde" "a field that starts a program (DDE)";
    RemoteTemplate "remote-template" "a template or object that is fetched from elsewhere when the document is opened";
    EmbeddedObject "embedded-object" "a file is embedded in the document";
    EquationObject "equation-object" "an equation object of the kind that is used to run code";
    DocumentScript "document-script" "a script stands in the document";
    LaunchAction "launch-action" "the document starts a program or opens a file";
    OpenAction "open-action" "something happens when the document is opened";
    Form "form" "a form in the document sends what is typed elsewhere";
    Smuggling "smuggling" "a page that makes a file by script, unseen on its way";
    PasswordForm "password-form" "a page that asks for a password";
    Redirect "redirect" "a page that leads elsewhere at once";
    QrCode "qr-code" "an image holds a QR code";
    // Protected mail.
    Smime "smime" "S/MIME: signed or encrypted";
    OpenPgp "openpgp" "OpenPGP: signed or encrypted";
    // How far it could be read.
    Damaged "damaged" "it cannot be read as what it claims to be";
    Truncated "truncated" "it ends in the middle";
    Limit "limit" "there is more in it than is read";
}

impl Sign {
    /// The sign with this id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|sign| sign.id() == id)
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The signs of one file, each at most once.
///
/// # Example: what is worth knowing?
/// ```
/// use xd_container::{Sign, Signs};
///
/// let mut signs = Signs::default();
/// signs.add(Sign::Macros);
/// signs.add(Sign::AutoRun);
/// assert!(signs.contains(Sign::Macros));
/// assert_eq!(signs.iter().map(Sign::id).collect::<Vec<_>>(), ["macros", "auto-run"]);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Signs(u64);

const _: () = assert!(Sign::ALL.len() <= 64, "a set of signs is one u64");

impl Signs {
    /// Adds a sign.
    pub fn add(&mut self, sign: Sign) {
        self.0 |= 1 << sign as u8;
    }

    /// Adds all of another set.
    pub fn add_all(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether the sign is there.
    #[must_use]
    pub fn contains(self, sign: Sign) -> bool {
        self.0 & (1 << sign as u8) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The signs in the order of [`Sign::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Sign> {
        Sign::ALL.iter().copied().filter(move |&sign| self.contains(sign))
    }
}

impl FromIterator<Sign> for Signs {
    fn from_iter<I: IntoIterator<Item = Sign>>(signs: I) -> Self {
        let mut all = Self::default();
        signs.into_iter().for_each(|sign| all.add(sign));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinct_and_found_again() {
        for &sign in Sign::ALL {
            assert_eq!(Sign::from_id(sign.id()), Some(sign));
        }
    }

    #[test]
    fn a_set_gives_back_what_was_added() {
        let signs: Signs = [Sign::Limit, Sign::Executable, Sign::Limit].into_iter().collect();
        assert_eq!(signs.iter().collect::<Vec<_>>(), [Sign::Executable, Sign::Limit]);
    }
}
