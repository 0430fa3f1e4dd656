//! A real terminal: a shell in tmux, whose keys are pressed and whose screen is read.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::namespace::Namespace;
use crate::program::{self, Guarded};
use crate::synguard::Synguard;
use crate::wait;

/// The one server at its own socket.
const SOCKET: &str = "lab";

/// A shell in a terminal; dropping this ends both.
#[derive(Debug)]
pub struct Tmux {
    // Order matters: the server ends before its socket goes.
    _server: Guarded,
    folder: TempDir,
}

impl Tmux {
    /// A terminal of so many columns and lines, with a shell in the host namespace that
    /// sees what synguard sees.
    ///
    /// # Errors
    /// Where tmux is not installed, or does not come up.
    pub fn start(host: &Namespace, synguard: &Synguard, size: (u16, u16)) -> Result<Self> {
        let folder = TempDir::new()?;
        let mut command = host.command("tmux");
        // In the foreground, so that it ends with whoever started it.
        command
            .args(["-u", "-L", SOCKET, "-f", "/dev/null", "-D"])
            .env("TMUX_TMPDIR", folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TMUX")
            .env_remove("ENV")
            // Neither is the business of tests.
            .env_remove("NO_COLOR")
            .env_remove("SSH_CONNECTION");
        synguard.mounts.enter(&mut command);
        let terminal = Self {
            _server: program::spawn(&mut command)?,
            folder,
        };
        let (columns, lines) = (size.0.to_string(), size.1.to_string());
        wait::until_true("tmux", wait::GENEROUS, || {
            let session = ["new-session", "-d", "-x", &columns, "-y", &lines, "exec sh"];
            terminal.tmux(&session).is_ok()
        })?;
        terminal.wait_until("a prompt", |screen| !screen.trim().is_empty())?;
        Ok(terminal)
    }

    /// Types a line for the shell.
    pub fn type_line(&self, line: &str) -> Result<()> {
        self.write(line)?;
        self.press(&["Enter"])
    }

    /// Presses the keys of these letters.
    pub fn write(&self, letters: &str) -> Result<()> {
        self.tmux(&["send-keys", "-l", letters]).map(drop)
    }

    /// Presses keys by tmux's names: `Enter`, `C-c`, `Down`.
    pub fn press(&self, keys: &[&str]) -> Result<()> {
        self.tmux(&[&["send-keys"], keys].concat()).map(drop)
    }

    /// What is seen.
    pub fn screen(&self) -> Result<String> {
        self.tmux(&["capture-pane", "-p"])
    }

    /// What is seen, once it is as wanted.
    ///
    /// # Errors
    /// With the last screen, where it never is.
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let seen = || self.screen().ok().filter(|screen| wanted(screen));
        let found = wait::until(what, wait::GENEROUS, seen);
        found.with_context(|| self.screen().unwrap_or_default())
    }

    /// What is seen, once this is.
    ///
    /// # Errors
    /// As [`Self::wait_until`].
    pub fn wait_for(&self, part: &str) -> Result<String> {
        self.wait_until(&format!("{part:?} on the screen"), |screen| {
            screen.contains(part)
        })
    }

    /// Gives the terminal another size.
    pub fn resize(&self, (columns, lines): (u16, u16)) -> Result<()> {
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let words = ["resize-window", "-x", &columns, "-y", &lines];
        self.tmux(&words).map(drop)
    }

    /// Whether a program drew over the shell's screen, and whether the cursor is seen.
    pub fn alternate_and_cursor(&self) -> Result<(bool, bool)> {
        let flags = self.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"])?;
        let flags: Vec<_> = flags.split_whitespace().map(|flag| flag == "1").collect();
        ensure!(flags.len() == 2, "{flags:?}");
        Ok((flags[0], flags[1]))
    }

    /// Sends a signal to the program that the shell runs.
    ///
    /// # Errors
    /// Where it runs none.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.child()?;
        let pid = Pid::from_raw(i32::try_from(pid)?).context("no process")?;
        kill_process(pid, signal).context("cannot signal the program in the terminal")
    }

    /// The process id of the program that the shell runs.
    ///
    /// # Errors
    /// Where it runs none.
    pub fn child(&self) -> Result<u32> {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"])?;
        let shell = shell.trim();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))?;
        let first = children.split_whitespace().next();
        Ok(first.context("the shell runs nothing")?.parse()?)
    }

    fn tmux(&self, words: &[&str]) -> Result<String> {
        let mut command: Command = program::command("tmux");
        // Never a server of its own: that would be in other namespaces, and stay.
        command
            .args(["-u", "-N", "-L", SOCKET])
            .args(words)
            .env("TMUX_TMPDIR", self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TMUX");
        program::run(&mut command)
    }
}
