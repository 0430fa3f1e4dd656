//! Where the maps and links of an interface are pinned, and who may touch them.

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, fcntl_lock, statfs};
use rustix::mount::{MountFlags, mount};
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::{pinned_object, staging};
use crate::error::Context as _;
use crate::{Error, Result, config};

const BPFFS: &str = "/sys/fs/bpf";
const ROOT: &str = "/sys/fs/bpf/synguard";
const LOCKS: &str = "/run/synguard";
/// How long the controller waits for commands that change rules.
const PATIENCE: Duration = Duration::from_secs(5);
static WAITED_IN_VAIN: AtomicBool = AtomicBool::new(false);
/// How often it looks.
const POLL: Duration = Duration::from_millis(1);
/// Whose file says that nothing is to be dropped.
const PANIC: &str = "panic";
/// `include/uapi/linux/magic.h`.
const BPF_FS_MAGIC: i64 = 0xcafe_4a11;

/// The pinned objects of one interface.
#[derive(Clone, Debug)]
pub struct Pins {
    interface: String,
    directory: PathBuf,
}

impl Pins {
    /// Where the pins of `interface` are, whether there are any or not.
    pub fn of(interface: &str) -> Self {
        Self {
            interface: interface.to_owned(),
            directory: Path::new(ROOT).join(encode(interface)),
        }
    }

    /// The interface's name.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// The same interface's pins in another folder, whose name no interface has.
    pub(super) fn aside(&self, suffix: &str) -> Self {
        Self {
            interface: self.interface.clone(),
            directory: Path::new(ROOT).join(format!("{}%{suffix}", encode(&self.interface))),
        }
    }

    /// The folder.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file system that pins are in; nothing where that is no bpffs.
    pub(super) fn device() -> Option<u64> {
        is_bpffs().then(|| fs::metadata(BPFFS).ok().map(|facts| facts.dev()))?
    }

    /// The pin of a map, a link or a program.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The pin that keeps the filter attached.
    pub(super) fn link(&self) -> PathBuf {
        self.path("link")
    }

    /// The pin that keeps counting handshakes.
    pub(super) fn handshake(&self) -> PathBuf {
        self.path("handshake")
    }

    /// Whether the filter is pinned.
    pub fn exist(&self) -> bool {
        self.link().exists()
    }

    /// Makes the folder, and mounts bpffs where that is missing.
    pub(super) fn create(&self) -> Result<()> {
        ensure_bpffs()?;
        fs::create_dir_all(&self.directory).context(format!("making {}", self.directory.display()))
    }

    /// Removes all pins, the filter's first: nothing is ever dropped by rules
    /// that can no longer be reached.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] naming the pin that could not be removed.
    pub fn remove(&self) -> Result<()> {
        let link = pinned_object::open(&self.link());
        remove_if_there(&self.link())?;
        if let Ok(link) = link {
            // At once, though a controller that hangs may hold it yet. Where its interface
            // is gone there is nothing to take it off.
            let _ = pinned_object::detach(link.as_fd());
        }
        config::remove(self);
        staging::forget(self)?;
        self.remove_directory()
    }

    /// Removes the folder with what is in it.
    pub(super) fn remove_directory(&self) -> Result<()> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.context(format!("listing {}", self.directory.display()))?,
        };
        for entry in entries.flatten() {
            remove_if_there(&entry.path())?;
        }
        fs::remove_dir(&self.directory)
            .context(format!("removing {}", self.directory.display()))?;
        // The last interface takes the common folder along.
        let _ = fs::remove_dir(ROOT);
        Ok(())
    }

    /// Puts a pin in the place of the filter's, in one step.
    pub(super) fn replace_link(&self, pin: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let next = self.path("link_next");
        remove_if_there(&next)?;
        pin(&next)?;
        let link = self.link();
        fs::rename(&next, &link).context(format!("pinning {}", link.display()))
    }

    pub(super) fn remove_handshake(&self) -> Result<()> {
        remove_if_there(&self.handshake())
    }

    /// Takes the place of this interface's controller.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] with its process id where there is one.
    pub fn lock_controller(&self) -> Result<Lock> {
        let file = self.lock_file("controller")?;
        if fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(Lock(file));
        }
        Err(self.already_attached(self.controller()))
    }

    pub(super) fn already_attached(&self, controller: Option<u32>) -> Error {
        let name = &self.interface;
        let pid = controller.map_or_else(String::new, |pid| format!(" (process {pid})"));
        Error::Busy(format!(
            "{name} is already attached and its controller is running{pid}: \
             `synguard status {name}` shows it, `synguard detach {name}` ends it"
        ))
    }

    /// The process id of this interface's controller, if one runs.
    pub fn controller(&self) -> Option<u32> {
        self.holder("controller")
    }

    fn holder(&self, kind: &str) -> Option<u32> {
        let file = File::open(self.lock_path(kind)).ok()?;
        // Asking for a shared lock finds an exclusive one, without taking any.
        let holder = fcntl_getlk(&file, &Flock::from(FlockType::ReadLock)).ok()??;
        u32::try_from(holder.pid?.as_raw_nonzero().get()).ok()
    }

    /// Takes the place of the one that captures this interface's packets.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] with its process id where there is one.
    pub(super) fn lock_capture(&self) -> Result<Lock> {
        let file = self.lock_file("capture")?;
        if fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(Lock(file));
        }
        let pid = self.holder("capture");
        let pid = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
        Err(Error::Busy(format!(
            "{} is being captured already{pid}: one capture at a time",
            self.interface
        )))
    }

    /// What tells these pins from those of another attachment of the same interface;
    /// nothing without any.
    pub(super) fn identity(&self) -> Option<u64> {
        let pin = fs::metadata(self.path("SETTINGS")).ok()?;
        self.exist().then(|| pin.ino())
    }

    /// Waits until nobody else changes the rules of this interface.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the lock file cannot be made.
    pub fn lock_rules(&self) -> Result<Lock> {
        let file = self.lock_file("rules")?;
        file.lock()
            .context("waiting for other commands to finish")?;
        Ok(Lock(file))
    }

    /// The same for the controller, which does not wait for long: an import of a million
    /// takes some seconds, but a command that was stopped in the midst of it (`^Z`) takes for
    /// ever.
    ///
    /// # Errors
    ///
    /// As [`Self::lock_rules`], and where somebody else changes them for five seconds.
    pub fn lock_rules_soon(&self) -> Result<Lock> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(lock) = self.try_lock_rules()? {
                WAITED_IN_VAIN.store(false, Ordering::Relaxed);
                return Ok(lock);
            }
            // One wait is enough for all interfaces, which may all be locked by one command.
            if WAITED_IN_VAIN.load(Ordering::Relaxed) || Instant::now() > end {
                WAITED_IN_VAIN.store(true, Ordering::Relaxed);
                let name = &self.interface;
                return Err(
                    "a long import, or one that was stopped (`ps -C synguard -o pid,stat,args` \
                     shows it with a T, `kill -CONT` has it go on)",
                )
                .context(format!(
                    "another synguard command keeps the rules of {name} locked"
                ));
            }
            sleep(POLL);
        }
    }

    /// The same, without waiting: none where somebody else does.
    ///
    /// # Errors
    ///
    /// As [`Self::lock_rules`].
    pub fn try_lock_rules(&self) -> Result<Option<Lock>> {
        let file = self.lock_file("rules")?;
        Ok(file.try_lock().is_ok().then_some(Lock(file)))
    }

    /// Waits until nobody else has this interface's controller reload.
    ///
    /// # Errors
    ///
    /// As [`Self::lock_rules`].
    pub fn lock_reload(&self) -> Result<Lock> {
        let file = self.lock_file("reload")?;
        file.lock()
            .context("waiting for another `synguard reload` to finish")?;
        Ok(Lock(file))
    }

    /// A file about this interface that is gone after a restart of the host.
    pub fn run_file(&self, kind: &str) -> PathBuf {
        Path::new(LOCKS).join(format!("{}.{kind}", encode(&self.interface)))
    }

    /// Whether somebody said that nothing is to be dropped, and not yet that it is over.
    pub fn in_panic(&self) -> bool {
        self.run_file(PANIC).exists()
    }

    /// Notes it for whoever attaches next.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the file cannot be made.
    pub fn note_panic(&self) -> Result<()> {
        make_locks()?;
        let path = self.run_file(PANIC);
        File::create(&path)
            .context(format!("making {}", path.display()))
            .map(drop)
    }

    /// Notes that it is over.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the file cannot be removed.
    pub fn forget_panic(&self) -> Result<()> {
        remove_if_there(&self.run_file(PANIC))
    }

    fn lock_file(&self, kind: &str) -> Result<File> {
        make_locks()?;
        let path = self.lock_path(kind);
        File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .context(format!("opening {}", path.display()))
    }

    fn lock_path(&self, kind: &str) -> PathBuf {
        Path::new(LOCKS).join(format!("{}.{kind}.lock", encode(&self.interface)))
    }
}

/// Held as long as it lives, and given up by the kernel if the process dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing the file gives the lock up")] File);

/// The interfaces that have a pinned filter, sorted.
///
/// # Errors
///
/// [`Error::Failed`] where bpffs cannot be read.
pub fn attached_interfaces() -> Result<Vec<String>> {
    let entries = match fs::read_dir(ROOT) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.context(format!("listing {ROOT}"))?,
    };
    let mut names: Vec<_> = entries
        .flatten()
        .map(|entry| decode(&entry.file_name().to_string_lossy()))
        .filter(|name| Pins::of(name).exist())
        .collect();
    names.sort();
    Ok(names)
}

/// The interfaces that a controller is in charge of, attached or not, sorted; none for who
/// may not see the locks. Not to be asked by a controller: looking at a lock of its own
/// would end it.
///
/// # Errors
///
/// [`Error::Failed`] where the locks cannot be listed.
pub fn watched_interfaces() -> Result<Vec<String>> {
    let nothing = |kind| matches!(kind, ErrorKind::NotFound | ErrorKind::PermissionDenied);
    let entries = match fs::read_dir(LOCKS) {
        Err(error) if nothing(error.kind()) => return Ok(Vec::new()),
        entries => entries.context(format!("listing {LOCKS}"))?,
    };
    let names = entries.flatten().filter_map(|entry| {
        let file = entry.file_name();
        let name = file.to_str()?.strip_suffix(".controller.lock")?;
        Some(decode(name))
    });
    let mut names: Vec<_> = names
        .filter(|name| Pins::of(name).controller().is_some())
        .collect();
    names.sort();
    Ok(names)
}

/// Nobody else's: whoever may read a file may lock it.
fn make_locks() -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(LOCKS)
        .context(format!("making {LOCKS}"))
}

fn is_bpffs() -> bool {
    statfs(BPFFS).is_ok_and(|fs| fs.f_type == BPF_FS_MAGIC)
}

fn ensure_bpffs() -> Result<()> {
    if is_bpffs() {
        return Ok(());
    }
    let remedy = format!("as root: mount -t bpf bpf {BPFFS}");
    if mounts_are_hidden() {
        return Err(Error::Unsupported(format!(
            "{BPFFS} is no BPF file system, and one that this process mounts would be seen by \
             nobody else (it is in a mount namespace of its own, as under systemd); {remedy}"
        )));
    }
    mount("bpf", BPFFS, "bpf", MountFlags::empty(), None).context(format!(
        "{BPFFS} is no BPF file system and could not be made one; {remedy}"
    ))
}

/// Whether mounts come into this process's mount namespace from another one, but not the
/// other way (`master:` in proc_pid_mountinfo(5)): pins would be out of reach of commands.
fn mounts_are_hidden() -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let covering = mounts.lines().filter(|line| {
        let point = line.split(' ').nth(4).map(Path::new);
        point.is_some_and(|point| Path::new(BPFFS).starts_with(point))
    });
    // Of those that cover it, the last one is on top.
    let top = covering.max_by_key(|line| line.split(' ').nth(4).map_or(0, str::len));
    top.is_some_and(|line| line.contains(" master:"))
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result.context(format!("removing {}", path.display())),
    }
}

/// bpffs takes no dots (`kernel/bpf/inode.c`: `bpf_lookup`), and VLAN
/// interfaces have one in their name.
fn encode(interface: &str) -> String {
    interface.replace('%', "%25").replace('.', "%2E")
}

fn decode(name: &str) -> String {
    name.replace("%2E", ".").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_name_survives_as_a_pin() {
        for name in ["eth0", "eth0.100", "a%b", "a%2Eb", "br-1234"] {
            assert!(!encode(name).contains('.'));
            assert_eq!(decode(&encode(name)), name);
        }
    }
}
