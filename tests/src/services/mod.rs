//! The services of the story: real nginx and real postfix, in the container
//! namespace and, like in a container, with process ids of their own, so that
//! no worker outlives the lab. The system's own configuration, queues and pid
//! files are never touched.

mod nginx;
mod postfix;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::clients;
use crate::leftovers::FOLDER_PREFIX;
use crate::namespace::Namespace;
use crate::program::{self, Guarded};
use crate::tally::Request;
use crate::topology::Topology;
use crate::wait;

pub(crate) use postfix::DOMAIN;

type Start = fn(&Namespace, &Path) -> Result<Contained>;

/// Running services; dropping this ends them and removes their files.
#[derive(Debug)]
pub struct Services {
    // Order matters: the processes end before their folder goes.
    processes: Vec<Contained>,
    folder: TempDir,
}

impl Services {
    /// Starts nginx on 80 and 443 and postfix on 25, and returns once each has
    /// served a client from the internet side.
    ///
    /// # Errors
    /// When a program is missing or does not come up; the message carries the
    /// services' own log.
    pub fn start(topology: &Topology) -> Result<Self> {
        let all = [Request::Http, Request::Https, Request::Mail];
        Self::serving(topology, &[nginx::start, postfix::start], &all)
    }

    /// Starts nginx alone.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub fn web(topology: &Topology) -> Result<Self> {
        let all = [Request::Http, Request::Https];
        Self::serving(topology, &[nginx::start], &all)
    }

    fn serving(topology: &Topology, services: &[Start], requests: &[Request]) -> Result<Self> {
        let prefix = format!("{FOLDER_PREFIX}{}-", process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir()?;
        // The services drop root and must still reach their files.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let start = |start: &Start| start(&topology.container, folder.path());
        let processes = services.iter().map(start).collect::<Result<_>>()?;
        let mut services = Self { processes, folder };
        services
            .wait_until_serving(topology, requests)
            .with_context(|| services.logs())?;
        Ok(services)
    }

    fn wait_until_serving(&mut self, topology: &Topology, requests: &[Request]) -> Result<()> {
        for &request in requests {
            wait::until_true(&format!("{request:?} to be served"), wait::GENEROUS, || {
                let gone = self.processes.iter_mut().any(|child| !child.is_running());
                gone || clients::ask(topology, 0, request, clients::PATIENT)
                    .is_ok_and(|answer| answer.success)
            })?;
        }
        anyhow::ensure!(
            self.processes.iter_mut().all(Contained::is_running),
            "a service ended at once"
        );
        Ok(())
    }

    /// What nginx has at `/large`.
    pub fn large(&self) -> PathBuf {
        self.folder.path().join(nginx::LARGE)
    }

    /// What was uploaded to nginx as `/uploaded/NAME`.
    pub fn uploaded(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join("nginx");
        folder.join(nginx::UPLOADED).join(name)
    }

    /// What the services wrote so far: the story's point is that nothing of
    /// the attack is in there.
    pub fn logs(&self) -> String {
        let read = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        format!(
            "nginx: {}\npostfix: {}",
            read(nginx::LOG),
            read(postfix::LOG)
        )
    }
}

/// One service and all the processes that it made, in a process id namespace.
/// Its first process is a shell that does nothing but wait: unlike postfix it
/// keeps its death signal, so the service ends even when the lab is killed.
#[derive(Debug)]
struct Contained(Guarded);

impl Contained {
    fn start(container: &Namespace, log: &Path, service: &[&OsStr]) -> Result<Self> {
        let log = fs::File::create(log)?;
        let mut command = container.command("unshare");
        command
            .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", "\"$@\"; :", "init"])
            .args(service)
            .stdout(log.try_clone()?)
            .stderr(log);
        program::spawn(&mut command).map(Self)
    }

    fn is_running(&mut self) -> bool {
        self.0.is_running()
    }

    /// The namespace's first process as the lab sees it.
    fn first_process(&self) -> Option<Pid> {
        let unshare = self.0.id();
        let children = fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children"));
        Pid::from_raw(children.ok()?.trim().parse().ok()?)
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        // The first process of a namespace is gone only after all the others,
        // and `unshare` ends after it: then nobody uses the folder any more.
        if let Some(first) = self.first_process()
            && kill_process(first, Signal::KILL).is_ok()
        {
            let _ = self.0.child().wait();
        }
    }
}
