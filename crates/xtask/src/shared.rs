//! Data too large or not ours to keep in the project: `$XD_SHARED`, or `../shared` beside the workspace.
//!
//! Read in place, never copied into the project. A machine without it still runs every other check.

use std::env;
use std::path::{Path, PathBuf};

use crate::report::Shortfall;
use crate::workspace::Workspace;

/// The data directory, known to exist.
#[derive(Clone, Debug)]
pub(crate) struct SharedData {
    root: PathBuf,
}

impl SharedData {
    /// # Errors
    /// Skipped when there is none; failed when `XD_SHARED` names something that is not a directory, because whoever
    /// set it wants these checks.
    pub(crate) fn locate(workspace: &Workspace) -> Result<Self, Shortfall> {
        let named = env::var_os("XD_SHARED").filter(|name| !name.is_empty()).map(PathBuf::from);
        Self::choose(named.map(|path| workspace.path(path)), workspace.path("../shared"))
    }

    fn choose(named: Option<PathBuf>, beside: PathBuf) -> Result<Self, Shortfall> {
        match named {
            Some(root) if root.is_dir() => Ok(Self { root }),
            Some(root) => Err(Shortfall::Failed(format!("XD_SHARED is no directory: {}", root.display()))),
            None if beside.is_dir() => Ok(Self { root: beside }),
            None => Err(Shortfall::Skipped("no corpus here: XD_SHARED is not set and ../shared does not exist".to_owned())),
        }
    }

    /// A path below the data directory.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.join(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_directory_wins_and_must_exist() {
        let here = PathBuf::from(".");
        assert_eq!(SharedData::choose(Some(here.clone()), PathBuf::from("/nonexistent")).unwrap().root, here);
        let wrong = SharedData::choose(Some(PathBuf::from("/nonexistent")), here.clone());
        assert!(matches!(wrong, Err(Shortfall::Failed(_))));
    }

    #[test]
    fn directory_beside_the_workspace_is_optional() {
        assert!(SharedData::choose(None, PathBuf::from(".")).is_ok());
        assert!(matches!(SharedData::choose(None, PathBuf::from("/nonexistent")), Err(Shortfall::Skipped(_))));
    }
}
