//! The hook: a program that is run for each event, one at a time, by a thread of its own
//! that has given up SynGuard's privileges.

mod command;
mod run;

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use tracing::warn;

pub use command::{Command, OnEvent, parse_command};

use self::run::Outcome;
use super::record::Told;
use crate::Result;
use crate::metrics::process;

/// Events that wait for their turn. What does not fit is not told.
const WAITING: usize = 256;
/// How long one may take, until it is ended.
const TIMEOUT: Duration = Duration::from_secs(10);
/// So long after its end, or the controller's, events that wait may still begin.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes events, and never keeps anybody waiting.
pub(super) struct Hook {
    sender: Option<SyncSender<Told>>,
    ending: Arc<OnceLock<Instant>>,
    /// Closed when the last one has ended.
    done: Receiver<()>,
}

impl Hook {
    /// Begins to run it.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Usage`] where it is no program.
    pub(super) fn start(command: &Command) -> Result<Self> {
        command.check()?;
        let (sender, receiver) = sync_channel(WAITING);
        let (tell, done) = channel();
        let ending = Arc::new(OnceLock::new());
        let (command, end) = (command.clone(), Arc::clone(&ending));
        thread::spawn(move || work(&command, &receiver, &end, tell));
        Ok(Self {
            sender: Some(sender),
            ending,
            done,
        })
    }

    /// Has it run for an event.
    pub(super) fn put(&self, told: Told) {
        let sender = self.sender.as_ref();
        let taken = sender.is_some_and(|sender| sender.try_send(told).is_ok());
        if !taken && process().hook_dropped.add(1) == 0 {
            warn!("events come faster than `on-event` handles them: some are left out");
        }
    }

    /// Ends it, and waits a while for those that still run or wait.
    pub(super) fn finish(mut self) {
        self.end();
        let _ = self.done.recv_timeout(TIMEOUT + run::GRACE + PATIENCE);
    }

    /// Takes no more, and lets what waits begin for a while yet.
    fn end(&mut self) {
        let _ = self.ending.set(Instant::now());
        self.sender = None;
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.end();
    }
}

fn work(command: &Command, events: &Receiver<Told>, ending: &OnceLock<Instant>, _tell: Sender<()>) {
    if let Err(failure) = run::give_up_capabilities() {
        return warn!("`on-event` is not run, as it would have too many privileges: {failure}");
    }
    run::keep_descriptors();
    while let Ok(told) = events.recv() {
        if ending.get().is_some_and(|at| at.elapsed() > PATIENCE) {
            process().hook_dropped.add(1);
            continue;
        }
        let outcome = run::run(command, &told, TIMEOUT);
        account(command, &outcome);
    }
}

fn account(command: &Command, outcome: &Outcome) {
    let name = command.program().display();
    match outcome {
        Outcome::Done => {
            process().hook_done.add(1);
        }
        Outcome::Failed { status, said } => {
            process().hook_failed.add(1);
            warn!("{name} failed ({status}): {said}");
        }
        Outcome::TimedOut { said } => {
            process().hook_timed_out.add(1);
            let limit = TIMEOUT.as_secs();
            warn!("{name} was ended, as it took more than {limit} s: {said}");
        }
        Outcome::NotStarted(failure) => {
            process().hook_not_started.add(1);
            warn!("{name} cannot be run: {failure}");
        }
    }
}
