//! Sysctls that are set for a while: remembered in a file before they are, and put
//! back from it, also by whoever comes after a crash.
//!
//! Several interfaces may have the same one on lease: the last one that gives it up
//! puts it back. Who changed it meanwhile has the last word: it then stays.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::Result;
use crate::error::Context as _;

/// One sysctl of one network namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Leased {
    /// The inode of the namespace.
    pub namespace: u64,
    /// Under `/proc/sys/net`.
    pub sysctl: String,
    /// Its value before.
    pub before: String,
    /// The value that it was given.
    pub during: String,
}

/// How sysctls of a network namespace are read and written.
pub trait Sysctls {
    /// Its value, or `None` where there is none, or no such namespace any more.
    fn read(&self, namespace: u64, sysctl: &str) -> Option<String>;
    /// Gives it a value.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the kernel does not take it.
    fn write(&self, namespace: u64, sysctl: &str, value: &str) -> Result<()>;
}

/// What is on lease for one interface.
#[derive(Debug)]
pub struct Lease {
    directory: PathBuf,
    interface: String,
    held: BTreeSet<Leased>,
}

const SUFFIX: &str = ".sysctls.json";

impl Lease {
    /// The lease of an interface, with what an earlier controller left.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where its file cannot be read.
    pub fn open(directory: &Path, interface: &str) -> Result<Self> {
        let mut lease = Self {
            directory: directory.to_owned(),
            interface: interface.to_owned(),
            held: BTreeSet::new(),
        };
        lease.held = load(&lease.path())?;
        Ok(lease)
    }

    /// The interfaces that have something on lease.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the directory cannot be read.
    pub fn holders(directory: &Path) -> Result<Vec<String>> {
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.context(format!("listing {}", directory.display()))?,
        };
        let names = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        Ok(names
            .filter_map(|name| name.strip_suffix(SUFFIX).map(str::to_owned))
            .collect())
    }

    /// Sets a sysctl, unless it has this value anyhow.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where it cannot be remembered or set; then it is not.
    pub fn take(
        &mut self,
        namespace: u64,
        sysctl: &str,
        value: &str,
        sysctls: &impl Sysctls,
    ) -> Result<()> {
        let same = |leased: &&Leased| leased.namespace == namespace && leased.sysctl == sysctl;
        let Some(present) = sysctls.read(namespace, sysctl) else {
            return Ok(());
        };
        let held = self.held.iter().any(|leased| same(&leased));
        if held && present == value {
            return Ok(());
        }
        let others = self.others()?;
        let other = others.iter().find(same).filter(|_| present == value);
        if present == value && other.is_none() {
            return Ok(());
        }
        let before = other.map_or(present, |other| other.before.clone());
        self.held.retain(|leased| !same(&leased));
        self.held.insert(Leased {
            namespace,
            sysctl: sysctl.to_owned(),
            before,
            during: value.to_owned(),
        });
        self.save()?;
        sysctls.write(namespace, sysctl, value)
    }

    /// Puts everything back that nobody else has on lease, and that still is as it was
    /// set.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] naming what could not be put back; it stays on lease.
    pub fn give_back(&mut self, sysctls: &impl Sysctls) -> Result<Vec<Leased>> {
        let others = self.others()?;
        let mut put_back = Vec::new();
        let mut failed = None;
        for leased in self.held.clone() {
            let shared = others.iter().any(|other| {
                (other.namespace, &other.sysctl) == (leased.namespace, &leased.sysctl)
            });
            let present = sysctls.read(leased.namespace, &leased.sysctl);
            if !shared && present.as_deref() == Some(&leased.during) {
                let written = sysctls.write(leased.namespace, &leased.sysctl, &leased.before);
                if let Err(error) = written {
                    failed = Some(error);
                    continue;
                }
                put_back.push(leased.clone());
            }
            self.held.remove(&leased);
            self.save()?;
        }
        failed.map_or(Ok(put_back), Err)
    }

    /// What other interfaces have on lease.
    fn others(&self) -> Result<BTreeSet<Leased>> {
        let mut all = BTreeSet::new();
        for interface in Self::holders(&self.directory)? {
            if interface != self.interface {
                all.extend(load(&path(&self.directory, &interface))?);
            }
        }
        Ok(all)
    }

    fn path(&self) -> PathBuf {
        path(&self.directory, &self.interface)
    }

    /// In one step, so that a crash leaves the one or the other.
    fn save(&self) -> Result<()> {
        let path = self.path();
        if self.held.is_empty() {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                result => result.context(format!("removing {}", path.display())),
            };
        }
        let new = path.with_extension("new");
        let text = serde_json::to_vec_pretty(&self.held).context("writing JSON")?;
        fs::create_dir_all(&self.directory)
            .and_then(|()| fs::write(&new, text))
            .and_then(|()| fs::rename(&new, &path))
            .context(format!("writing {}", path.display()))
    }
}

fn path(directory: &Path, interface: &str) -> PathBuf {
    directory.join(format!("{interface}{SUFFIX}"))
}

fn load(path: &Path) -> Result<BTreeSet<Leased>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        text => text.context(format!("reading {}", path.display()))?,
    };
    serde_json::from_slice(&text).or_else(|error| set_aside(path, &error))
}

/// A filter shall not fail for it.
fn set_aside(path: &Path, error: &serde_json::Error) -> Result<BTreeSet<Leased>> {
    let aside = path.with_extension("damaged");
    fs::rename(path, &aside).context(format!("setting {} aside", path.display()))?;
    warn!(
        "{} is damaged ({error}): sysctls that it told of are not put back; see {}",
        path.display(),
        aside.display()
    );
    Ok(BTreeSet::new())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use tempfile::TempDir;

    use super::*;

    const COOKIES: &str = "ipv4/tcp_syncookies";
    const HOST: u64 = 1;
    const CONTAINER: u64 = 2;

    /// Values by namespace and name; one that is not there cannot be read.
    struct Kernel(RefCell<HashMap<(u64, String), String>>);

    impl Kernel {
        fn new() -> Self {
            let values = [HOST, CONTAINER].map(|ns| ((ns, COOKIES.to_owned()), "1".to_owned()));
            Self(RefCell::new(values.into()))
        }

        fn value(&self, namespace: u64) -> String {
            self.read(namespace, COOKIES).unwrap_or_default()
        }
    }

    impl Sysctls for Kernel {
        fn read(&self, namespace: u64, sysctl: &str) -> Option<String> {
            self.0
                .borrow()
                .get(&(namespace, sysctl.to_owned()))
                .cloned()
        }

        fn write(&self, namespace: u64, sysctl: &str, value: &str) -> Result<()> {
            let key = (namespace, sysctl.to_owned());
            self.0.borrow_mut().insert(key, value.to_owned());
            Ok(())
        }
    }

    fn lease(directory: &TempDir, interface: &str) -> Lease {
        Lease::open(directory.path(), interface).unwrap()
    }

    #[test]
    fn what_is_set_is_put_back() {
        let (directory, kernel) = (TempDir::new().unwrap(), Kernel::new());
        let mut lease = lease(&directory, "eth0");
        for _ in 0..2 {
            lease.take(HOST, COOKIES, "2", &kernel).unwrap();
            lease.take(CONTAINER, COOKIES, "2", &kernel).unwrap();
        }
        assert_eq!([kernel.value(HOST), kernel.value(CONTAINER)], ["2", "2"]);
        assert_eq!(lease.give_back(&kernel).unwrap().len(), 2);
        assert_eq!([kernel.value(HOST), kernel.value(CONTAINER)], ["1", "1"]);
        assert!(lease.held.is_empty());
        assert_eq!(
            Lease::holders(directory.path()).unwrap(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn after_a_crash_the_next_one_puts_it_back() {
        let (directory, kernel) = (TempDir::new().unwrap(), Kernel::new());
        lease(&directory, "eth0")
            .take(HOST, COOKIES, "2", &kernel)
            .unwrap();
        assert_eq!(Lease::holders(directory.path()).unwrap(), ["eth0"]);
        lease(&directory, "eth0").give_back(&kernel).unwrap();
        assert_eq!(kernel.value(HOST), "1");
    }

    #[test]
    fn the_last_of_several_interfaces_puts_it_back() {
        let (directory, kernel) = (TempDir::new().unwrap(), Kernel::new());
        let (mut first, mut second) = (lease(&directory, "eth0"), lease(&directory, "eth1"));
        first.take(HOST, COOKIES, "2", &kernel).unwrap();
        second.take(HOST, COOKIES, "2", &kernel).unwrap();
        first.give_back(&kernel).unwrap();
        assert_eq!(kernel.value(HOST), "2");
        second.give_back(&kernel).unwrap();
        assert_eq!(kernel.value(HOST), "1");
    }

    #[test]
    fn what_somebody_else_set_stays() {
        let (directory, kernel) = (TempDir::new().unwrap(), Kernel::new());
        let mut lease = lease(&directory, "eth0");
        kernel.write(HOST, COOKIES, "2").unwrap();
        lease.take(HOST, COOKIES, "2", &kernel).unwrap();
        assert!(lease.held.is_empty(), "there was nothing to do");
        lease.take(CONTAINER, COOKIES, "2", &kernel).unwrap();
        kernel.write(CONTAINER, COOKIES, "0").unwrap();
        lease.give_back(&kernel).unwrap();
        assert_eq!([kernel.value(HOST), kernel.value(CONTAINER)], ["2", "0"]);
    }

    #[test]
    fn a_namespace_that_is_gone_is_forgotten() {
        let (directory, kernel) = (TempDir::new().unwrap(), Kernel::new());
        let mut lease = lease(&directory, "eth0");
        lease.take(CONTAINER, COOKIES, "2", &kernel).unwrap();
        kernel.0.borrow_mut().clear();
        assert_eq!(lease.give_back(&kernel).unwrap(), []);
        assert!(lease.held.is_empty());
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let directory = TempDir::new().unwrap();
        fs::write(path(directory.path(), "eth0"), "{").unwrap();
        assert!(lease(&directory, "eth0").held.is_empty());
        assert_eq!(
            Lease::holders(directory.path()).unwrap(),
            Vec::<String>::new()
        );
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
