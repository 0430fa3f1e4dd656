//! `synguard status`.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{print, print_json, targets};
use crate::cli::Status;
use crate::dataplane::{Maps, Pins};
use crate::interface::Network;
use crate::status::{self, Report, SCHEMA_VERSION, Sample};
use crate::{Error, Result, dataplane};

/// How many sources are told of.
const SOURCES: usize = 20;
/// Rates are taken over at least this long.
const RATE_TIME: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &Status) -> Result<()> {
    let mut interfaces = Vec::new();
    let network = Network::open()?;
    for pins in targets::attached(args.interface.as_deref())? {
        interfaces.push(report(&pins, &network).await?);
    }
    if args.json {
        return print_json(&status::Statuses {
            schema_version: SCHEMA_VERSION,
            interfaces,
        });
    }
    let shown: Vec<_> = interfaces.iter().map(status::show).collect();
    print(&shown.join("\n"))
}

async fn report(pins: &Pins, network: &Network) -> Result<Report> {
    let maps = Maps::open(pins)?;
    let first = Sample::take(&maps)?;
    let enough = Instant::now() + RATE_TIME;
    let rules = status::rules(&maps, None)?;
    let sources = status::sources(&maps, SOURCES)?;
    sleep_until(enough).await;
    let second = Sample::take(&maps)?;
    let in_place = in_place(pins, &maps, network).await?;
    Report::new(pins, &maps, in_place, (&first, &second), rules, sources)
}

/// Whether the interface still runs the filter; nothing where it is in another
/// network namespace.
pub(super) async fn in_place(pins: &Pins, maps: &Maps, network: &Network) -> Result<Option<bool>> {
    if maps.attachment()?.namespace != dataplane::namespace()? {
        return Ok(None);
    }
    match network.interface(pins.interface()).await {
        Ok(interface) => Ok(Some(dataplane::in_place(pins, &interface))),
        Err(Error::Absent(_)) => Ok(Some(false)),
        Err(error) => Err(error),
    }
}
