//! Finds the eBPF object that `cargo xtask bench` made, to embed it.

use std::path::PathBuf;
use std::{env, fs, process};

fn main() {
    // Read at run time: a build script outlives a move of the work tree.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let object = PathBuf::from(manifest).join("../target/ebpf/synguard-bench.bpf.o");
    println!("cargo::rerun-if-changed={}", object.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    if let Err(error) = fs::copy(&object, out.join("bench.bpf.o")) {
        println!(
            "cargo::error=no eBPF object at {}: {error}; `cargo xtask bench` makes it",
            object.display()
        );
        process::exit(1);
    }
}
