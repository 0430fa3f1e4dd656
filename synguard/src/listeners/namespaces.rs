//! The network namespaces of this host: those of its processes, and those that have a
//! name (`ip netns`).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Stat, fstat, stat};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::label;

/// The calling thread's.
const OWN: &str = "/proc/thread-self/ns/net";
/// Where `ip netns` puts names (ip-netns(8)).
const NAMES: &str = "/run/netns";

/// Tells namespaces apart while they live: device and inode (namespaces(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity(u64, u64);

impl From<Stat> for Identity {
    fn from(stat: Stat) -> Self {
        Self(stat.st_dev, stat.st_ino)
    }
}

/// A network namespace that there was a moment ago.
pub(super) struct Found {
    identity: Identity,
    /// A path to it, while its process or its name lives.
    path: PathBuf,
    holder: Holder,
}

enum Holder {
    Name(String),
    Process(String),
}

impl Found {
    /// Opens it. While the handle is open, it does not end.
    ///
    /// # Errors
    ///
    /// Where it is gone.
    pub fn open(&self) -> io::Result<OwnedFd> {
        let handle = OwnedFd::from(File::open(&self.path)?);
        if Identity::from(fstat(&handle)?) != self.identity {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(handle)
    }

    /// What tells it from all others while it lives.
    pub const fn inode(&self) -> u64 {
        self.identity.1
    }

    /// What people know it by.
    pub fn label(&self) -> String {
        match &self.holder {
            Holder::Name(name) => name.clone(),
            Holder::Process(pid) => label::of_process(pid),
        }
    }
}

/// Opens the calling thread's own.
pub(super) fn own() -> io::Result<OwnedFd> {
    Ok(File::open(OWN)?.into())
}

/// All but the calling thread's own, in an order that lasts. A process that this one may
/// not look into counts as none.
///
/// # Errors
///
/// Where there is no `/proc`.
pub(super) fn others() -> io::Result<Vec<Found>> {
    let own = Identity::from(stat(OWN)?);
    let mut found = BTreeMap::new();
    for name in names(NAMES).unwrap_or_default() {
        let path = Path::new(NAMES).join(&name);
        note(&mut found, path, Holder::Name(name));
    }
    for pid in names("/proc")?.into_iter().filter(|name| is_pid(name)) {
        note(
            &mut found,
            format!("/proc/{pid}/ns/net").into(),
            Holder::Process(pid),
        );
    }
    // What is left in the folder of names by a namespace that ended is an ordinary file.
    found.retain(|identity, _| identity.0 == own.0 && *identity != own);
    Ok(found.into_values().collect())
}

/// Whoever comes first names it.
fn note(found: &mut BTreeMap<Identity, Found>, path: PathBuf, holder: Holder) {
    let Ok(identity) = stat(&path).map(Identity::from) else {
        return;
    };
    found.entry(identity).or_insert(Found {
        identity,
        path,
        holder,
    });
}

fn names(folder: &str) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.filter_map(Result::ok);
    Ok(entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect())
}

fn is_pid(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Runs `work` inside the namespace with this inode, as [`inside`] does.
///
/// # Errors
///
/// Where there is none any more, or it cannot be entered.
pub fn inside_of<T: Send>(inode: u64, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    if stat(OWN)?.st_ino == inode {
        return Ok(work());
    }
    let others = others()?;
    let found = others.iter().find(|other| other.inode() == inode);
    let handle = found.ok_or(io::ErrorKind::NotFound)?.open()?;
    inside(handle.as_fd(), work)
}

/// Runs `work` inside a namespace, on a thread that ends with it, also when it panics
/// (and the panic goes on here). Sockets opened there stay there.
///
/// # Errors
///
/// Without CAP_SYS_ADMIN, or where there is no thread to be had.
pub(super) fn inside<T: Send>(
    namespace: BorrowedFd<'_>,
    work: impl FnOnce() -> T + Send,
) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("namespace".to_owned());
        let entered = thread.spawn_scoped(scope, || {
            move_into_link_name_space(namespace, Some(LinkNameSpaceType::Network))?;
            Ok(work())
        })?;
        entered
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Even into its own, only root may go.
    fn may_enter() -> bool {
        let home = own().unwrap();
        let entered = inside(home.as_fd(), || ());
        entered.is_ok() || entered.unwrap_err().kind() != io::ErrorKind::PermissionDenied
    }

    #[test]
    fn a_thread_inside_ends_also_when_it_panics() {
        let home = own().unwrap();
        let work = || inside(home.as_fd(), || -> bool { panic!("as the test asks for") });
        let ended = catch_unwind(AssertUnwindSafe(work));
        assert_eq!(ended.is_err(), may_enter(), "{ended:?}");
        assert!(matches!(ended, Err(_) | Ok(Err(_))));
    }

    #[test]
    fn what_is_found_is_not_its_own() {
        let home = Identity::from(stat(OWN).unwrap());
        let others = others().unwrap();
        assert!(others.iter().all(|other| other.identity != home));
        for other in others
            .iter()
            .filter_map(|other| Some((other, other.open().ok()?)))
        {
            let (found, handle) = other;
            assert_eq!(Identity::from(fstat(&handle).unwrap()), found.identity);
            assert!(!found.label().is_empty());
        }
    }
}
