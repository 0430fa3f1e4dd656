//! The folder that host and guest share: programs in, results out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::needs::Programs;

const STAGE: &str = include_str!("stage.sh");
const CASES: &str = include_str!("cases.sh");
const WAIT: &str = include_str!("wait.sh");
const PACKAGE: &str = include_str!("package.sh");

/// The folder.
#[derive(Debug)]
pub struct Share {
    path: PathBuf,
}

impl Share {
    /// Makes it, with all that the guest runs. Copies: the guest sees the
    /// host's files too, but by then somebody may have built anew.
    pub fn fill(path: &Path, programs: &Programs) -> Result<Self> {
        let copy = || -> std::io::Result<()> {
            fs::create_dir(path)?;
            fs::copy(&programs.synguard, path.join("synguard"))?;
            fs::copy(&programs.tests, path.join("tests"))?;
            fs::copy(&programs.package, path.join("synguard.deb"))?;
            fs::copy(&programs.next, path.join("synguard-next.deb"))?;
            fs::write(path.join("stage.sh"), STAGE)?;
            fs::write(path.join("cases.sh"), CASES)?;
            fs::write(path.join("wait.sh"), WAIT)?;
            fs::write(path.join("package.sh"), PACKAGE)
        };
        copy().with_context(|| format!("{} cannot be filled", path.display()))?;
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the guest wrote into one of its files; nothing if it did not.
    pub fn read(&self, name: &str) -> String {
        fs::read(self.path.join(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}
