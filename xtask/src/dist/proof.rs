//! Whether shells, man and people without dpkg can use what is packed.

use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};

use super::{stage, tarball};
use crate::packages::{self, Package};
use crate::process;
use crate::workspace::Workspace;

const PACKAGES: [Package; 3] = [
    Package::program("zsh", "zsh", "reads the completions for zsh"),
    Package::program("fish", "fish", "reads the completions for fish"),
    Package::program("man-db", "man", "shows the manual pages"),
];

/// Unpacks the tarball and tries all of it.
pub fn prove(workspace: &Workspace) -> Result<()> {
    packages::ensure(&PACKAGES, "To try what is packed")?;
    stage::fill(workspace)?;
    let archive = tarball::pack(workspace)?;
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(&archive);
    process::run(tar.arg("--directory").arg(workspace.dist()))?;
    let unpacked = workspace.dist().join(tarball::name());
    let version = process::read(Command::new(unpacked.join("bin/synguard")).arg("--version"))?;
    ensure!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    for name in [
        "README.md",
        "LICENSE-MIT",
        "contrib/synguard.toml",
        "docs/events.md",
    ] {
        ensure!(
            unpacked.join(name).is_file(),
            "{name} is not in the tarball"
        );
    }
    let generated = unpacked.join("generated");
    for (shell, name) in stage::COMPLETIONS {
        let check = if shell == "fish" {
            "--no-execute"
        } else {
            "-n"
        };
        process::run(Command::new(shell).arg(check).arg(generated.join(name)))?;
        let text = fs::read_to_string(generated.join(name)).context(name)?;
        ensure!(
            text.contains("confirm-within"),
            "{name} lacks a flag of attach"
        );
    }
    let pages = fs::read_dir(generated.join("man")).context("no manual pages")?;
    let mut shown = 0;
    for page in pages {
        let page = page.context("reading the manual pages")?.path();
        let mut man = Command::new("man");
        man.args(["--warnings", "--encoding=UTF-8", "--local-file"]);
        let output = man.arg(&page).output().context("man does not start")?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.success() && said.is_empty(),
            "{}: {said}",
            page.display()
        );
        shown += 1;
    }
    ensure!(shown > 10, "{shown} manual pages only");
    fs::remove_dir_all(&unpacked).context("removing what was unpacked")
}
