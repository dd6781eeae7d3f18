//! The models that come with xd. `docs/model.md` says what they were trained on and how well they do.

use super::{Model, ModelError};

/// The model that judges where nobody says otherwise.
pub const DEFAULT: &str = "default";

/// The names of the models that come with xd.
pub const BUILTIN: [&str; 2] = [DEFAULT, "permissive"];

static DEFAULT_BYTES: &[u8] = include_bytes!("../../models/default.xdm");
static PERMISSIVE_BYTES: &[u8] = include_bytes!("../../models/permissive.xdm");

/// The model of this name that comes with xd: `default`, trained on all there was, or `permissive`, without mail that may not be used
/// commercially. Reading it takes some milliseconds.
///
/// # Errors
/// None in a tested build: the models are part of the program, and a test reads them.
///
/// # Example: which mail did a model learn from?
/// ```
/// let model = xd_core::classify::builtin("permissive").unwrap()?;
/// assert!(model.about().contains("without phishing mail"));
/// # Ok::<(), xd_core::classify::ModelError>(())
/// ```
#[must_use]
pub fn builtin(name: &str) -> Option<Result<Model, ModelError>> {
    match name {
        DEFAULT => Some(Model::read(DEFAULT_BYTES)),
        "permissive" => Some(Model::read(PERMISSIVE_BYTES)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a model file.
    const MOST: usize = 3 << 20;

    #[test]
    fn each_is_read_by_its_name_and_small_enough() {
        for name in BUILTIN {
            let model = builtin(name).unwrap().unwrap();
            assert_eq!(model.name(), name);
            assert!(model.weights() > 100_000 && model.to_bytes().len() <= MOST);
        }
        assert!(builtin("none").is_none());
    }
}
