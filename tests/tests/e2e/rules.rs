//! What a person blocks and allows. All of it holds in the kernel alone: the
//! controller is dead throughout.

use anyhow::{Result, ensure};
use synguard_tests::address::{VICTIMS, client, is_victim};
use synguard_tests::capture::Capture;
use synguard_tests::greeter::Greeter;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::topology::CONTAINER_END;
use synguard_tests::wait;

use crate::support::{
    bans, flood_until_banned, is_served, is_turned_away, number, rules, seed_plan,
    send_until_through, victims, wait_for_bans, wait_for_status,
};

const REFUSED: Option<i32> = Some(7);
const ABSENT: Option<i32> = Some(3);

/// A lab with the filter and without a controller.
fn unattended() -> Result<Lab> {
    let lab = Lab::new()?;
    lab.synguard.attach(&[])?.kill()?;
    Ok(lab)
}

#[test]
fn block_and_unblock() -> Result<()> {
    let lab = unattended()?;
    let (topology, synguard) = (&lab.topology, &lab.synguard);
    let address = client(0).to_string();
    ensure!(is_served(topology, 0)?);
    synguard.succeed(&["block", &address])?;
    ensure!(is_turned_away(topology, 0)? && is_served(topology, 1)?);
    let status = synguard.status()?;
    ensure!(
        rules(&status, "block", "manual") == [address.as_str()],
        "{status:#}"
    );
    let list = synguard.succeed(&["list"])?;
    ensure!(list.stdout.contains(&address), "{list:?}");
    let list = synguard.succeed(&["list", "--json"])?;
    ensure!(list.stdout.contains(&address), "{list:?}");
    serde_json::from_str::<serde_json::Value>(&list.stdout)?;

    synguard.succeed(&["unblock", &address])?;
    ensure!(is_served(topology, 0)?);
    let again = synguard.run(&["unblock", &address])?;
    ensure!(
        again.code == ABSENT && again.stderr.contains("not blocked"),
        "{again:?}"
    );
    Ok(())
}

#[test]
fn a_block_ends_on_time_in_the_kernel() -> Result<()> {
    let lab = unattended()?;
    let (topology, synguard) = (&lab.topology, &lab.synguard);
    let address = client(0).to_string();
    synguard.succeed(&["block", &address, "--for", "4s"])?;
    let status = synguard.status()?;
    let left = number(&status, "/rules/0/expires_in_seconds")?;
    ensure!(left <= 4, "{status:#}");
    ensure!(is_turned_away(topology, 0)?, "the block does not hold");
    // A client that is turned away takes three seconds to notice.
    wait::until_true("the end of the block", wait::GENEROUS, || {
        is_turned_away(topology, 0).is_ok_and(|away| !away)
    })?;
    ensure!(rules(&synguard.status()?, "block", "manual").is_empty());
    Ok(())
}

#[test]
fn the_longest_prefix_wins() -> Result<()> {
    let lab = unattended()?;
    let (topology, synguard) = (&lab.topology, &lab.synguard);
    let exempt = client(1).to_string();
    synguard.succeed(&["block", "198.51.100.0/24"])?;
    synguard.succeed(&["allow", &exempt])?;
    ensure!(is_turned_away(topology, 0)? && is_served(topology, 1)?);
    synguard.succeed(&["disallow", &exempt])?;
    ensure!(is_turned_away(topology, 1)?);
    synguard.succeed(&["unblock", "198.51.100.0/24"])?;
    ensure!(is_served(topology, 0)? && is_served(topology, 1)?);
    synguard.succeed(&["block", "2001:db8:c::/48"])?;
    ensure!(is_served(topology, 0)?);
    Ok(())
}

#[test]
fn what_is_allowed_cannot_be_blocked() -> Result<()> {
    let lab = unattended()?;
    let synguard = &lab.synguard;
    let address = client(0).to_string();
    synguard.succeed(&["allow", "198.51.100.0/24"])?;
    let refused = synguard.run(&["block", &address])?;
    ensure!(refused.code == REFUSED, "{refused:?}");
    ensure!(refused.stderr.contains("198.51.100.0/24"), "{refused:?}");
    ensure!(rules(&synguard.status()?, "block", "manual").is_empty());
    synguard.succeed(&["disallow", "198.51.100.0/24"])?;
    synguard.succeed(&["block", &address])?;
    Ok(())
}

#[test]
fn allowing_lifts_a_ban_and_says_so() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    let flood = Sender::start(&lab.topology, &seed_plan(1_000, 100_000))?;
    wait_for_bans(synguard, &controller)?;
    controller.kill()?;

    let [first, second] = VICTIMS;
    let through = Capture::start(&lab.topology.container, CONTAINER_END, move |segment| {
        segment.opens() && segment.source == first
    })?;
    let outcome = synguard.succeed(&["allow", &first.to_string()])?;
    let said = outcome.stdout + &outcome.stderr;
    ensure!(
        said.contains("lifted") && said.contains(&first.to_string()),
        "{said}"
    );
    wait::until_true("the allowed source's SYNs", wait::GENEROUS, || {
        through.count() > 200
    })?;
    let status = synguard.status()?;
    ensure!(bans(&status) == [second.to_string()], "{status:#}");
    flood.stop()?;
    Ok(())
}

#[test]
fn a_person_can_lift_a_ban_too() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    flood_until_banned(&lab, &controller)?;
    controller.kill()?;
    for address in victims() {
        synguard.succeed(&["unblock", &address])?;
    }
    ensure!(bans(&synguard.status()?).is_empty());
    Ok(())
}

#[test]
fn an_automatic_ban_ends_on_time_in_the_kernel() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&["--ban-time", "3s"])?;
    flood_until_banned(&lab, &controller)?;
    controller.kill()?;
    let status = wait_for_status(synguard, "the end of the bans", |status| {
        Ok(bans(status).is_empty())
    })?;
    // A few SYNs, well below the rate, pass again.
    let through = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    send_until_through(&lab, &seed_plan(10, 600), &through, 6)?;
    let now = synguard.status()?;
    ensure!(number(&now, "/dropped/total")? == number(&status, "/dropped/total")?);
    Ok(())
}

#[test]
fn the_scope_decides_about_outbound_connections() -> Result<()> {
    let lab = unattended()?;
    let (topology, synguard) = (&lab.topology, &lab.synguard);
    let [victim, _] = VICTIMS;
    topology.wake_victims(&[victim])?;
    let greeter = Greeter::start(&topology.internet, victim, 80)?;
    let address = victim.to_string();
    greeter.visit(&topology.host)?;
    synguard.succeed(&["block", &address, "--scope", "syn"])?;
    greeter.visit(&topology.host)?;
    synguard.succeed(&["block", &address, "--scope", "all"])?;
    ensure!(
        greeter.visit(&topology.host).is_err(),
        "scope all let an answer through"
    );
    synguard.succeed(&["unblock", &address])?;
    greeter.visit(&topology.host)?;
    // Without a word about it, a block is for everything.
    synguard.succeed(&["block", &address])?;
    ensure!(
        greeter.visit(&topology.host).is_err(),
        "the default let an answer through"
    );
    Ok(())
}
