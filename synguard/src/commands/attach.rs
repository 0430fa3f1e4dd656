//! `synguard attach`.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{LocalSet, spawn_local};
use tracing::info;

use super::first_of;
use crate::cli::Attach;
use crate::config::Source;
use crate::error::Context as _;
use crate::fleet::{Fleet, Wishes};
use crate::{Result, kernel, limits, log, privileges, service, telling};

pub(super) async fn run(args: Attach) -> Result<()> {
    let source = Source::new(args.config.as_deref(), &args.given)?;
    let file = source.read()?;
    let general = source.resolve_with(file.as_ref(), None)?;
    for name in &args.interfaces {
        source.resolve_with(file.as_ref(), Some(name))?;
    }
    kernel::check()?;
    limits::raise_open_files();
    privileges::to_attach()?;
    log::start(general.log_level, general.telling.log_format)?;
    let wishes = on_signal()?;
    telling::start(&general)?;
    let local = LocalSet::new();
    let work = async {
        let alive = spawn_local(service::keep_alive());
        let fleet = Fleet::start(&args.interfaces, source, file).await?;
        let errors = fleet.run(wishes).await;
        alive.abort();
        first_of(errors)
    };
    let worked = local.run_until(work).await;
    telling::finish();
    worked
}

fn on_signal() -> Result<Wishes> {
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
    Ok(Wishes { stop, reload })
}
