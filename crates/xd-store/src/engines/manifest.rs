//! `engine.toml`: what an engine is made of, for programs and for people.

use std::collections::BTreeSet;
use std::fmt::Write;

use toml::{Table, Value};
use xd_core::Timestamp;
use xd_core::classify::Model;

use super::{EngineInputs, sha256};

/// The version of `engine.toml` that is written, and the only one that is read.
const FORMAT: i64 = 1;
/// What stands for no model.
const MODEL_NONE: &str = "none";
/// The most characters of a file's name that are kept of a rule file's.
const NAME_MAX: usize = 100;

#[derive(Debug, Eq, PartialEq)]
pub(super) struct Manifest {
    pub(super) sequence: u64,
    pub(super) kept: Option<Timestamp>,
    pub(super) semantics: String,
    /// The model's file.
    pub(super) model: Option<ModelFile>,
    pub(super) rules: Vec<RuleFile>,
}

#[derive(Debug, Eq, PartialEq)]
pub(super) struct ModelFile {
    /// As it calls itself.
    pub(super) name: String,
    pub(super) sha256: String,
}

#[derive(Debug, Eq, PartialEq)]
pub(super) struct RuleFile {
    /// As it was called where it came from.
    pub(super) name: String,
    /// Its name below `rules`.
    pub(super) file: String,
    pub(super) sha256: String,
}

impl Manifest {
    pub(super) fn of(inputs: &EngineInputs, sequence: u64, kept: Option<Timestamp>) -> Self {
        let mut taken = BTreeSet::new();
        let rules = inputs.rules.iter().map(|source| RuleFile {
            name: source.name.clone(),
            file: safe_name(&source.name, &mut taken),
            sha256: sha256(source.text.as_bytes()),
        });
        let rules = rules.collect();
        let model = |model: &Model| ModelFile { name: model.name().to_owned(), sha256: sha256(&model.to_bytes()) };
        let model = inputs.model.as_ref().map(model);
        Self { sequence, kept, semantics: inputs.semantics.clone(), model, rules }
    }

    /// Written by hand for the order and the comment; strings are spelt by the library.
    pub(super) fn print(&self) -> String {
        let quoted = |text: &str| Value::String(text.to_owned()).to_string();
        let mut out = String::from("# The inputs of one engine. The directory is named by their hash.\n");
        // Writing to a string does not fail.
        let _ = write!(out, "format = {FORMAT}\nsequence = {}\n", self.sequence);
        if let Some(kept) = self.kept {
            let _ = writeln!(out, "kept = {}", quoted(&kept.to_string()));
        }
        let model = self.model.as_ref().map_or(MODEL_NONE, |model| &model.name);
        let _ = write!(out, "semantics = {}\nmodel = {}\n", quoted(&self.semantics), quoted(model));
        if let Some(model) = &self.model {
            let _ = writeln!(out, "model_sha256 = {}", quoted(&model.sha256));
        }
        for rule in &self.rules {
            let (name, file, sha256) = (quoted(&rule.name), quoted(&rule.file), quoted(&rule.sha256));
            let _ = write!(out, "\n[[rules]]\nname = {name}\nfile = {file}\nsha256 = {sha256}\n");
        }
        out
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
        match table.get("format").and_then(Value::as_integer) {
            Some(FORMAT) => {}
            Some(other) => return Err(format!("its format is {other}, this program reads {FORMAT}")),
            None => return Err("`format` is missing".to_owned()),
        }
        // Its name is for people: what tells models apart is the checksum.
        let name = string(&table, "model")?;
        let model = match table.get("model_sha256") {
            None if name == MODEL_NONE => None,
            None => return Err(format!("its model is {name:?}, and `model_sha256` is missing")),
            Some(_) => Some(ModelFile { name, sha256: string(&table, "model_sha256")? }),
        };
        let sequence = table.get("sequence").and_then(Value::as_integer).and_then(|number| number.try_into().ok());
        let kept = table
            .get("kept")
            .map(|kept| kept.as_str().and_then(Timestamp::parse_rfc3339).ok_or_else(|| "`kept` is no time".to_owned()));
        let rules = match table.get("rules") {
            None => Vec::new(),
            Some(rules) => {
                let rules = rules.as_array().ok_or("`rules` is no list")?;
                rules.iter().map(RuleFile::parse).collect::<Result<_, _>>()?
            }
        };
        Ok(Self {
            sequence: sequence.ok_or("`sequence` is missing")?,
            kept: kept.transpose()?,
            semantics: string(&table, "semantics")?,
            model,
            rules,
        })
    }
}

impl RuleFile {
    fn parse(value: &Value) -> Result<Self, String> {
        let table = value.as_table().ok_or("a rule file is no table")?;
        let file = string(table, "file")?;
        // What is read lies below `rules`, whatever is written here.
        if !is_safe(&file) {
            return Err(format!("{file:?} is no name of a rule file"));
        }
        Ok(Self { name: string(table, "name")?, file, sha256: string(table, "sha256")? })
    }
}

fn string(table: &Table, key: &str) -> Result<String, String> {
    table.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("`{key}` is missing"))
}

/// A name for a rule file on any file system: its last component, of letters, digits and `-_.`, unlike all that are taken, also
/// where case does not count.
fn safe_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = last.strip_suffix(".toml").unwrap_or(last);
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let stem: String = stem.chars().take(NAME_MAX).map(safe).collect();
    let stem = match stem.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None if stem.is_empty() => "_".to_owned(),
        None => stem,
    };
    // There are fewer files than numbers.
    let mut names = (1u64..).map(|number| if number == 1 { format!("{stem}.toml") } else { format!("{stem}-{number}.toml") });
    names.find(|name| taken.insert(name.to_ascii_lowercase())).unwrap_or_default()
}

fn is_safe(name: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(safe)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xd_core::RuleSource;

    use super::*;

    fn inputs(rules: Vec<RuleSource>) -> EngineInputs {
        EngineInputs { semantics: "1".to_owned(), model: None, rules }
    }

    #[test]
    fn it_reads_as_people_would_write_it() {
        let kept = Timestamp::parse_rfc3339("2026-11-22T01:00:00Z");
        let inputs = inputs(vec![RuleSource::new("C:\\rules\\a \"b\".toml", "x = 1\n")]);
        let printed = Manifest::of(&inputs, 3, kept).print();
        let expected = "# The inputs of one engine. The directory is named by their hash.\n\
            format = 1\nsequence = 3\nkept = \"2026-11-22T01:00:00Z\"\nsemantics = \"1\"\nmodel = \"none\"\n\n\
            [[rules]]\nname = 'C:\\rules\\a \"b\".toml'\nfile = \"a__b_.toml\"\n\
            sha256 = \"9e26bf369911c45c243c684147b23fc9e1dcfcf257d299a1c632016a6fcd33f4\"\n";
        assert_eq!(printed, expected);
    }

    #[test]
    fn names_of_files_are_safe_and_differ() {
        let names = ["a.toml", "b/a.toml", "A.toml", "../../etc/passwd", "", ".", "..", "con fusion", "a-2.toml", "x\\y.toml"];
        let mut taken = BTreeSet::new();
        let safe: Vec<_> = names.iter().map(|name| safe_name(name, &mut taken)).collect();
        let expected = [
            "a.toml",
            "a-2.toml",
            "A-3.toml",
            "passwd.toml",
            "_.toml",
            "_-2.toml",
            "_..toml",
            "con_fusion.toml",
            "a-2-2.toml",
            "y.toml",
        ];
        assert_eq!(safe, expected);
    }

    #[test]
    fn what_leads_out_of_the_directory_is_refused() {
        let of = |file: &str| {
            Manifest::parse(&format!(
                "format = 1\nsequence = 1\nsemantics = '1'\nmodel = 'none'\n[[rules]]\nname = 'a'\nfile = '{file}'\nsha256 = ''\n"
            ))
        };
        assert!(of("a.toml").is_ok());
        for file in ["", "..", "../a.toml", "/etc/passwd", "a/b", ".a", "a\\b"] {
            assert!(of(file).is_err(), "{file}");
        }
        let later = Manifest::parse("format = 2").unwrap_err();
        assert_eq!(later, "its format is 2, this program reads 1");
    }

    #[test]
    fn a_model_without_a_checksum_is_refused() {
        let text = Manifest::of(&inputs(Vec::new()), 1, None).print();
        assert!(Manifest::parse(&text).is_ok());
        let other = Manifest::parse(&text.replace("model = \"none\"", "model = \"bayes\"")).unwrap_err();
        assert_eq!(other, "its model is \"bayes\", and `model_sha256` is missing");
    }

    proptest! {
        #[test]
        fn it_reads_what_it_prints(names in proptest::collection::vec(".{0,120}", 0..5), sequence in 1..u64::MAX / 2) {
            let rules = names.into_iter().map(|name| RuleSource::new(name, "")).collect();
            let manifest = Manifest::of(&inputs(rules), sequence, None);
            prop_assert!(manifest.rules.iter().all(|rule| is_safe(&rule.file)));
            prop_assert_eq!(Manifest::parse(&manifest.print()), Ok(manifest));
        }
    }
}
