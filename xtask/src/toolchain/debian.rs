//! Debian's toolchain: its files and its packages.

use super::choice::Part;
use crate::packages::{self, Package};

/// Its compiler.
pub const RUSTC: &str = "/usr/bin/rustc";
/// The clippy that matches it.
pub const CLIPPY: &str = "/usr/bin/cargo-clippy";

/// The package of the compiler.
pub const RUSTC_PACKAGE: &str = "rustc-web";

const COMPILER: &[Package] = &[
    Package::file(
        RUSTC_PACKAGE,
        RUSTC,
        "a Rust compiler that knows the BPF target",
    ),
    Package::file(
        "libstd-rust-web-dev-bpf",
        "/usr/lib/rustlib/bpfel-unknown-none",
        "Rust's core library, compiled for BPF",
    ),
];

const LINKER: &[Package] = &[
    Package::file(
        "llvm-22-dev",
        "/usr/lib/llvm-22/lib/libLLVM.so",
        "the LLVM inside bpf-linker",
    ),
    Package::file(
        "libzstd-dev",
        "/usr/include/zstd.h",
        "a library that LLVM is linked with",
    ),
    Package::file(
        "zlib1g-dev",
        "/usr/include/zlib.h",
        "a library that LLVM is linked with",
    ),
];

const LINT: &[Package] = &[Package::file(
    "rust-web-clippy",
    CLIPPY,
    "the linter of that compiler",
)];

/// The packages that bring these parts, as far as they are missing.
pub fn packages_for(lacking: &[Part]) -> Vec<Package> {
    lacking
        .iter()
        .flat_map(|part| match part {
            // A compiler may be there and be too old: ask for both packages.
            Part::Compiler => COMPILER.to_vec(),
            Part::Linker => packages::missing(LINKER),
            Part::Lint => LINT.to_vec(),
        })
        .collect()
}
