//! `synguard status`.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{print, print_json, targets};
use crate::Result;
use crate::cli::Status;
use crate::dataplane::{Maps, Pins};
use crate::status::{self, Report, SCHEMA_VERSION, Sample};

/// Rates are taken over at least this long.
const RATE_TIME: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &Status) -> Result<()> {
    let mut interfaces = Vec::new();
    for pins in targets::attached(args.interface.as_deref())? {
        interfaces.push(report(&pins).await?);
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

async fn report(pins: &Pins) -> Result<Report> {
    let maps = Maps::open(pins)?;
    let first = Sample::take(&maps)?;
    let enough = Instant::now() + RATE_TIME;
    let rules = status::rules(&maps)?;
    let sources = status::sources(&maps)?;
    sleep_until(enough).await;
    let second = Sample::take(&maps)?;
    Report::new(pins, &maps, &first, &second, rules, sources)
}
