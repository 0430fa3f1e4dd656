//! The Debian package; what is in it stands in Cargo.toml of synguard.

use std::fs;
use std::path::{Path, PathBuf};
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

/// The same package as a newer one, with another program in it.
pub fn repack(workspace: &Workspace, package: &Path, program: &Path) -> Result<PathBuf> {
    let folder = workspace.dist().join("next");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("removing what was packed before")?;
    }
    let mut unpack = Command::new("dpkg-deb");
    process::run(unpack.arg("--raw-extract").arg(package).arg(&folder))?;
    fs::copy(program, folder.join("usr/bin/synguard")).context("packing the program")?;
    let control = folder.join("DEBIAN/control");
    let text = fs::read_to_string(&control).context("reading what is packed")?;
    let lines = text
        .lines()
        .map(|line| match line.strip_prefix("Version: ") {
            Some(version) => format!("Version: {version}+next\n"),
            None => format!("{line}\n"),
        });
    fs::write(&control, lines.collect::<String>()).context("naming what is packed")?;
    let next = folder.with_extension("deb");
    let mut pack = Command::new("dpkg-deb");
    // Unpacked in emulation, where compression costs more than it saves.
    pack.args(["--root-owner-group", "-Znone", "--build"]);
    process::run(pack.arg(&folder).arg(&next))?;
    Ok(next)
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
