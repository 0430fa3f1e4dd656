//! Debian's kernels, kept unpacked in target/kernels for the next time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::compressed;
use super::release::{Package, Release};
use super::scratch::Scratch;
use crate::workspace::Workspace;
use crate::{apt, process};

/// The modules that reach the host's files and make links, in the order in
/// which they need each other. Some kernels have some of them built in.
pub const MODULES: [&str; 12] = [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "netfs",
    "fscache",
    "9pnet",
    "9p",
    "9pnet_virtio",
    "overlay",
    "veth",
];

/// A kernel that can be booted.
#[derive(Debug)]
pub struct Kernel {
    /// What `uname -r` says on it.
    pub uname: String,
    folder: PathBuf,
}

impl Kernel {
    /// What qemu boots.
    pub fn vmlinux(&self) -> PathBuf {
        self.folder.join("vmlinux")
    }

    /// The modules, uncompressed.
    pub fn modules(&self) -> PathBuf {
        self.folder.join("modules")
    }
}

/// Downloads the newest version, unless it is there.
pub fn ensure(workspace: &Workspace, release: &Release) -> Result<Kernel> {
    let kernels = workspace.target().join("kernels");
    obtain(&kernels, release).or_else(|error| {
        // Old lists name files that are gone.
        eprintln!("{}: {error:#}", release.name);
        apt::update()?;
        obtain(&kernels, release)
    })
}

fn obtain(kernels: &Path, release: &Release) -> Result<Kernel> {
    let package = release.resolve()?;
    let folder = kernels.join(&package.version);
    if !folder.exists() {
        fetch(kernels, &package, &folder)?;
    }
    Ok(Kernel {
        uname: package.uname().to_owned(),
        folder,
    })
}

fn fetch(kernels: &Path, package: &Package, folder: &Path) -> Result<()> {
    eprintln!(
        "`cargo xtask` now downloads {} {} to {} with apt-get, and installs nothing.",
        package.name,
        package.version,
        folder.display()
    );
    // Beside its place, so that a rename puts the whole of it there or nothing.
    let scratch = Scratch::within(kernels)?;
    let [download, unpacked, kept] =
        ["download", "unpacked", "kept"].map(|name| scratch.path().join(name));
    for folder in [&download, &kept] {
        fs::create_dir(folder)?;
    }
    apt::download(&package.name, &download)?;
    for file in files(&download)? {
        process::run(
            Command::new("dpkg-deb")
                .arg("--extract")
                .args([&file, &unpacked]),
        )?;
    }
    keep(&unpacked, &kept).with_context(|| format!("{} is not as expected", package.name))?;
    fs::rename(&kept, folder).with_context(|| format!("{} cannot be made", folder.display()))
}

/// Takes the few files that a guest needs.
fn keep(unpacked: &Path, kept: &Path) -> Result<()> {
    let modules = kept.join("modules");
    fs::create_dir(&modules)?;
    for file in files(unpacked)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("vmlinuz-") {
            let payload = unpacked.join("payload");
            fs::write(&payload, compressed::payload(&fs::read(&file)?)?)?;
            compressed::unpack(&payload, &kept.join("vmlinux"))?;
        } else if let Some(module) = wanted(&name) {
            compressed::unpack(&file, &modules.join(format!("{module}.ko")))?;
        }
    }
    fs::metadata(kept.join("vmlinux")).context("it has no kernel")?;
    Ok(())
}

/// Which of [`MODULES`] a file holds: `veth.ko`, `veth.ko.xz`.
fn wanted(file: &str) -> Option<&'static str> {
    let (name, _) = file.split_once(".ko")?;
    MODULES.into_iter().find(|module| *module == name)
}

/// All files below `folder`.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn modules_are_known_by_their_whole_name() {
        assert_eq!(wanted("veth.ko"), Some("veth"));
        assert_eq!(wanted("veth.ko.xz"), Some("veth"));
        assert_eq!(wanted("virtio_pci.ko.zst"), Some("virtio_pci"));
        assert_eq!(wanted("virtio_net.ko"), None);
        assert_eq!(wanted("veth"), None);
    }
}
