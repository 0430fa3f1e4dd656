//! `synguard status`.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{print, print_json, targets};
use crate::cli::Status;
use crate::dataplane::{Maps, Pins};
use crate::interface::{Interface, Network};
use crate::status::{self, Holder, Report, SCHEMA_VERSION, Sample, Waiting};
use crate::{Result, dataplane};

/// How many sources are told of.
const SOURCES: usize = 20;
/// Rates are taken over at least this long.
const RATE_TIME: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &Status) -> Result<()> {
    let (attached, waited_for) = targets::attached_or_waited_for(args.interface.as_deref())?;
    let waiting: Vec<_> = waited_for.iter().filter_map(Waiting::of).collect();
    let mut interfaces = Vec::new();
    let network = Network::open()?;
    for pins in attached {
        interfaces.push(report(&pins, &network).await?);
    }
    if args.json {
        return print_json(&status::Statuses {
            schema_version: SCHEMA_VERSION,
            interfaces,
            waiting,
        });
    }
    let shown = interfaces.iter().map(status::show);
    let shown: Vec<_> = shown.chain(waiting.iter().map(Waiting::show)).collect();
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
    let holder = holder(pins, &maps, network).await?;
    Report::new(pins, &maps, holder, (&first, &second), rules, sources)
}

/// Where the filter is.
pub(super) async fn holder(pins: &Pins, maps: &Maps, network: &Network) -> Result<Holder> {
    if maps.attachment()?.namespace != dataplane::namespace()? {
        return Ok(Holder::Elsewhere);
    }
    let links = network.links().await?;
    let mut interfaces = links.into_iter().map(|link| link.interface);
    let holds = |interface: &Interface| dataplane::in_place(pins, interface);
    Ok(match interfaces.find(holds) {
        Some(interface) => Holder::Interface(interface.name),
        None => Holder::Nobody,
    })
}
