//! Other programs: find them, start them, read what they print.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// Debian leaves these out of an ordinary user's PATH.
const ADMIN_FOLDERS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Runs it to its end; it must succeed.
pub fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    let status = command
        .status()
        .with_context(|| format!("`{line}` could not be started: is it installed?"))?;
    ensure!(status.success(), "`{line}` failed ({status})");
    Ok(())
}

/// What it prints on stdout; it must succeed.
pub fn read(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("`{line}` could not be started: is it installed?"))?;
    ensure!(
        output.status.success(),
        "`{line}` failed ({})",
        output.status
    );
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed no UTF-8"))
}

/// What it prints on stdout, or nothing where it is missing or fails.
pub fn probe(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let stdout = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(stdout)
}

/// Where PATH, or a folder for administrators, has this program.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(ADMIN_FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// Puts folders before all others in the PATH that `command` will see.
pub fn prefer_folders(command: &mut Command, preferred: &[PathBuf]) -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = preferred.iter().cloned().chain(env::split_paths(&path));
    let joined = env::join_paths(folders).context("PATH cannot hold this work tree's name")?;
    command.env("PATH", joined);
    Ok(())
}

/// The command as a person would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
