//! A running `synguard attach`, or `capture`, and its log.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::program::{self, Guarded};
use crate::wait;

/// One line of the controller's log.
#[derive(Debug, Clone)]
pub struct Line {
    /// When the lab read it.
    pub read: Instant,
    /// The line.
    pub text: String,
}

impl Line {
    /// The time stamp that the line itself begins with.
    pub fn written(&self) -> Result<SystemTime> {
        let stamp = self.text.split_whitespace().next().unwrap_or_default();
        humantime::parse_rfc3339(stamp).with_context(|| format!("no time stamp: {}", self.text))
    }
}

/// The controller as a child process; dropping it kills it, which leaves the
/// filter to [`Synguard`](crate::synguard::Synguard)'s own clean-up.
#[derive(Debug)]
pub struct Controller {
    process: Guarded,
    log: Arc<Mutex<Vec<Line>>>,
    reader: Option<JoinHandle<()>>,
}

impl Controller {
    /// Starts a prepared command and collects its stderr.
    pub fn start(command: &mut Command) -> Result<Self> {
        Self::start_into(command, Stdio::null())
    }

    /// The same, where what it writes on stdout is wanted.
    pub fn start_into(command: &mut Command, stdout: impl Into<Stdio>) -> Result<Self> {
        // Should the lab itself be killed, the controller still tidies up.
        program::die_with_parent(command, Signal::TERM);
        command.stdout(stdout).stderr(Stdio::piped());
        let mut process = program::spawn(command)?;
        let stderr = process.child().stderr.take().context("no stderr")?;
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for text in BufReader::new(stderr).lines().map_while(Result::ok) {
                let read = Instant::now();
                lock(&lines).push(Line { read, text });
            }
        });
        Ok(Self {
            process,
            log,
            reader: Some(reader),
        })
    }

    /// The child itself, to take its stdout from.
    pub fn child(&mut self) -> &mut Child {
        self.process.child()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The whole log so far.
    pub fn log(&self) -> Vec<Line> {
        lock(&self.log).clone()
    }

    /// The whole log so far as text.
    pub fn text(&self) -> String {
        let lines = self.log();
        lines
            .iter()
            .map(|line| format!("{}\n", line.text))
            .collect()
    }

    /// The first line that contains `part`, once there is one.
    ///
    /// # Errors
    /// When the controller ends without having written it.
    pub fn wait_for(&self, part: &str) -> Result<Line> {
        let what = format!("{part:?} in the log");
        let found = wait::until(&what, wait::GENEROUS, || {
            // Asked before the log is read: whatever it wrote is then in it.
            let over = self.reader.as_ref().is_none_or(JoinHandle::is_finished);
            let lines = lock(&self.log);
            let line = lines.iter().find(|line| line.text.contains(part));
            line.cloned().map(Some).or(over.then_some(None))
        });
        match found {
            Ok(Some(line)) => Ok(line),
            Ok(None) => bail!("the controller ended without {what}:\n{}", self.text()),
            Err(error) => Err(error.context(format!("log:\n{}", self.text()))),
        }
    }

    /// Asks it to end with SIGTERM, and waits.
    pub fn terminate(self) -> Result<(ExitStatus, String)> {
        self.end(Signal::TERM)
    }

    /// Asks it to end with SIGINT, as Ctrl-C does, and waits.
    pub fn interrupt(self) -> Result<(ExitStatus, String)> {
        self.end(Signal::INT)
    }

    /// Kills it so that it cannot clean up, and waits.
    pub fn kill(self) -> Result<(ExitStatus, String)> {
        self.end(Signal::KILL)
    }

    /// Kills it so that it cannot clean up, where its log is still wanted.
    ///
    /// # Errors
    /// When it no longer runs.
    pub fn kill_now(&mut self) -> Result<()> {
        self.process.signal(Signal::KILL)?;
        self.process.child().wait()?;
        Ok(())
    }

    /// Asks it to end with SIGTERM, and waits, where its log is still wanted.
    ///
    /// # Errors
    /// When it no longer runs.
    pub fn end_now(&mut self) -> Result<()> {
        self.process.signal(Signal::TERM)?;
        self.process.child().wait()?;
        Ok(())
    }

    /// Tells it that its terminal is gone.
    ///
    /// # Errors
    /// When it no longer runs.
    pub fn hang_up(&mut self) -> Result<()> {
        self.process.signal(Signal::HUP)
    }

    /// Waits for an end that the command comes to by itself.
    pub fn wait(mut self) -> Result<(ExitStatus, String)> {
        let child = self.process.child();
        let ended = || child.try_wait().transpose();
        let status = wait::until("the controller to end", wait::GENEROUS, ended)??;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let text = self.text();
        Ok((status, text))
    }

    fn end(mut self, signal: Signal) -> Result<(ExitStatus, String)> {
        self.process.signal(signal)?;
        self.wait()
    }
}

fn lock(log: &Mutex<Vec<Line>>) -> MutexGuard<'_, Vec<Line>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
