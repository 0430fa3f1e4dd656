//! The sysctls that answering SYNs with cookies wants, set in every network namespace
//! that has listeners, and put back.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use tracing::info;

use super::lease::{Lease, Sysctls};
use crate::Result;
use crate::dataplane::Pins;
use crate::error::Context as _;
use crate::listeners::{Survey, inside_of};

/// Gone after a restart, as sysctls are.
const DIRECTORY: &str = "/run/synguard";

const SYNCOOKIES: &str = "ipv4/tcp_syncookies";
const TIMESTAMPS: &str = "ipv4/tcp_timestamps";
/// Whoever switched timestamps off shall have none.
const NO_TIMESTAMPS: u32 = 0;

/// Sets them wherever somebody listens, and gives what could not be set: a container may
/// have its own ideas.
///
/// # Errors
///
/// [`crate::Error::Failed`] where what is on lease cannot be read.
pub(super) fn take(interface: &str, survey: &Survey) -> Result<Vec<String>> {
    let _lock = lock()?;
    let mut lease = open(interface)?;
    let mut failures = Vec::new();
    for namespace in &survey.namespaces {
        if namespace.listeners.is_empty() {
            continue;
        }
        let mut sysctls = vec![SYNCOOKIES];
        if namespace.sysctls.timestamps != NO_TIMESTAMPS {
            sysctls.push(TIMESTAMPS);
        }
        for sysctl in sysctls {
            if let Err(error) = lease.take(namespace.inode, sysctl, "2", &Kernel) {
                failures.push(format!("{}: {error}", namespace.label));
            }
        }
    }
    Ok(failures)
}

/// Puts back what this interface has on lease, and whatever interfaces have that are no
/// longer attached.
///
/// # Errors
///
/// [`crate::Error::Failed`] naming what could not be put back.
pub fn give_sysctls_back(interface: &str) -> Result<()> {
    let _lock = lock()?;
    for holder in Lease::holders(Path::new(DIRECTORY))? {
        if holder != interface && Pins::of(&holder).exist() {
            continue;
        }
        for leased in open(&holder)?.give_back(&Kernel)? {
            info!(
                "{holder}: put net.{} back to {}",
                leased.sysctl.replace('/', "."),
                leased.before
            );
        }
    }
    Ok(())
}

/// Several controllers may end at once, and each looks at what the others hold.
fn lock() -> Result<File> {
    let path = Path::new(DIRECTORY).join("sysctls.lock");
    // Nobody else shall be able to hold it.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(DIRECTORY)
        .and_then(|()| {
            let mut options = File::options();
            options.create(true).truncate(false).write(true).mode(0o600);
            options.open(&path)
        })
        .and_then(|file| file.lock().map(|()| file))
        .context(format!("locking {}", path.display()))
}

fn open(interface: &str) -> Result<Lease> {
    Lease::open(Path::new(DIRECTORY), interface)
}

/// The kernel's, by `/proc`.
struct Kernel;

impl Sysctls for Kernel {
    fn read(&self, namespace: u64, sysctl: &str) -> Option<String> {
        let text = inside_of(namespace, || fs::read_to_string(path(sysctl)));
        Some(text.ok()?.ok()?.trim().to_owned())
    }

    fn write(&self, namespace: u64, sysctl: &str, value: &str) -> Result<()> {
        let doing = format!("setting {} to {value}", path(sysctl));
        let written = inside_of(namespace, || fs::write(path(sysctl), value));
        written.and_then(|written| written).context(doing)
    }
}

fn path(sysctl: &str) -> String {
    format!("/proc/sys/net/{sysctl}")
}
