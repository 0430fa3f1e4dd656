//! Installs the parts of Debian's toolchain that are lacking.

use anyhow::{Result, bail};

use super::choice::Part;
use super::facts::Facts;
use super::remedy::{self, Means, Remedy};
use super::{debian, linker, rustc};
use crate::packages::Package;
use crate::workspace::Workspace;
use crate::{apt, user};

const PURPOSE: &str = "For the eBPF side";

/// Installs what is lacking, or fails with the commands that do.
pub fn set_up(workspace: &Workspace, lacking: &[Part], facts: &Facts) -> Result<()> {
    let packages = debian::packages_for(lacking);
    match remedy::remedy(means(&packages, facts)?) {
        Remedy::SetUp => install(workspace, lacking, &packages),
        Remedy::AskRoot => bail!(
            "{PURPOSE}, Debian packages are missing. As root, type:\n  {}\nThen start this again.",
            apt::install_line(&packages)
        ),
        Remedy::AskForNightly => bail!(
            "{PURPOSE}, a nightly Rust with its source and bpf-linker are needed. Type:\n  {}\n\
             Then start this again.",
            remedy::NIGHTLY_COMMANDS.join("\n  ")
        ),
    }
}

fn means(packages: &[Package], facts: &Facts) -> Result<Means> {
    let root = user::is_root();
    let packages_missing = !packages.is_empty();
    let debian_has_compiler =
        facts.debian_compiles || (packages_missing && apt_offers_compiler(root)?);
    Ok(Means {
        packages_missing,
        debian_has_compiler,
        root,
    })
}

fn apt_offers_compiler(root: bool) -> Result<bool> {
    let offers = || {
        let version = apt::candidate(debian::RUSTC_PACKAGE);
        version.is_some_and(|version| rustc::is_package_usable(&version))
    };
    if !apt::is_here() {
        return Ok(false);
    }
    // A fresh machine has no package lists yet, and only root can fetch them.
    if root && !offers() {
        apt::update()?;
    }
    Ok(offers())
}

fn install(workspace: &Workspace, lacking: &[Part], packages: &[Package]) -> Result<()> {
    if !packages.is_empty() {
        apt::install(packages, PURPOSE)?;
    }
    if lacking.contains(&Part::Linker) {
        linker::install(workspace)?;
    }
    Ok(())
}
