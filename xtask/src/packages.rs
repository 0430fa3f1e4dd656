//! Debian packages: what each is for, and whether it is needed at all.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{apt, process, user};

/// A Debian package that some task needs.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// Its name in Debian.
    pub name: &'static str,
    /// What shows that it, or another system's likeness of it, is there.
    pub evidence: Evidence,
    /// Why it is needed: ends the sentence "installs NAME …".
    pub why: &'static str,
}

/// What makes the floods of the tests.
pub const HPING3: Package = Package::program("hping3", "hping3", "sends SYN floods");

/// What makes the networks of the tests.
pub const IPROUTE2: Package =
    Package::program("iproute2", "ip", "makes network namespaces and links");

/// What a package brings. Asking for this and not for the package is quick
/// and holds on systems without dpkg.
#[derive(Debug, Clone, Copy)]
pub enum Evidence {
    /// A program on PATH or in a folder for administrators.
    Program(&'static str),
    /// A file in one place.
    File(&'static str),
}

impl Package {
    /// A package whose program is what is wanted.
    pub const fn program(name: &'static str, program: &'static str, why: &'static str) -> Self {
        let evidence = Evidence::Program(program);
        Self {
            name,
            evidence,
            why,
        }
    }

    /// A package of which some file is wanted.
    pub const fn file(name: &'static str, file: &'static str, why: &'static str) -> Self {
        let evidence = Evidence::File(file);
        Self {
            name,
            evidence,
            why,
        }
    }

    /// Whether what it brings is there.
    pub fn is_present(&self) -> bool {
        match self.evidence {
            Evidence::Program(program) => process::find(program).is_some(),
            Evidence::File(file) => Path::new(file).exists(),
        }
    }
}

/// Those of `packages` that are not there.
pub fn missing(packages: &[Package]) -> Vec<Package> {
    packages
        .iter()
        .copied()
        .filter(|package| !package.is_present())
        .collect()
}

/// Installs what is missing, or says how somebody who may do so can.
pub fn ensure(packages: &[Package], purpose: &str) -> Result<()> {
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    if !apt::is_here() {
        let wanted: Vec<_> = missing.iter().map(describe).collect();
        bail!(
            "{purpose}, these are missing, and there is no apt-get to install them:\n{}",
            wanted.join("\n")
        );
    }
    if !user::is_root() {
        bail!(
            "{purpose}, packages are missing. As root, type:\n  {}",
            apt::install_line(&missing)
        );
    }
    apt::install(&missing, purpose)
}

/// One line for a person.
pub fn describe(package: &Package) -> String {
    format!("  {:<24} {}", package.name, package.why)
}
