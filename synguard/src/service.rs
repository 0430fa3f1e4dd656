//! What a service manager is told: sd_notify(3). Without one nothing is told, and
//! nothing is missing.

use sd_notify::{NotifyState, notify, watchdog_enabled};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

/// How long one interface may take at most, in microseconds: on a busy machine the
/// kernel's verifier takes seconds.
const PATIENCE_USEC: u32 = 60_000_000;

/// All interfaces that are there are filtered; `state` says which.
pub fn ready(state: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(state)]);
}

/// Not all are filtered yet: with many interfaces the beginning takes its time.
pub fn attaching(interface: &str) {
    let status = format!("attaching to {interface}");
    tell(&[
        NotifyState::ExtendTimeoutUsec(PATIENCE_USEC),
        NotifyState::Status(&status),
    ]);
}

/// Which interfaces are filtered now.
pub fn status(state: &str) {
    tell(&[NotifyState::Status(state)]);
}

/// The end has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says over and over that the controller is alive, if anybody wants to know.
///
/// It shares its thread with the guards: it falls silent as soon as one of them hangs.
pub async fn keep_alive() {
    let Some(patience) = watchdog_enabled() else {
        return;
    };
    // sd_watchdog_enabled(3) recommends half of it.
    let mut ticker = interval(patience / 2);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticker.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(news: &[NotifyState<'_>]) {
    if let Err(failure) = notify(news) {
        warn!("the service manager could not be told: {failure}");
    }
}
