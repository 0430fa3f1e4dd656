//! Files that cannot be used are kept beside, for whoever wants to know what is in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::text;

/// How many of each file.
const KEPT: usize = 3;

/// Renames a file with a date, and lets the oldest of those go.
pub(super) fn set(path: &Path, date: SystemTime) -> io::Result<PathBuf> {
    let stamp = text::exact_date(date).replace(['-', ':', '.'], "");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beginning = format!("{name}.bad-");
    let aside = path.with_file_name(format!("{beginning}{stamp}"));
    fs::rename(path, &aside)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut all: Vec<_> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&beginning) && *path != aside
        })
        .collect();
    all.sort();
    let many = (all.len() + 1).saturating_sub(KEPT);
    for old in all.iter().take(many) {
        fs::remove_file(old)?;
    }
    Ok(aside)
}
