//! A flooder and a busy client send as many SYNs; only one of them completes
//! its handshakes. Those are made in the container, another network namespace.

use anyhow::{Context, Result, ensure};
use synguard_tests::address::client;
use synguard_tests::knock::knock;
use synguard_tests::lab::Lab;

use crate::support::{bans, number, wait_for_status};

/// Ten times the default rate, if they all fall into one second.
const CONNECTIONS: u64 = 500;

#[test]
fn a_busy_client_is_not_banned() -> Result<()> {
    let lab = Lab::new()?;
    let controller = lab.synguard.attach(&[])?;
    knock(&lab.topology, 0, CONNECTIONS)?;
    let address = client(0).to_string();
    let status = wait_for_status(&lab.synguard, "the handshakes", |status| {
        let sources = status["sources"].as_array().context("no sources")?;
        let source = sources.iter().find(|source| source["source"] == *address);
        let Some(source) = source else {
            return Ok(false);
        };
        Ok(number(source, "/handshakes")? >= CONNECTIONS)
    })?;
    ensure!(number(&status, "/syns")? >= CONNECTIONS, "{status:#}");
    ensure!(number(&status, "/dropped/total")? == 0, "{status:#}");
    ensure!(bans(&status).is_empty(), "{status:#}");
    ensure!(
        !controller.text().contains("promoted"),
        "{}",
        controller.text()
    );
    Ok(())
}
