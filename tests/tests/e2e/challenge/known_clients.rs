//! Who is known to be honest is not challenged.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard_tests::address::{client, client6};

use super::{CLIENTS, Place, READY, Scene};
use crate::support::{number, wait_for_status};

#[test]
fn who_has_connected_is_not_asked_again() -> Result<()> {
    let scene = Scene::challenging(Place::Server, READY)?;
    scene.all_download()?;
    let before = scene.answered()?;
    // The last handshake may be counted a moment after the answer. There may be more:
    // clients of other labs have the same addresses.
    wait_for_status(&scene.synguard, "the handshakes", |status| {
        let sources = status["sources"].as_array().context("no sources")?;
        let connected = |source: &&Value| source["handshakes"] != 0;
        Ok(sources.iter().filter(connected).count() == 2 * CLIENTS)
    })?;
    scene.all_download()?;
    ensure!(scene.answered()? == before);
    Ok(())
}

#[test]
fn who_is_allowed_is_never_asked() -> Result<()> {
    let scene = Scene::challenging(Place::Uplink, READY)?;
    let allowed = [client(0).to_string(), client6(0).to_string()];
    for address in &allowed {
        scene.synguard.succeed(&["allow", address])?;
    }
    for download in scene.download(0, super::QUICK)? {
        download.finish(scene.services()?)?;
    }
    let status = scene.synguard.status()?;
    ensure!(number(&status, "/challenge/answered")? == 0, "{status:#}");
    ensure!(number(&status, "/passed/syn_allowed")? == 2, "{status:#}");
    // Others are.
    for download in scene.download(1, super::QUICK)? {
        download.finish(scene.services()?)?;
    }
    ensure!(scene.answered()? == 2);
    Ok(())
}
