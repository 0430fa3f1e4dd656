//! Attaching to an interface, and taking charge of it.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use tracing::{error, warn};

use crate::challenge::settings_for;
use crate::cli::LogLevel;
use crate::clock::Clock;
use crate::config::{Resolved, Source};
use crate::controller::{Guard, protection};
use crate::dataplane::{Attached, Maps};
use crate::evidence::Keeper;
use crate::interface::{Interface, Network};
use crate::protected::Protected;
use crate::saved::{self, Occasion};
use crate::{Result, dataplane};

/// How long a detached filter may take to go: the kernel needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// What every guard is given.
pub(super) struct Means<'m> {
    pub(super) source: &'m Source,
    pub(super) network: &'m Network,
    pub(super) depended_on: &'m Protected,
}

impl Means<'_> {
    /// Attaches all, or none.
    ///
    /// # Errors
    ///
    /// What is in the way of one of them.
    pub(super) async fn attach_all(&self, wanted: Vec<(String, Resolved)>) -> Result<Vec<Guard>> {
        let mut interfaces = Vec::new();
        for (name, resolved) in wanted {
            interfaces.push((settled(self.network, &name).await?, resolved));
        }
        for (interface, resolved) in &interfaces {
            dataplane::check(interface)?;
            settings_for(interface, &resolved.settings)?;
        }
        let mut guards = Vec::new();
        for (interface, resolved) in interfaces {
            match self.attach(&interface, resolved) {
                Ok(guard) => guards.push(guard),
                Err(error) => {
                    guards.iter_mut().try_for_each(Guard::undo)?;
                    return Err(error);
                }
            }
        }
        Ok(guards)
    }

    fn attach(&self, interface: &Interface, resolved: Resolved) -> Result<Guard> {
        let attempt = Attempt::new(interface.clone(), resolved, self.depended_on)?;
        self.guard(attempt.run())
    }

    /// Takes charge of what was attached.
    ///
    /// # Errors
    ///
    /// Why it was not, or cannot be watched; then nothing has changed.
    pub(super) fn guard(&self, tried: Tried) -> Result<Guard> {
        let Attempt {
            interface,
            resolved,
            ..
        } = tried.attempt;
        let attached = tried.outcome?;
        let undo = attached.undoing();
        // A filter without a controller would not know whom to protect.
        let keeper = Keeper::start(&resolved.state_dir, &interface.name);
        Guard::new(
            attached,
            &resolved,
            self.source,
            self.depended_on,
            self.network,
            &interface,
            keeper,
        )
        .inspect_err(|_| {
            if let Err(failure) = undo.run() {
                error!("{failure}");
            }
        })
    }
}

/// What is to be attached.
pub(super) struct Attempt {
    interface: Interface,
    resolved: Resolved,
    depended_on: Protected,
}

/// What came of it.
pub(super) struct Tried {
    attempt: Attempt,
    outcome: Result<Attached>,
}

impl Attempt {
    /// Nothing is done yet.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Unsupported`] where the interface cannot be attached so.
    pub(super) fn new(
        interface: Interface,
        mut resolved: Resolved,
        depended_on: &Protected,
    ) -> Result<Self> {
        resolved.settings = settings_for(&interface, &resolved.settings)?;
        Ok(Self {
            interface,
            resolved,
            depended_on: depended_on.clone(),
        })
    }

    /// Does it, which takes the kernel's verifier half a second: not on the thread of the
    /// guards, if there are any.
    pub(super) fn run(self) -> Tried {
        let level = kernel_level(self.resolved.log_level);
        let settings = &self.resolved.settings;
        let occasion = Occasion {
            state: &self.resolved.state_dir,
            interface: &self.interface.name,
            settings,
        };
        let restore = |maps: &mut Maps, clock: &Clock| {
            let found = saved::restore(&occasion, maps, clock);
            // A block that somebody put around the gateway shall not hold it for a moment.
            if let Err(failure) = protection::renew(maps, &self.depended_on, clock.now()) {
                warn!("{}: {failure}", self.interface.name);
            }
            found
        };
        Tried {
            outcome: dataplane::attach(&self.interface, settings, level, &restore),
            attempt: self,
        }
    }
}

impl Tried {
    pub(super) const fn interface(&self) -> &Interface {
        &self.attempt.interface
    }
}

/// The interface, once a filter that was just detached is off it.
async fn settled(network: &Network, name: &str) -> Result<Interface> {
    let end = Instant::now() + PATIENCE;
    loop {
        let interface = network.interface(name).await?;
        if !dataplane::is_going(&interface) || Instant::now() > end {
            return Ok(interface);
        }
        sleep(POLL).await;
    }
}

/// aya-log's levels: 0 is off, 4 is debug, 5 is trace.
const fn kernel_level(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 4,
        LogLevel::Trace => 5,
        _ => 0,
    }
}
