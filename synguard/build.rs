//! Finds the eBPF object that `cargo xtask build-ebpf` made, to embed it.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

const OVERRIDE: &str = "SYNGUARD_EBPF_OBJECT";

fn main() {
    println!("cargo::rerun-if-env-changed={OVERRIDE}");
    let object = env::var_os(OVERRIDE).map_or_else(default_object, PathBuf::from);
    println!("cargo::rerun-if-changed={}", object.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    if let Err(error) = fs::copy(&object, out.join("synguard.bpf.o")) {
        println!(
            "cargo::error=no eBPF object at {}: {error}; `cargo xtask build-ebpf` makes it, \
             or name another one in {OVERRIDE}",
            object.display()
        );
        process::exit(1);
    }
    println!("cargo::rustc-env=SYNGUARD_COMMIT={}", commit());
}

fn default_object() -> PathBuf {
    // Read at run time: a build script outlives a move of the work tree.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    PathBuf::from(manifest).join("../target/ebpf/synguard.bpf.o")
}

/// The commit, for `--version`; empty outside a checkout.
fn commit() -> String {
    // The second grows with each commit; one that is missing would have it run each time.
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file]);
        if let Some(path) = path.filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_default()
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = process::Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.trim().to_owned())
}
