//! One interface in charge: its guard at work, and what is done at its end.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::watch;
use tracing::error;

use crate::controller::{Ending, Guard, News};
use crate::events::{Cause, Event};
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
    /// None where it could not go on.
    pub(super) ending: Option<Ending>,
    /// What is to be told to whoever started the controller.
    pub(super) failure: Option<Error>,
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
    let (ending, left) = match guard.run(told, news).await {
        Ok(ending) => (Some(ending), leave(&mut guard, ending).await),
        Err(failure) => {
            error!("{name}: the controller ends, the filter stays in place");
            (None, Err(failure))
        }
    };
    // Nobody is to go on with what is off for good.
    let forget = matches!(ending, Some(Ending::Detached | Ending::Forgotten));
    let ended = guard.end(forget).await;
    let failure = left.and(ended).err();
    // What was lost has been told already, and why it could not go on is yet to be.
    let is_told = matches!(ending, None | Some(Ending::Lost));
    if let Some(failure) = failure.as_ref().filter(|_| !is_told) {
        error!("{name}: {failure}");
    }
    Ended { ending, failure }
}

async fn leave(guard: &mut Guard, ending: Ending) -> Result<()> {
    if ending == Ending::Stopped && guard.keeps() && guard.is_pinned() {
        guard.put_back(true).await?;
        guard.tell(&Event::LeftInPlace {});
        return Ok(());
    }
    if matches!(ending, Ending::Detached | Ending::Unconfirmed) {
        // It is off already.
    } else {
        guard.detach()?;
    }
    guard.put_back(false).await?;
    let cause = cause(ending);
    guard.tell(&Event::Detached { cause });
    if matches!(cause, Cause::Lost | Cause::Unconfirmed) {
        guard.miss();
    } else {
        guard.unwatch();
    }
    if cause == Cause::Lost {
        let name = guard.interface();
        return Err(Error::Absent(format!(
            "{name}: its filter was taken off by somebody else: `synguard attach {name}` does it \
             again"
        )));
    }
    Ok(())
}

const fn cause(ending: Ending) -> Cause {
    match ending {
        Ending::Stopped => Cause::Stopped,
        Ending::Detached => Cause::Command,
        Ending::Unconfirmed => Cause::Unconfirmed,
        Ending::Lost => Cause::Lost,
        Ending::Dismissed => Cause::Dismissed,
        Ending::Forgotten => Cause::Gone,
    }
}
