//! Which package depends on which, as cargo sees it.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::workspace::Workspace;
use crate::{cargo, process};

/// The packages of this workspace.
#[derive(Debug, Default)]
pub struct Graph {
    /// In cargo's order.
    pub packages: Vec<Package>,
}

impl Graph {
    /// Whether a package of this workspace has that name.
    pub fn has(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }
}

/// A package of this workspace.
#[derive(Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// What it names in its Cargo.toml.
    pub dependencies: Vec<Dependency>,
}

/// What one package names as its dependency.
#[derive(Debug)]
pub struct Dependency {
    /// The name of the other package.
    pub name: String,
    /// Whether it ends up in the program: no dev- or build-dependency.
    pub normal: bool,
}

/// Asks cargo.
pub fn read(workspace: &Workspace) -> Result<Graph> {
    let mut command = cargo::host(workspace, "metadata");
    let text = process::read(command.args(["--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata printed no JSON")?;
    parse(&metadata).context("cargo metadata printed JSON of another form")
}

fn parse(metadata: &Value) -> Option<Graph> {
    let packages = metadata["packages"].as_array()?;
    let packages = packages.iter().map(package).collect::<Option<_>>()?;
    Some(Graph { packages })
}

fn package(value: &Value) -> Option<Package> {
    let dependencies = value["dependencies"].as_array()?;
    Some(Package {
        name: value["name"].as_str()?.to_owned(),
        dependencies: dependencies.iter().map(dependency).collect::<Option<_>>()?,
    })
}

fn dependency(value: &Value) -> Option<Dependency> {
    Some(Dependency {
        name: value["name"].as_str()?.to_owned(),
        normal: value["kind"].is_null(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cargos_answer() {
        let metadata = json!({"packages": [{"name": "a", "dependencies": [
            {"name": "b", "kind": null},
            {"name": "c", "kind": "dev"},
        ]}]});
        let graph = parse(&metadata).expect("the form that cargo prints");
        let dependencies = &graph.packages[0].dependencies;
        let found: Vec<_> = dependencies
            .iter()
            .map(|d| (d.name.as_str(), d.normal))
            .collect();
        assert_eq!(found, [("b", true), ("c", false)]);
    }

    #[test]
    fn another_form_is_noticed() {
        assert!(parse(&json!({"packages": [{"name": 1}]})).is_none());
    }
}
