//! The initramfs of a guest: busybox, a few modules, and a script.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::store::{Kernel, MODULES};
use crate::process;

const INIT: &str = include_str!("init.sh");
const FOLDERS: [&str; 7] = ["bin", "proc", "sys", "dev", "modules", "host", "root"];

/// Lays it out in the folder `tree` and packs it into the file `archive`.
pub fn pack(kernel: &Kernel, tree: &Path, archive: &Path) -> Result<()> {
    lay_out(kernel, tree).context("the initramfs could not be laid out")?;
    process::run(
        Command::new("sh")
            .args(["-c", "find . | cpio --quiet -o -H newc > \"$1\"", "sh"])
            .arg(archive)
            .current_dir(tree),
    )
}

fn lay_out(kernel: &Kernel, tree: &Path) -> Result<()> {
    for folder in FOLDERS {
        fs::create_dir_all(tree.join(folder))?;
    }
    let busybox = process::find("busybox").context("busybox is not there")?;
    fs::copy(busybox, tree.join("bin/busybox"))?;
    let mut order = String::new();
    for name in MODULES {
        let file = format!("{name}.ko");
        let module = kernel.modules().join(&file);
        if module.exists() {
            fs::copy(module, tree.join("modules").join(&file))?;
            order.push_str(&format!("{file}\n"));
        }
    }
    fs::write(tree.join("modules/order"), order)?;
    let init = tree.join("init");
    fs::write(&init, INIT)?;
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
