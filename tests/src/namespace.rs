//! A network namespace that has no name, hence nothing to collide with and
//! nothing to leave behind: it lives as long as somebody holds its handle.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

use crate::program;

/// A network namespace. Clones share the same one; the kernel removes it, and
/// every interface in it, when the last clone is dropped and the last process
/// inside has ended.
#[derive(Debug, Clone)]
pub struct Namespace {
    label: &'static str,
    handle: Arc<OwnedFd>,
}

impl Namespace {
    /// Makes a new namespace with its loopback up. `label` is for messages only.
    ///
    /// # Errors
    /// Without CAP_SYS_ADMIN.
    pub fn new(label: &'static str) -> Result<Self> {
        let handle = on_own_thread(|| -> Result<OwnedFd> {
            // SAFETY: only the network namespace of this short-lived thread
            // changes; no file descriptor or memory becomes unshared.
            unsafe { unshare_unsafe(UnshareFlags::NEWNET) }
                .context("cannot make a network namespace (needs root)")?;
            let file = File::open("/proc/thread-self/ns/net")?;
            Ok(file.into())
        })?;
        let namespace = Self {
            label,
            handle: Arc::new(handle),
        };
        namespace.batch(&["link set lo up".to_owned()])?;
        Ok(namespace)
    }

    /// A path that `ip link … netns` and `nsenter --net=` accept, for as long
    /// as this process lives.
    pub fn path(&self) -> PathBuf {
        let (process, handle) = (std::process::id(), self.handle.as_raw_fd());
        PathBuf::from(format!("/proc/{process}/fd/{handle}"))
    }

    /// A command that will run inside. Unlike `ip netns exec` this leaves the
    /// mounts alone, so bpffs and tracefs stay where they are.
    pub fn command(&self, program: &str) -> Command {
        let mut command = program::command(program);
        let handle = Arc::clone(&self.handle);
        // SAFETY: the closure runs between fork and exec and makes one system
        // call on a descriptor that it owns.
        unsafe {
            command.pre_exec(move || enter(&handle));
        }
        command
    }

    /// Runs a program inside to its end; see [`program::run`].
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        program::run(self.command(program).args(arguments))
            .with_context(|| format!("in namespace {}", self.label))
    }

    /// Runs `ip` once with many lines.
    pub fn batch(&self, lines: &[String]) -> Result<()> {
        let mut command = self.command("ip");
        command.args(["-batch", "-"]).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start ip")?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(lines.join("\n").as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!("ip -batch in namespace {}: {reason}", self.label);
        }
        Ok(())
    }

    /// Writes one sysctl under `/proc/sys/net`, as `ipv4/ip_forward`.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let path = format!("/proc/sys/net/{key}");
        self.inside(|| std::fs::write(&path, value))?
            .with_context(|| format!("cannot set {path} in {}", self.label))
    }

    /// Reads one, without the line's end.
    pub fn read_sysctl(&self, key: &str) -> Result<String> {
        let path = format!("/proc/sys/net/{key}");
        let text = self.inside(|| std::fs::read_to_string(&path))?;
        let text = text.with_context(|| format!("cannot read {path} in {}", self.label))?;
        Ok(text.trim_end().to_owned())
    }

    /// Runs `work` on a thread of its own inside the namespace. Sockets made
    /// there stay in the namespace wherever they are used later. Start no
    /// children there: they would die with that thread.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        on_own_thread(|| {
            enter(&self.handle).context("cannot enter the namespace")?;
            Ok(work())
        })
    }
}

fn enter(handle: &OwnedFd) -> io::Result<()> {
    move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(io::Error::from)
}

/// What a thread changes about itself ends with it.
pub(crate) fn on_own_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        scope
            .spawn(work)
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
