//! Keeps freshly installed services from starting.
//!
//! The tests start nginx and postfix themselves, in namespaces of their own.
//! An installation must not open ports on the machine besides.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context as _, Result};

/// Where Debian's packages ask whether a service may start
/// (`invoke-rc.d(8)`).
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Tells our file from the owner's.
const MARK: &str = "# written by `cargo xtask`";

/// While it lives, packages are installed without starting their services.
#[derive(Debug)]
pub struct NoServices {
    /// Our file; none where the owner has a policy, which is left alone.
    ours: Option<PathBuf>,
}

impl NoServices {
    /// Puts the policy in place, unless there is one.
    pub fn install() -> Result<Self> {
        Self::install_at(Path::new(POLICY))
    }

    fn install_at(path: &Path) -> Result<Self> {
        if belongs_to_owner(path) {
            return Ok(Self { ours: None });
        }
        fs::write(path, script(process::id()))
            .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self {
            ours: Some(path.to_path_buf()),
        })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(path) = &self.ours {
            // The script gives way by itself where this fails.
            let _ = fs::remove_file(path);
        }
    }
}

fn belongs_to_owner(path: &Path) -> bool {
    fs::read_to_string(path).map_or(path.exists(), |text| !text.contains(MARK))
}

/// Denies (101) while the process lives. An xtask that was killed leaves the
/// file behind; it must not keep the owner's services down for ever.
fn script(pid: u32) -> String {
    format!("#!/bin/sh\n{MARK}\n[ -e /proc/{pid} ] && exit 101\nrm -f \"$0\"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        folder.join("policy-rc.d")
    }

    fn answer(path: &Path) -> Option<i32> {
        let status = Command::new("sh").arg(path).status();
        status.expect("sh runs").code()
    }

    #[test]
    fn denies_while_it_lives_and_leaves_nothing() {
        let path = scratch("denies");
        let guard = NoServices::install_at(&path).expect("it can be written");
        assert_eq!(answer(&path), Some(101));
        drop(guard);
        assert!(!path.exists());
    }

    #[test]
    fn leaves_the_owners_policy_alone() {
        let path = scratch("owner");
        fs::write(&path, "#!/bin/sh\nexit 0\n").expect("it can be written");
        drop(NoServices::install_at(&path).expect("nothing is written"));
        assert_eq!(answer(&path), Some(0));
        fs::remove_file(&path).expect("it is still there");
    }

    #[test]
    fn gives_way_once_its_process_is_gone() {
        let path = scratch("stale");
        let mut child = Command::new("true").spawn().expect("true runs");
        child.wait().expect("it ends");
        fs::write(&path, script(child.id())).expect("it can be written");
        assert_eq!(answer(&path), Some(0));
        assert!(!path.exists());
    }
}
