//! The programs in `examples/`: found by cargo's own description of the package, so that a new one is never forgotten.

use serde_json::Value;

use crate::report::Shortfall;
use crate::workspace::Workspace;

const PACKAGE: &str = "xd-examples";

/// A message handed to each program as its only argument; programs that need none ignore it.
const SAMPLE: &str = "examples/mail/01-personal.eml";

/// A program of the package, as cargo names it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Target {
    /// The option that selects it: `--bin` or `--example`.
    option: &'static str,
    name: String,
}

/// Builds and runs every program once.
///
/// # Errors
/// Failed when one does not build, does not exit with 0, or when there is none.
pub(crate) fn run(workspace: &Workspace) -> Result<String, Shortfall> {
    let description = workspace.cargo(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let description =
        serde_json::from_slice(&description).map_err(|error| Shortfall::Failed(format!("cargo metadata: {error}")))?;
    let targets = targets(&description);
    if targets.is_empty() {
        return Err(Shortfall::Failed(format!("package {PACKAGE} has no program")));
    }
    for target in &targets {
        workspace.cargo(["run", "--quiet", "--package", PACKAGE, target.option, &target.name, "--", SAMPLE]).run()?;
    }
    Ok(targets.iter().map(|target| target.name.as_str()).collect::<Vec<_>>().join(", "))
}

fn targets(description: &Value) -> Vec<Target> {
    let packages = description["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let ours = packages.iter().filter(|package| package["name"] == PACKAGE);
    let targets = ours.filter_map(|package| package["targets"].as_array()).flatten();
    targets
        .filter_map(|target| {
            let kinds = target["kind"].as_array()?;
            let option = [("bin", "--bin"), ("example", "--example")];
            let (_, option) = option.into_iter().find(|(kind, _)| kinds.iter().any(|found| found == kind))?;
            Some(Target { option, name: target["name"].as_str()?.to_owned() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_bins_and_examples_of_our_package() {
        let description = serde_json::json!({"packages": [
            {"name": "xd-cli", "targets": [{"kind": ["bin"], "name": "xd"}]},
            {"name": "xd-examples", "targets": [
                {"kind": ["lib"], "name": "xd_examples"},
                {"kind": ["bin"], "name": "judge"},
                {"kind": ["example"], "name": "write-a-rule"}]}]});
        let expected = [("--bin", "judge"), ("--example", "write-a-rule")];
        assert_eq!(targets(&description), expected.map(|(option, name)| Target { option, name: name.to_owned() }));
    }
}
