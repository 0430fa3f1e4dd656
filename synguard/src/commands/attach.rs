//! `synguard attach`.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{error, info};

use super::first_of;
use crate::challenge::settings_for;
use crate::cli::{Attach, LogLevel};
use crate::config::{Resolved, Source};
use crate::controller::{Ending, Guard};
use crate::error::Context as _;
use crate::events::{Cause, Event};
use crate::evidence::Keeper;
use crate::interface::{Interface, Network};
use crate::{Error, Result, dataplane, kernel, log, privileges, protected, service, telling};

/// How long a detached filter may take to go: the kernel needs milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

pub(super) async fn run(args: Attach) -> Result<()> {
    let source = Source::new(args.config.as_deref(), &args.given)?;
    let file = source.read()?;
    let general = source.resolve_with(file.as_ref(), None)?;
    let resolve = |name: &String| source.resolve_with(file.as_ref(), Some(name));
    let mut seen = HashSet::new();
    let names = args.interfaces.iter().filter(|name| seen.insert(*name));
    let wanted = names.map(|name| Ok((name.as_str(), resolve(name)?)));
    let wanted = wanted.collect::<Result<Vec<_>>>()?;
    kernel::check()?;
    privileges::to_attach()?;
    log::start(general.log_level, general.telling.log_format)?;
    let signals = on_signal()?;
    telling::start(&general.telling)?;
    let guards = attach_all(wanted, &source).await?;
    let watched = watch_all(guards, &signals).await;
    telling::finish();
    watched
}

/// Attaches every interface, or none.
async fn attach_all(wanted: Vec<(&str, Resolved)>, source: &Source) -> Result<Vec<Guard>> {
    let network = Network::open()?;
    let depended_on = protected::find(&network).await?;
    let mut interfaces = Vec::new();
    for (name, resolved) in wanted {
        interfaces.push((settled(&network, name).await?, resolved));
    }
    for (interface, _) in &interfaces {
        dataplane::check(interface)?;
    }
    for (interface, resolved) in &mut interfaces {
        resolved.settings = settings_for(interface, &resolved.settings)?;
    }
    let mut guards = Vec::new();
    for (interface, resolved) in &interfaces {
        let level = kernel_level(resolved.log_level);
        let guard = dataplane::attach(interface, &resolved.settings, level).and_then(|attached| {
            let undo = attached.undoing();
            // A filter without a controller would not know whom to protect.
            let keeper = Keeper::start(&resolved.state_dir, &interface.name);
            Guard::new(
                attached,
                resolved,
                source,
                &depended_on,
                &network,
                interface.veth,
                keeper,
            )
            .inspect_err(|_| {
                if let Err(failure) = undo.run() {
                    error!("{failure}");
                }
            })
        });
        match guard {
            Ok(guard) => guards.push(guard),
            Err(error) => {
                guards.iter().try_for_each(Guard::undo)?;
                return Err(error);
            }
        }
    }
    Ok(guards)
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

async fn watch_all(guards: Vec<Guard>, signals: &Signals) -> Result<()> {
    let mut tasks = JoinSet::new();
    let local = tokio::task::LocalSet::new();
    let names: Vec<_> = guards.iter().map(Guard::interface).collect();
    service::ready(&names);
    let alive = local.spawn_local(service::keep_alive());
    for guard in guards {
        tasks.spawn_local_on(watch_one(guard, signals.clone()), &local);
    }
    let errors = local
        .run_until(async {
            let mut errors = Vec::new();
            while let Some(ended) = tasks.join_next().await {
                errors.extend(
                    ended
                        .context("watching an interface")
                        .and_then(|ended| ended)
                        .err(),
                );
            }
            errors
        })
        .await;
    alive.abort();
    first_of(errors)
}

async fn watch_one(mut guard: Guard, signals: Signals) -> Result<()> {
    let Signals { mut stop, reload } = signals;
    let stopped = async move {
        // An error means that the signal task is gone, which is a stop too.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let name = guard.interface().to_owned();
    match guard.run(stopped, reload).await {
        Ok(Ending::Detached) => {
            guard.tell(&detached(Cause::Command));
            guard.forget();
            guard.put_back(false).await?;
        }
        Ok(Ending::Lost) => {
            guard.tell(&detached(Cause::Lost));
            guard.detach()?;
            guard.put_back(false).await?;
            return Err(Error::Absent(format!(
                "{name} was deleted, or its filter was taken off: nothing is filtered any more; \
                 `synguard attach {name}` does it again"
            )));
        }
        Ok(Ending::Unconfirmed) => {
            guard.tell(&detached(Cause::Unconfirmed));
            guard.forget();
            guard.put_back(false).await?;
        }
        Ok(Ending::Stopped) if guard.keeps() => {
            guard.put_back(true).await?;
            guard.tell(&Event::LeftInPlace {});
        }
        Ok(Ending::Stopped) => {
            guard.detach()?;
            guard.put_back(false).await?;
            guard.tell(&detached(Cause::Stopped));
        }
        Err(failure) => {
            error!("{name}: the controller ends, the filter stays in place: {failure}");
            return Err(failure);
        }
    }
    Ok(())
}

const fn detached(cause: Cause) -> Event {
    Event::Detached { cause }
}

/// What signals ask for.
#[derive(Clone)]
struct Signals {
    /// Becomes true at the first SIGINT or SIGTERM.
    stop: watch::Receiver<bool>,
    /// Changes with each SIGHUP, which ends nothing.
    reload: watch::Receiver<u64>,
}

fn on_signal() -> Result<Signals> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut hangup = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    let (stopper, stop) = watch::channel(false);
    let (reloader, reload) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                // An ssh session that breaks shall not take the controller along.
                Some(()) = hangup.recv() => {
                    info!("SIGHUP: reading the settings again, and going on");
                    reloader.send_modify(|count| *count += 1);
                }
            }
        }
        service::stopping();
        let _ = stopper.send(true);
    });
    Ok(Signals { stop, reload })
}

/// aya-log's levels: 0 is off, 4 is debug, 5 is trace.
const fn kernel_level(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 4,
        LogLevel::Trace => 5,
        _ => 0,
    }
}
