//! The Debian package; what is in it stands in Cargo.toml of synguard.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::packages::{self, Package};
use crate::workspace::Workspace;
use crate::{cargo, process};

const CARGO_DEB: &str = "3.8.0";

const PACKAGES: [Package; 1] = [Package::program(
    "dpkg-dev",
    "dpkg-shlibdeps",
    "says which libraries a package needs",
)];

/// Makes it.
pub fn pack(workspace: &Workspace) -> Result<PathBuf> {
    packages::ensure(&PACKAGES, "For the Debian package")?;
    ensure_cargo_deb(workspace)?;
    let mut command = Command::new(workspace.tools().join("bin/cargo-deb"));
    cargo::forget_our_package(&mut command);
    command
        .current_dir(workspace.root())
        .env("CARGO_TARGET_DIR", workspace.target())
        .args(["--package", "synguard", "--no-build", "--quiet", "--output"])
        .arg(workspace.dist());
    // It prints the package's path.
    let path = process::read(&mut command).context("the Debian package could not be made")?;
    Ok(PathBuf::from(path.trim()))
}

fn ensure_cargo_deb(workspace: &Workspace) -> Result<()> {
    let program = workspace.tools().join("bin/cargo-deb");
    let version = process::probe(Command::new(program).arg("--version"));
    if version.is_some_and(|version| version.contains(CARGO_DEB)) {
        return Ok(());
    }
    let root = workspace.tools();
    eprintln!(
        "For the package, `cargo xtask` now compiles cargo-deb {CARGO_DEB} into {} (about a minute).",
        root.display()
    );
    let mut command = Command::new(cargo::program());
    command
        .args(["install", "cargo-deb", "--version", CARGO_DEB, "--locked"])
        .arg("--root")
        .arg(&root)
        .env_remove("CARGO_TARGET_DIR");
    cargo::forget_our_package(&mut command);
    process::run(&mut command).context("cargo-deb could not be compiled")
}
