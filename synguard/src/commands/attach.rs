//! `synguard attach`.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info};
use tracing_subscriber::EnvFilter;

use super::first_of;
use crate::challenge::settings_for;
use crate::cli::{Attach, LogLevel};
use crate::controller::{Ending, Guard};
use crate::dataplane::Attached;
use crate::error::Context as _;
use crate::evidence::Keeper;
use crate::interface::Network;
use crate::protected::Protected;
use crate::settings::Settings;
use crate::{Error, Result, dataplane, kernel, privileges, protected};

pub(super) async fn run(args: Attach) -> Result<()> {
    let settings = args.settings().validated()?;
    kernel::check()?;
    privileges::to_attach()?;
    start_log(args.log_level)?;
    let stop = on_signal()?;
    let guards = attach_all(&args, &settings).await?;
    watch_all(guards, &settings, stop).await
}

/// Attaches every interface, or none.
async fn attach_all(args: &Attach, settings: &Settings) -> Result<Vec<Guard>> {
    let network = Network::open()?;
    let depended_on = protected::find(&network).await?;
    let mut wanted = Vec::new();
    let mut seen = HashSet::new();
    for name in args.interfaces.iter().filter(|name| seen.insert(*name)) {
        wanted.push(network.interface(name).await?);
    }
    wanted.iter().try_for_each(dataplane::check)?;
    let mut guards = Vec::new();
    let wanted: Vec<_> = wanted
        .iter()
        .map(|interface| Ok((interface, settings_for(interface, settings)?)))
        .collect::<Result<_>>()?;
    for (interface, settings) in &wanted {
        let guard = dataplane::attach(interface, settings, kernel_level(args.log_level)).and_then(
            |attached| {
                let keeper = Keeper::start(&args.state_dir, &interface.name);
                take_charge(
                    attached,
                    settings,
                    &depended_on,
                    &network,
                    interface.veth,
                    keeper,
                )
            },
        );
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

/// A filter without a controller would not know whom to protect.
fn take_charge(
    attached: Attached,
    settings: &Settings,
    depended_on: &Protected,
    network: &Network,
    veth: bool,
    keeper: Keeper,
) -> Result<Guard> {
    let undo = attached.undoing();
    Guard::new(attached, settings, depended_on, network, veth, keeper).inspect_err(|_| {
        if let Err(failure) = undo.run() {
            error!("{failure}");
        }
    })
}

async fn watch_all(
    guards: Vec<Guard>,
    settings: &Settings,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let mut tasks = JoinSet::new();
    let local = tokio::task::LocalSet::new();
    for guard in guards {
        tasks.spawn_local_on(watch_one(guard, settings.keep, stop.clone()), &local);
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
    first_of(errors)
}

async fn watch_one(mut guard: Guard, keep: bool, mut stop: watch::Receiver<bool>) -> Result<()> {
    let stopped = async move {
        // An error means that the signal task is gone, which is a stop too.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let name = guard.interface().to_owned();
    match guard.run(stopped).await {
        Ok(Ending::Detached) => {
            guard.put_back(false).await?;
            info!("{name}: detached by another command");
        }
        Ok(Ending::Lost) => {
            guard.detach()?;
            guard.put_back(false).await?;
            return Err(Error::Absent(format!(
                "{name} was deleted, or its filter was taken off: nothing is filtered any more; \
                 `synguard attach {name}` does it again"
            )));
        }
        Ok(Ending::Stopped) if keep => {
            guard.put_back(true).await?;
            info!("{name}: the filter stays in place; `synguard detach {name}` takes it off");
        }
        Ok(Ending::Stopped) => {
            guard.detach()?;
            guard.put_back(false).await?;
            info!("{name}: detached");
        }
        Err(failure) => {
            error!("{name}: the controller ends, the filter stays in place: {failure}");
            return Err(failure);
        }
    }
    Ok(())
}

/// Becomes true at the first SIGINT or SIGTERM; SIGHUP ends nothing.
fn on_signal() -> Result<watch::Receiver<bool>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut hangup = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                // An ssh session that breaks shall not take the controller along.
                Some(()) = hangup.recv() => info!("the terminal is gone: going on without it"),
            }
        }
        let _ = sender.send(true);
    });
    Ok(receiver)
}

fn start_log(level: LogLevel) -> Result<()> {
    let filter = match level {
        LogLevel::Off => "off",
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "info,synguard=debug,synguard_ebpf=debug",
        LogLevel::Trace => "trace",
    };
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(colours)
        .with_target(false)
        .try_init()
        .context("starting the log")
}

/// aya-log's levels: 0 is off, 4 is debug, 5 is trace.
const fn kernel_level(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 4,
        LogLevel::Trace => 5,
        _ => 0,
    }
}
