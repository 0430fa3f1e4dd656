//! Attaching to an interface, and taking charge of it.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use tracing::error;

use crate::challenge::settings_for;
use crate::cli::LogLevel;
use crate::config::{Resolved, Source};
use crate::controller::Guard;
use crate::evidence::Keeper;
use crate::interface::{Interface, Network};
use crate::protected::Protected;
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
                    guards.iter().try_for_each(Guard::undo)?;
                    return Err(error);
                }
            }
        }
        Ok(guards)
    }

    /// Attaches one.
    ///
    /// # Errors
    ///
    /// What is in the way; then nothing has changed.
    pub(super) fn attach(&self, interface: &Interface, mut resolved: Resolved) -> Result<Guard> {
        resolved.settings = settings_for(interface, &resolved.settings)?;
        let level = kernel_level(resolved.log_level);
        let attached = dataplane::attach(interface, &resolved.settings, level)?;
        let undo = attached.undoing();
        // A filter without a controller would not know whom to protect.
        let keeper = Keeper::start(&resolved.state_dir, &interface.name);
        Guard::new(
            attached,
            &resolved,
            self.source,
            self.depended_on,
            self.network,
            interface,
            keeper,
        )
        .inspect_err(|_| {
            if let Err(failure) = undo.run() {
                error!("{failure}");
            }
        })
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
