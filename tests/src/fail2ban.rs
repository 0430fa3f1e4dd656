//! The real fail2ban, in the host namespace, with one jail that bans by SynGuard.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::namespace::Namespace;
use crate::program::{self, Guarded};
use crate::synguard::Synguard;
use crate::wait;

/// The jail's name.
pub const JAIL: &str = "web";
/// The action as it is shipped.
const ACTION: &str = include_str!("../../contrib/fail2ban/synguard.conf");

/// A running server; dropping it ends it and removes its files.
#[derive(Debug)]
pub struct Fail2ban {
    // Order matters: the process ends before its folder goes.
    _server: Guarded,
    folder: TempDir,
    host: Namespace,
}

impl Fail2ban {
    /// Starts it, and returns once its jail watches.
    ///
    /// # Errors
    /// Where it is not installed, or does not come up; with its log.
    pub fn start(host: &Namespace, synguard: &Synguard) -> Result<Self> {
        let folder = TempDir::new()?;
        configure(folder.path(), synguard.binary())?;
        let mut command = host.command("fail2ban-server");
        command
            .args(["-f", "--loglevel", "INFO", "-c"])
            .arg(folder.path());
        // Its actions see the filter's pins.
        synguard.mounts.enter(&mut command);
        let server = Self {
            _server: program::spawn(&mut command)?,
            folder,
            host: host.clone(),
        };
        server.wait_for(&format!("Jail '{JAIL}' started"))?;
        Ok(server)
    }

    /// Lets a service log that somebody did what this jail bans for.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub fn misbehave(&self, who: IpAddr) -> Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let mut log = OpenOptions::new().append(true).open(self.path("web.log"))?;
        writeln!(log, "{} login failed from {who}", now.as_secs())?;
        Ok(())
    }

    /// Asks the running server for something: `set web unbanip 192.0.2.7`.
    ///
    /// # Errors
    /// Where it refuses.
    pub fn client(&self, arguments: &[&str]) -> Result<String> {
        let mut command: Command = self.host.command("fail2ban-client");
        command.arg("-c").arg(self.folder.path()).args(arguments);
        program::run(&mut command)
    }

    /// Waits for its log to say so.
    ///
    /// # Errors
    /// Where it does not; with the log.
    pub fn wait_for(&self, part: &str) -> Result<()> {
        wait::until_true(&format!("fail2ban: {part}"), wait::GENEROUS, || {
            self.log().contains(part)
        })
        .with_context(|| self.log())
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("fail2ban.log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn configure(folder: &Path, synguard: &Path) -> Result<()> {
    for name in ["action.d", "filter.d"] {
        fs::create_dir(folder.join(name))?;
    }
    let (place, synguard) = (folder.display(), synguard.display());
    let files = [
        ("action.d/synguard.conf", ACTION.to_owned()),
        (
            "filter.d/web.conf",
            "[Definition]\ndatepattern = ^EPOCH\nfailregex = ^\\s*login failed from <ADDR>$\n"
                .to_owned(),
        ),
        (
            "fail2ban.conf",
            format!(
                "[Definition]\nlogtarget = {place}/fail2ban.log\nsocket = {place}/socket\n\
                 pidfile = {place}/pid\ndbfile = None\nsyslogsocket = auto\n"
            ),
        ),
        (
            "jail.conf",
            format!(
                "[{JAIL}]\nenabled = true\nfilter = web\nbackend = polling\nmaxretry = 1\n\
                 bantime = 600\nlogpath = {place}/web.log\n\
                 action = synguard[synguard=\"{synguard}\"]\n"
            ),
        ),
        ("web.log", String::new()),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}
