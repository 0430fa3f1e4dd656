//! A mount namespace that, like the lab's network namespaces, has no name: in
//! it the machine looks as after a fresh installation, with neither bpffs nor
//! tracefs mounted, an empty `/run` and an empty `/var/lib`; what is left there goes with it.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, unmount,
};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

use crate::namespace::on_own_thread;

/// What synguard mounts when it is missing.
const FILE_SYSTEMS: [&str; 2] = ["/sys/fs/bpf", "/sys/kernel/tracing"];

/// A mount namespace; it ends with its last clone and the last process inside.
#[derive(Debug, Clone)]
pub struct Mounts(Arc<OwnedFd>);

impl Mounts {
    /// Makes one in which bpffs and tracefs are not mounted.
    ///
    /// # Errors
    /// Without CAP_SYS_ADMIN.
    pub fn fresh() -> Result<Self> {
        let handle = on_own_thread(|| -> Result<OwnedFd> {
            // SAFETY: only the mounts, the root and the working directory of
            // this short-lived thread become its own.
            unsafe { unshare_unsafe(UnshareFlags::NEWNS) }
                .context("cannot make a mount namespace (needs root)")?;
            // From here on nothing done inside is seen outside.
            mount_change(
                "/",
                MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
            )?;
            for path in FILE_SYSTEMS {
                // Several may be stacked; the last one gone is an error.
                while unmount(path, UnmountFlags::DETACH).is_ok() {}
            }
            // Lock files are kept there, by the interface's name.
            mount("tmpfs", "/run", "tmpfs", MountFlags::empty(), None)?;
            // And evidence of bans here.
            mount("tmpfs", "/var/lib", "tmpfs", MountFlags::empty(), None)?;
            Ok(File::open("/proc/thread-self/ns/mnt")?.into())
        })?;
        Ok(Self(Arc::new(handle)))
    }

    /// Lets a command run inside.
    pub fn enter(&self, command: &mut Command) {
        let handle = Arc::clone(&self.0);
        // SAFETY: the closure runs between fork and exec and makes one system
        // call on a descriptor that it owns.
        unsafe {
            command.pre_exec(move || enter(&handle));
        }
    }

    /// Runs `work` on a thread of its own that sees these mounts.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        on_own_thread(|| {
            // SAFETY: the root and the working directory of this short-lived
            // thread become its own, as the kernel asks for before the move.
            unsafe { unshare_unsafe(UnshareFlags::FS) }?;
            enter(&self.0).context("cannot enter the mount namespace")?;
            Ok(work())
        })
    }

    /// Lets what is written below `folder` be seen from inside alone.
    ///
    /// # Errors
    /// Without overlayfs.
    pub fn cover(&self, folder: &Path) -> Result<()> {
        self.inside(|| -> Result<()> {
            let (upper, work) = ("/run/cover/upper", "/run/cover/work");
            fs::create_dir_all(upper)?;
            fs::create_dir_all(work)?;
            let options = format!(
                "lowerdir={},upperdir={upper},workdir={work}",
                folder.display()
            );
            let options = CString::new(options)?;
            mount("overlay", folder, "overlay", MountFlags::empty(), &*options)
                .with_context(|| format!("cannot cover {}", folder.display()))
        })?
    }

    /// Makes a disk at `at` that nothing more fits on.
    ///
    /// # Errors
    /// Where it takes more than it should.
    pub fn full_disk(&self, at: &Path) -> Result<()> {
        fs::create_dir(at)?;
        self.inside(|| -> Result<()> {
            mount("tmpfs", at, "tmpfs", MountFlags::empty(), c"size=16k")?;
            let filled = fs::write(at.join("filler"), vec![0; 1 << 20]);
            ensure!(filled.is_err(), "it was not filled");
            Ok(())
        })?
    }

    /// Makes a disk at `at` that cannot be written to.
    ///
    /// # Errors
    /// Without CAP_SYS_ADMIN.
    pub fn read_only_disk(&self, at: &Path) -> Result<()> {
        fs::create_dir(at)?;
        self.inside(|| mount("tmpfs", at, "tmpfs", MountFlags::RDONLY, None))??;
        Ok(())
    }

    /// Puts `file` in the place of `path`, as seen from inside.
    pub fn replace(&self, path: &Path, file: &Path) -> Result<()> {
        self.inside(|| mount_bind(file, path))?
            .with_context(|| format!("cannot mount over {}", path.display()))
    }
}

fn enter(handle: &OwnedFd) -> io::Result<()> {
    move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Mount))
        .map_err(io::Error::from)
}
