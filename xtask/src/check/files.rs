//! The text files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Folders that are not the repository's own.
const FOREIGN: [&str; 2] = [".git", "target"];

/// A text file.
#[derive(Debug)]
pub struct File {
    /// Where it lies, seen from the repository's root.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// Reads them all. What is not UTF-8 (captures of packets) is no text.
pub fn read(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let unreadable = || format!("{} cannot be read", folder.display());
        for entry in fs::read_dir(&folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let kind = entry.file_type().with_context(unreadable)?;
            if kind.is_dir() && !FOREIGN.iter().any(|name| entry.file_name() == *name) {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.extend(text_file(root, &entry.path()));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn text_file(root: &Path, path: &Path) -> Option<File> {
    Some(File {
        path: path.strip_prefix(root).ok()?.to_path_buf(),
        text: fs::read_to_string(path).ok()?,
    })
}
