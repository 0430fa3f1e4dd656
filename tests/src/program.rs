//! The real programs the lab runs, and children that never outlive their guard.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

/// What the lab calls, and the Debian package it comes from.
const PACKAGES: &[(&str, &str)] = &[
    ("curl", "curl"),
    ("fail2ban-client", "fail2ban"),
    ("fail2ban-server", "fail2ban"),
    ("hping3", "hping3"),
    ("ip", "iproute2"),
    ("iptables-legacy-restore", "iptables"),
    ("iptables-nft-restore", "iptables"),
    ("ipset", "ipset"),
    ("nft", "nftables"),
    ("nginx", "nginx-light"),
    ("openssl", "openssl"),
    ("postfix", "postfix"),
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("setpriv", "util-linux"),
    ("ss", "iproute2"),
    ("swaks", "swaks"),
    ("tc", "iproute2"),
    ("tcpreplay", "tcpreplay"),
    ("tshark", "tshark"),
    ("tmux", "tmux"),
    ("unshare", "util-linux"),
    ("wrk", "wrk"),
];

/// A command that dies with the thread that starts it and is out of reach of
/// the terminal's Ctrl-C, so that the guards alone decide the order of ending.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.process_group(0).stdin(Stdio::null());
    die_with_parent(&mut command, Signal::KILL);
    command
}

/// Asks the kernel to send `signal` to the child when the starting thread ends.
pub fn die_with_parent(command: &mut Command, signal: Signal) {
    // SAFETY: the closure runs between fork and exec and makes one system
    // call; it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(signal)).map_err(io::Error::from)
        });
    }
}

/// Runs to the end and gives what it wrote on stdout.
///
/// # Errors
/// When the program is missing (the message names its package) or fails.
pub fn run(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    if !output.status.success() {
        bail!(
            "{command:?} failed ({}): {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs to the end, whatever the exit code.
pub fn output(command: &mut Command) -> Result<Output> {
    command
        .output()
        .with_context(|| cannot_start(command.get_program()))
}

/// Starts a child under a guard.
pub fn spawn(command: &mut Command) -> Result<Guarded> {
    let child = command
        .spawn()
        .with_context(|| cannot_start(command.get_program()))?;
    Ok(Guarded(child))
}

fn cannot_start(program: &OsStr) -> String {
    let name = Path::new(program).file_name().unwrap_or(program);
    let package = PACKAGES.iter().find(|(known, _)| OsStr::new(known) == name);
    match package {
        Some((_, package)) => {
            format!("cannot start {program:?} (Debian: apt-get install {package})")
        }
        None => format!("cannot start {program:?}"),
    }
}

/// A child process that is killed, by its own id, when this value is dropped.
#[derive(Debug)]
pub struct Guarded(Child);

impl Guarded {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// The child itself, to wait for or to take pipes from.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Sends a signal; a child that has already ended and been waited for is
    /// an error, so no other process can ever be hit.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if let Some(status) = self.0.try_wait()? {
            bail!("process {} has already ended: {status}", self.0.id());
        }
        let pid = Pid::from_child(&self.0);
        kill_process(pid, signal).context("cannot signal the child")
    }

    /// True while the process has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Errors mean that it has ended already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
