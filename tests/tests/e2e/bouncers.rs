//! Others that decide whom to ban, and let SynGuard do it.

use std::env;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use synguard_tests::address::client;
use synguard_tests::fail2ban::{Fail2ban, JAIL};
use synguard_tests::lab::Lab;
use synguard_tests::synguard::{Outcome, outcome};

use crate::support::{is_served, is_turned_away, wait_for_status};

const BOUNCER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../contrib/crowdsec/synguard-bouncer"
);

/// The block of this client, as the status shows it.
fn block(status: &Value, who: IpAddr) -> Option<&Value> {
    let mut rules = status["rules"].as_array()?.iter();
    rules.find(|rule| rule["prefix"] == *who.to_string() && rule["action"] == "block")
}

fn wait_for_block(lab: &Lab, who: IpAddr, there: bool) -> Result<Value> {
    wait_for_status(&lab.synguard, "fail2ban's word to count", |status| {
        Ok(block(status, who).is_some() == there)
    })
}

#[test]
fn fail2ban_bans_at_the_network_card() -> Result<()> {
    let lab = Lab::new()?;
    let _controller = lab.synguard.attach(&[])?;
    let fail2ban = Fail2ban::start(&lab.topology.host, &lab.synguard)?;
    let who = IpAddr::from(client(0));
    let name = who.to_string();

    fail2ban.misbehave(who)?;
    let status = wait_for_block(&lab, who, true)?;
    let rule = block(&status, who).context("no block")?;
    ensure!(
        rule["expires_in_seconds"].is_number() && rule["scope"] == "all",
        "{rule:#}"
    );
    ensure!(is_turned_away(&lab.topology, 0)? && is_served(&lab.topology, 1)?);

    fail2ban.client(&["set", JAIL, "unbanip", &name])?;
    wait_for_block(&lab, who, false)?;
    ensure!(is_served(&lab.topology, 0)?);

    // A ban without end, and one that somebody else ended before.
    fail2ban.client(&["set", JAIL, "bantime", "-1"])?;
    fail2ban.client(&["set", JAIL, "banip", &name])?;
    let status = wait_for_block(&lab, who, true)?;
    let rule = block(&status, who).context("no block")?;
    ensure!(rule["expires_in_seconds"].is_null(), "{rule:#}");
    lab.synguard.succeed(&["unblock", &name])?;
    fail2ban.client(&["set", JAIL, "unbanip", &name])?;
    fail2ban.client(&["ping"])?;
    let log = fail2ban.log();
    ensure!(!log.contains(" ERROR "), "{log}");
    Ok(())
}

#[test]
fn crowdsec_bans_at_the_network_card() -> Result<()> {
    let lab = Lab::new()?;
    let _controller = lab.synguard.attach(&[])?;
    let who = IpAddr::from(client(0));
    let decide = |words: &[&str]| -> Result<Outcome> {
        let mut command = lab.topology.host.command(BOUNCER);
        let folder = lab.synguard.binary().parent().unwrap_or(Path::new("/"));
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [folder.to_owned()]
            .into_iter()
            .chain(env::split_paths(&path));
        command.args(words).env("PATH", env::join_paths(folders)?);
        lab.synguard.mounts.enter(&mut command);
        outcome(&mut command)
    };
    let name = who.to_string();

    let add = decide(&["add", &name, "600", "http:scan", "{}"])?;
    ensure!(add.code == Some(0), "{add:?}");
    let status = lab.synguard.status()?;
    let rule = block(&status, who).context("no block")?;
    ensure!(rule["expires_in_seconds"].is_number(), "{rule:#}");
    ensure!(is_turned_away(&lab.topology, 0)?);
    for _ in 0..2 {
        // The second finds that it is over.
        let delete = decide(&["del", &name, "600", "http:scan", "{}"])?;
        ensure!(delete.code == Some(0), "{delete:?}");
    }
    ensure!(is_served(&lab.topology, 0)?);
    for odd in [&[][..], &["forgive", name.as_str()], &["add", "x", "600"]] {
        let refused = decide(odd)?;
        ensure!(refused.code == Some(2), "{odd:?}: {refused:?}");
    }
    Ok(())
}
