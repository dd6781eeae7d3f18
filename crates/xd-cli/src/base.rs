//! The directory that all arguments share: shown once above the names, which are then short enough to read.

use std::path::{Path, PathBuf};

/// The part of all paths up to and with a slash that need not be repeated; may be empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Base(String);

impl Base {
    /// The directory that is the only argument, or the deepest one that all arguments lie in.
    pub(crate) fn of(arguments: &[PathBuf]) -> Self {
        let Some((first, others)) = arguments.split_first() else { return Self(String::new()) };
        let first = first.to_string_lossy();
        let mut base = match others {
            [] if Path::new(&*first).is_dir() && !first.ends_with('/') => format!("{first}/"),
            [] if Path::new(&*first).is_dir() => first.into_owned(),
            _ => parent(&first).to_owned(),
        };
        for other in others {
            let other = other.to_string_lossy();
            let same = base.bytes().zip(parent(&other).bytes()).take_while(|(a, b)| a == b).count();
            // Whole names only. A slash is never a part of another character.
            base.truncate(base.as_bytes()[..same].iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1));
        }
        // Without its first slash, an absolute path would look like another one.
        if base == "/" {
            base.clear();
        }
        Self(base)
    }

    /// The path below the base; as it is when it lies elsewhere.
    pub(crate) fn below<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(&self.0).filter(|rest| !rest.is_empty()).unwrap_or(path)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A path without its last name, with the slash.
fn parent(path: &str) -> &str {
    let names = path.trim_end_matches('/');
    &names[..names.rfind('/').map_or(0, |slash| slash + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(arguments: &[&str]) -> String {
        Base::of(&arguments.iter().map(PathBuf::from).collect::<Vec<_>>()).as_str().to_owned()
    }

    #[test]
    fn a_lone_directory_is_the_base() {
        assert_eq!(base(&["src"]), "src/");
        assert_eq!(base(&["src/"]), "src/");
        assert_eq!(base(&["."]), "./");
        assert_eq!(base(&["/"]), "");
    }

    #[test]
    fn files_share_the_directories_that_all_lie_in() {
        assert_eq!(base(&["a/b/c.eml"]), "a/b/");
        assert_eq!(base(&["c.eml"]), "");
        assert_eq!(base(&["-"]), "");
        assert_eq!(base(&["a/b/c", "a/b/d"]), "a/b/");
        assert_eq!(base(&["a/bc/x", "a/bd/x"]), "a/");
        assert_eq!(base(&["corpus/ham/", "corpus/spam/"]), "corpus/");
        assert_eq!(base(&["/a", "/b"]), "");
        assert_eq!(base(&["a/b", "-"]), "");
        assert_eq!(base(&["ä/ö/x", "ä/ü/x"]), "ä/");
    }

    #[test]
    fn paths_elsewhere_are_shown_whole() {
        let base = Base::of(&["a/b".into(), "a/c".into()]);
        assert_eq!((base.below("a/b"), base.below("b/c"), base.below("a/")), ("b", "b/c", "a/"));
    }
}
