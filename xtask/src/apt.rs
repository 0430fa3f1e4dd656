//! Debian's package manager.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::no_services::NoServices;
use crate::packages::{self, Package};
use crate::process;

/// Whether this system has it.
pub fn is_here() -> bool {
    process::find("apt-get").is_some()
}

/// Says what will be installed and why, then installs it.
pub fn install(packages: &[Package], purpose: &str) -> Result<()> {
    eprintln!("{purpose}, `cargo xtask` now installs with apt-get:");
    for package in packages {
        eprintln!("{}", packages::describe(package));
    }
    let _guard = NoServices::install()?;
    // A fresh machine has no package lists, an old one has lists that name
    // files which are gone: in both cases the first try fails at once.
    if process::run(&mut install_command(packages)).is_ok() {
        return Ok(());
    }
    update()?;
    process::run(&mut install_command(packages)).with_context(|| {
        format!(
            "the packages could not be installed; to see why, type as root:\n  {}",
            install_line(packages)
        )
    })
}

/// Fetches the lists of what can be installed.
pub fn update() -> Result<()> {
    eprintln!("`cargo xtask` fetches the package lists of apt-get.");
    process::run(apt_get().arg("update")).context("does this machine reach its Debian mirror?")
}

/// The version that an installation would bring.
pub fn candidate(package: &str) -> Option<String> {
    let mut command = Command::new("apt-cache");
    command.args(["policy", package]).env("LC_ALL", "C");
    let version = process::probe(&mut command)?
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: ").map(str::to_owned))?;
    (version != "(none)").then_some(version)
}

/// What `package` depends on: a metapackage names the newest of its kind.
pub fn dependencies(package: &str) -> Vec<String> {
    let mut command = Command::new("apt-cache");
    command.args(["depends", package]).env("LC_ALL", "C");
    let text = process::probe(&mut command).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .map(str::to_owned)
        .collect()
}

/// Puts the package's file into `folder`, and installs nothing.
pub fn download(package: &str, folder: &Path) -> Result<()> {
    let mut command = apt_get();
    command
        // By default root downloads as another user, who may not write there.
        .args(["-o", "APT::Sandbox::User=root", "download", package])
        .current_dir(folder);
    process::run(&mut command)
}

/// What a person types as root to install these.
pub fn install_line(packages: &[Package]) -> String {
    let names: Vec<_> = packages.iter().map(|package| package.name).collect();
    format!(
        "apt-get update && apt-get install --no-install-recommends {}",
        names.join(" ")
    )
}

fn install_command(packages: &[Package]) -> Command {
    let mut command = apt_get();
    command
        .args(["install", "--yes", "--no-install-recommends"])
        // A conflicting package is the owner's: better to fail than to take
        // it away.
        .arg("--no-remove")
        .args(packages.iter().map(|package| package.name));
    command
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        // Another installation may be under way, as on a machine that has
        // just been started.
        .args(["-o", "DPkg::Lock::Timeout=120", "--quiet"])
        // Some packages ask questions (postfix: which kind of mail host?).
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(io::stderr());
    command
}
