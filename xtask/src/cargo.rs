//! The cargo that runs this xtask, started again for other packages.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use crate::workspace::Workspace;

/// `cargo run` describes the xtask's own package in the environment. A build
/// script that watches such a variable would run anew after each change
/// between `cargo build` and `cargo xtask build`.
const OUR_PACKAGE: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// A cargo command for the host's side of the workspace.
pub fn host(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = Command::new(program());
    command
        .arg(subcommand)
        .current_dir(workspace.root())
        // The rest of the xtask looks for what is built in this place.
        .env("CARGO_TARGET_DIR", workspace.target());
    forget_our_package(&mut command);
    command
}

/// The cargo itself: not rustup's shim, so it cannot pick another toolchain.
pub fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Takes what `cargo run` says of the xtask's own package out of the
/// environment of `command`.
pub fn forget_our_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if OUR_PACKAGE.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
}
