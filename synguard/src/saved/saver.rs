//! The thread that saves, so that no disk keeps the controller waiting.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tracing::{debug, info, warn};

use super::collect::{self, About};
use super::{Kind, Moment, folder, write};
use crate::Result;
use crate::clock::Clock;
use crate::dataplane::{Maps, Pins};
use crate::error::Context as _;

/// How long the end of the controller waits for the disk.
const PATIENCE: Duration = Duration::from_secs(10);
/// Saving takes at most one part in so many of the time.
const SHARE: u32 = 10;
/// What failed is tried again so much later, though nothing has changed.
const AGAIN: Duration = Duration::from_secs(5);

/// What is to be saved.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Those that are banned.
    pub bans: Option<Vec<IpNet>>,
    /// What people said.
    pub rules: bool,
}

impl Wanted {
    fn add(&mut self, other: Self) {
        self.rules |= other.rules;
        self.bans = other.bans.or_else(|| self.bans.take());
    }
}

/// Has what survives a reboot written down, and never keeps anybody waiting.
#[derive(Debug)]
pub struct Saver {
    shared: Arc<Mutex<Shared>>,
    wake: Option<SyncSender<()>>,
    /// Closed when all is written.
    done: Receiver<()>,
}

#[derive(Debug)]
struct Shared {
    wanted: Wanted,
    /// Not before that is the next one welcome.
    rests_until: Instant,
    /// What has to be asked for once more.
    failed: Vec<Kind>,
}

impl Saver {
    /// Begins to save what the maps of an interface say.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where they cannot be opened.
    pub fn start(state: &Path, pins: &Pins, clock: Clock) -> Result<Self> {
        let maps = Maps::open(pins)?;
        let (wake, woken) = sync_channel(1);
        let (tell, done) = channel();
        let shared = Arc::new(Mutex::new(Shared {
            wanted: Wanted::default(),
            rests_until: Instant::now(),
            failed: Vec::new(),
        }));
        let mut writer = Writer {
            maps,
            clock,
            about: About::new(pins.interface()),
            interface: pins.interface().to_owned(),
            state: state.to_owned(),
            fails: false,
        };
        let theirs = Arc::clone(&shared);
        thread::spawn(move || writer.work(&theirs, &woken, tell));
        Ok(Self {
            shared,
            wake: Some(wake),
            done,
        })
    }

    /// Whether it has rested from what it last wrote.
    pub fn is_ready(&self) -> bool {
        Instant::now() >= lock(&self.shared).rests_until
    }

    /// What could not be saved.
    pub fn take_failed(&self) -> Vec<Kind> {
        std::mem::take(&mut lock(&self.shared).failed)
    }

    /// Has this saved, as the maps are when its turn comes.
    pub fn save(&self, wanted: Wanted) {
        lock(&self.shared).wanted.add(wanted);
        if let Some(wake) = &self.wake {
            // Where it is full, the thread has yet to look.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.wake = None;
        // Nothing is ever sent: it ends when the thread does.
        let _ = self.done.recv_timeout(PATIENCE);
    }
}

struct Writer {
    maps: Maps,
    clock: Clock,
    about: About,
    interface: String,
    state: PathBuf,
    fails: bool,
}

impl Writer {
    fn work(&mut self, shared: &Mutex<Shared>, woken: &Receiver<()>, _tell: Sender<()>) {
        write::tidy(&folder(&self.state, &self.interface));
        while woken.recv().is_ok() {
            let wanted = std::mem::take(&mut lock(shared).wanted);
            let begun = Instant::now();
            let failed = self.save(&wanted);
            let took = begun.elapsed();
            debug!("{}: saved in {took:?}", self.interface);
            let mut shared = lock(shared);
            // A list that is being changed is waited for by the next look.
            let again = if self.fails { AGAIN } else { Duration::ZERO };
            shared.rests_until = Instant::now() + (took * (SHARE - 1)).max(again);
            shared.failed = failed;
        }
    }

    /// Gives what could not be saved.
    fn save(&mut self, wanted: &Wanted) -> Vec<Kind> {
        let bans = wanted
            .bans
            .as_ref()
            .map(|nets| (Kind::Bans, self.save_bans(nets)));
        let rules = wanted.rules.then(|| (Kind::Rules, self.save_rules()));
        let outcomes: Vec<_> = bans.into_iter().chain(rules).collect();
        self.tell(
            outcomes
                .iter()
                .find_map(|(_, outcome)| outcome.as_ref().err()),
        );
        let failed = outcomes
            .into_iter()
            .filter(|(_, outcome)| !matches!(outcome, Ok(true)));
        failed.map(|(kind, _)| kind).collect()
    }

    fn save_bans(&mut self, nets: &[IpNet]) -> Result<bool> {
        // What is a source may be otherwise since a reload.
        self.maps.see_sources()?;
        let lines = collect::bans(&self.maps, &self.about, nets, &Moment::now(&self.clock))?;
        self.write(Kind::Bans, &lines).map(|()| true)
    }

    /// False where somebody is about to change them.
    fn save_rules(&mut self) -> Result<bool> {
        self.maps.see_sources()?;
        let lines = collect::rules(&self.maps, &self.about, &Moment::now(&self.clock))?;
        let Some(lines) = lines else {
            return Ok(false);
        };
        self.write(Kind::Rules, &lines).map(|()| true)
    }

    fn write(&self, kind: Kind, lines: &[super::line::Line]) -> Result<()> {
        let path = kind.path(&self.state, &self.interface);
        write::write(&path, lines).context(format!("writing {}", path.display()))
    }

    /// Said once, however long it lasts.
    fn tell(&mut self, failure: Option<&crate::Error>) {
        let name = &self.interface;
        match failure {
            Some(failure) if !self.fails => warn!(
                "{name}: bans and rules cannot be saved for after a reboot: {failure}; filtering \
                 goes on, and it is tried again"
            ),
            None if self.fails => info!("{name}: bans and rules are saved again"),
            _ => {}
        }
        self.fails = failure.is_some();
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
