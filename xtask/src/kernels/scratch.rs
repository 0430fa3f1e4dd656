//! Folders that go away again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};

/// A folder that is removed, with all that is in it, when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes an empty folder in `parent`.
    pub fn within(parent: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!(".synguard-xtask-{}-{number}", process::id()));
        let unmade = || format!("{} cannot be made", path.display());
        fs::create_dir_all(parent).with_context(unmade)?;
        // Not `create_dir_all`: what somebody else put there is not ours.
        fs::create_dir(&path).with_context(unmade)?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("{} could not be removed: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left() {
        let scratch = Scratch::within(&std::env::temp_dir()).expect("a folder");
        let path = scratch.path().to_path_buf();
        fs::write(path.join("file"), "text").expect("it can be written");
        drop(scratch);
        assert!(!path.exists());
    }
}
