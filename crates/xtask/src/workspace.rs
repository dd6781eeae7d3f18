//! Where things are: the workspace's root, its build directory, and the cargo that runs us.

use std::env;
use std::path::{Path, PathBuf};

use crate::program::Program;

/// The checked-out project.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The workspace this program was started in by `cargo run`, or built in when started by hand.
    pub(crate) fn locate() -> Self {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        // crates/xtask lies two levels below the root.
        let root = manifest.ancestors().nth(2).unwrap_or(&manifest).to_path_buf();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |named| root.join(named));
        Self { root, target }
    }

    /// A path below the root.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.join(below)
    }

    /// A path below the one build directory, which the fuzz targets share.
    pub(crate) fn target(&self, below: impl AsRef<Path>) -> PathBuf {
        self.target.join(below)
    }

    /// A program to be run at the root.
    pub(crate) fn program(&self, name: impl AsRef<Path>) -> Program {
        Program::new(name.as_ref(), &self.root)
    }

    /// `cargo` with these arguments, at the root.
    pub(crate) fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Program {
        let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
        self.program(cargo).environment("CARGO_TARGET_DIR", &self.target).arguments(arguments)
    }

    /// The optimised `xd`, as `cargo build --release -p xd-cli` leaves it.
    pub(crate) fn xd(&self) -> PathBuf {
        self.target(Path::new("release").join(format!("xd{}", env::consts::EXE_SUFFIX)))
    }
}
