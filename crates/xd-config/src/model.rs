//! Which model judges: one that comes with xd, one from a file, or none.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use xd_core::classify::{BUILTIN, Model, builtin};

/// The name that stands for no model.
pub const NO_MODEL: &str = "none";

/// A larger file is no model.
const BYTES_MAX: u64 = 64 << 20;

/// The model of this name: `default` or `permissive`, which come with xd, the path of a file, or `none`.
///
/// # Errors
/// Says why there is no such model: the file cannot be read, or is none.
pub fn model(name: &str) -> Result<Option<Model>, String> {
    if name == NO_MODEL {
        return Ok(None);
    }
    if let Some(model) = builtin(name) {
        return model.map(Some).map_err(|error| error.to_string());
    }
    let path = Path::new(name);
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes));
    match read {
        Ok(_) => Model::read(&bytes).map(Some).map_err(|error| format!("{name}: {error}")),
        Err(error) => {
            let builtin = BUILTIN.map(|name| format!("`{name}`")).join(" and ");
            Err(format!("{name}: {error}; {builtin} come with xd, `none` judges by rules alone"))
        }
    }
}
