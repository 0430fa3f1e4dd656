//! What the guests need of the host.

use std::path::PathBuf;

use anyhow::Result;

use crate::packages::{self, HPING3, IPROUTE2, Package};

const PACKAGES: [Package; 10] = [
    Package::program(
        "qemu-system-x86",
        "qemu-system-x86_64",
        "emulates the machine that other kernels boot on",
    ),
    // A `busybox` that is linked with libraries starts nothing in an initramfs.
    Package::file(
        "busybox-static",
        "/usr/share/doc/busybox-static/copyright",
        "is the shell of the guests' initramfs",
    ),
    Package::program("cpio", "cpio", "packs the guests' initramfs"),
    Package::program("xz-utils", "xz", "unpacks kernels and modules"),
    Package::program("zstd", "zstd", "unpacks kernels and modules"),
    Package::program("util-linux", "setpriv", "ends a guest with its owner"),
    Package::file(
        "systemd",
        "/lib/systemd/systemd",
        "starts the installed package in the guests",
    ),
    Package::program("curl", "curl", "asks the installed package for metrics"),
    HPING3,
    IPROUTE2,
];

/// What is tested.
#[derive(Debug)]
pub struct Programs {
    /// The product.
    pub synguard: PathBuf,
    /// The tests of the loaded program.
    pub tests: PathBuf,
    /// The Debian package.
    pub package: PathBuf,
    /// A newer one, whose maps have another layout.
    pub next: PathBuf,
}

/// Installs what is missing.
pub fn ensure() -> Result<()> {
    packages::ensure(&PACKAGES, "For the tests on Debian's kernels")
}
