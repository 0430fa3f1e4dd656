//! One interface in charge: its guard at work, and what is done at its end.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::controller::{Ending, Guard, News};
use crate::{Error, Result};

/// What a guard is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// To work.
    Work,
    /// To end in this way.
    End(Ending),
}

/// A guard at work, seen from the fleet.
pub(super) struct Ward {
    /// The id of the program that filters.
    pub(super) program: u32,
    /// Since when its interface is gone.
    pub(super) away: Rc<Cell<Option<Instant>>>,
    pub(super) order: watch::Sender<Order>,
}

impl Ward {
    /// A ward, and what its guard listens to.
    pub(super) fn of(guard: &Guard) -> (Self, watch::Receiver<Order>) {
        let (order, orders) = watch::channel(Order::Work);
        let ward = Self {
            program: guard.program(),
            away: guard.away(),
            order,
        };
        (ward, orders)
    }
}

/// How a guard ended.
pub(super) struct Ended {
    pub(super) name: String,
    /// What is to be told to whoever started the controller.
    pub(super) outcome: Result<Ending>,
}

/// Has a guard work until its end, and leaves the interface as it is to be.
pub(super) async fn work(
    mut guard: Guard,
    mut orders: watch::Receiver<Order>,
    news: News,
) -> Ended {
    let name = guard.interface().to_owned();
    let told = async move {
        loop {
            if let Order::End(ending) = *orders.borrow_and_update() {
                return ending;
            }
            // An error means that the fleet is gone, which is an end too.
            if orders.changed().await.is_err() {
                return Ending::Stopped;
            }
        }
    };
    let outcome = match guard.run(told, news).await {
        Ok(ending @ Ending::Forgotten) => {
            let left = leave(&mut guard, ending).await;
            left.and(guard.forget()).map(|()| ending)
        }
        Ok(ending) => leave(&mut guard, ending).await.map(|()| ending),
        Err(failure) => {
            error!("{name}: the controller ends, the filter stays in place: {failure}");
            Err(failure)
        }
    };
    Ended { name, outcome }
}

async fn leave(guard: &mut Guard, ending: Ending) -> Result<()> {
    let name = guard.interface().to_owned();
    match ending {
        Ending::Detached => {
            guard.put_back(false).await?;
            info!("{name}: detached by another command");
        }
        Ending::Lost => {
            guard.detach()?;
            guard.put_back(false).await?;
            let text = format!(
                "{name}: its filter was taken off by somebody else: nothing is filtered there any \
                 more; `synguard attach {name}` does it again"
            );
            error!("{text}");
            return Err(Error::Absent(text));
        }
        Ending::Unconfirmed => {
            guard.put_back(false).await?;
            warn!("{name}: nobody said `synguard confirm {name}` in time: detached");
        }
        Ending::Stopped if guard.keeps() => {
            guard.put_back(true).await?;
            info!("{name}: the filter stays in place; `synguard detach {name}` takes it off");
        }
        Ending::Stopped => {
            guard.detach()?;
            guard.put_back(false).await?;
            info!("{name}: detached");
        }
        Ending::Dismissed => {
            guard.detach()?;
            guard.put_back(false).await?;
            info!("{name}: detached, as `interfaces` no longer names it");
        }
        Ending::Forgotten => {
            guard.detach()?;
            guard.put_back(false).await?;
            info!("{name}: it did not come back: its bans, rules and counters are gone");
        }
    }
    Ok(())
}
