//! Lists from elsewhere, in what real tools write, and taken as a whole.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::Value;
use synguard_tests::address::{GATEWAY, client};
use synguard_tests::capture::{Capture, Segment};
use synguard_tests::lab::Lab;
use synguard_tests::program;
use synguard_tests::sender::Sender;
use synguard_tests::synguard::{Outcome, Synguard, outcome};
use synguard_tests::topology::{CONTAINER_END, Topology};
use synguard_tests::wait;
use tempfile::TempDir;

use crate::support::{
    is_served, is_turned_away, number, plan, seed_plan, wait_for_bans, wait_for_status,
};

const BAD_INPUT: Option<i32> = Some(2);
const ABSENT: Option<i32> = Some(3);

/// As Spamhaus writes its DROP list, with a client of the lab's in it.
const DROP: &str = "\
; Spamhaus DROP List 2026/11/22 - (c) 2026 The Spamhaus Project SLU
; https://www.spamhaus.org/drop/drop.txt
198.51.100.1/32 ; SBL000001
203.0.113.0/24 ; SBL000002
";

/// A lab with the filter and without a controller: lists hold in the kernel.
fn unattended() -> Result<Lab> {
    let lab = Lab::new()?;
    lab.synguard.attach(&[])?.kill()?;
    Ok(lab)
}

/// Only the first client is on the list, and the list has two prefixes.
fn holds(lab: &Lab, name: &str) -> Result<()> {
    ensure!(is_turned_away(&lab.topology, 0)?, "{name} does not hold");
    ensure!(is_served(&lab.topology, 1)?, "{name} holds too much");
    let list = list(&lab.synguard.status()?, name)?;
    ensure!(number(&list, "/prefixes")? == 2, "{list:#}");
    let shown = lab.synguard.succeed(&["list"])?.stdout;
    let shown_so = |line: &str| line.split_whitespace().any(|word| word == "2");
    let line = shown.lines().find(|line| line.contains(name));
    ensure!(line.is_some_and(shown_so), "{shown}");
    Ok(())
}

fn list(status: &Value, name: &str) -> Result<Value> {
    let lists = status["lists"].as_array().context("no lists")?;
    let list = lists.iter().find(|list| list["name"] == name);
    list.cloned()
        .with_context(|| format!("no list {name}: {lists:#?}"))
}

#[test]
fn a_list_of_prefixes_from_standard_input() -> Result<()> {
    let lab = unattended()?;
    let folder = TempDir::new()?;
    let file = folder.path().join("drop.txt");
    fs::write(&file, DROP)?;
    let mut command = lab.synguard.command();
    command.args(["import", "-", "--list", "spamhaus-drop"]);
    let imported = outcome(command.stdin(File::open(&file)?))?;
    ensure!(imported.code == Some(0), "{imported:?}");
    holds(&lab, "spamhaus-drop")
}

#[test]
fn what_ipset_saves() -> Result<()> {
    let lab = unattended()?;
    let host = &lab.topology.host;
    host.run("ipset", &["create", "bad", "hash:net"])?;
    for entry in ["198.51.100.1", "203.0.113.0/24"] {
        host.run("ipset", &["add", "bad", entry])?;
    }
    let saved = host.run("ipset", &["save"])?;
    ensure!(saved.contains("198.51.100.1"), "{saved}");
    succeed(import(&lab.synguard, "from-ipset", &saved, &[])?)?;
    holds(&lab, "from-ipset")?;

    lab.synguard.succeed(&["unlist", "from-ipset"])?;
    ensure!(is_served(&lab.topology, 0)?);
    let again = lab.synguard.run(&["unlist", "from-ipset"])?;
    ensure!(again.code == ABSENT, "{again:?}");
    Ok(())
}

#[test]
fn what_nft_lists() -> Result<()> {
    let lab = unattended()?;
    let host = &lab.topology.host;
    let set = "add table inet lab; \
               add set inet lab bad { type ipv4_addr; flags interval; \
               elements = { 198.51.100.1, 203.0.113.0/24 }; }";
    host.run("nft", &[set])?;
    let listed = host.run("nft", &["list", "set", "inet", "lab", "bad"])?;
    ensure!(listed.contains("198.51.100.1"), "{listed}");
    succeed(import(&lab.synguard, "from-nft", &listed, &[])?)?;
    holds(&lab, "from-nft")
}

#[test]
fn a_list_with_a_bad_line_changes_nothing() -> Result<()> {
    let lab = unattended()?;
    let synguard = &lab.synguard;
    let refused = import(
        synguard,
        "bad",
        "198.51.100.1\n198.51.100.2\n198.51.100.\n",
        &[],
    )?;
    ensure!(
        refused.code == BAD_INPUT && refused.stderr.contains("line 3"),
        "{refused:?}"
    );
    ensure!(is_served(&lab.topology, 0)? && is_served(&lab.topology, 1)?);
    let status = synguard.status()?;
    ensure!(list(&status, "bad").is_err(), "{status:#}");

    // Nor does it to a list that was there before.
    succeed(import(synguard, "bad", DROP, &[])?)?;
    let refused = import(synguard, "bad", "192.0.2.0/24\nno prefix\n", &["--replace"])?;
    ensure!(refused.code == BAD_INPUT, "{refused:?}");
    holds(&lab, "bad")
}

#[test]
fn a_list_can_allow_and_can_end() -> Result<()> {
    let lab = unattended()?;
    let (topology, synguard) = (&lab.topology, &lab.synguard);
    succeed(import(synguard, "mine", "198.51.100.1\n", &["--allow"])?)?;
    synguard.succeed(&["block", "198.51.100.0/24"])?;
    ensure!(is_served(topology, 0)? && is_turned_away(topology, 1)?);
    synguard.succeed(&["unblock", "198.51.100.0/24"])?;

    let for_a_while = ["--for", "8s", "--scope", "syn"];
    succeed(import(
        synguard,
        "brief",
        &format!("{}\n", client(1)),
        &for_a_while,
    )?)?;
    ensure!(is_turned_away(topology, 1)?, "the list does not hold");
    wait::until_true("the end of the list", wait::GENEROUS, || {
        is_turned_away(topology, 1).is_ok_and(|away| !away)
    })
}

/// Somebody else's list shall not cut the host off.
#[test]
fn what_the_host_depends_on_is_left_out() -> Result<()> {
    let lab = unattended()?;
    let text = format!("{DROP}{GATEWAY}\n");
    let imported = import(&lab.synguard, "careless", &text, &[])?;
    let said = format!("{}{}", imported.stdout, imported.stderr);
    ensure!(said.contains(&format!("left out {GATEWAY}")), "{said}");
    succeed(imported)?;
    holds(&lab, "careless")
}

/// In the old list, in both, and in the new one.
const OLD: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
const BOTH: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 2);
const NEW: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 3);
/// Such a rate that nobody is over it.
const NO_BANS: [&str; 2] = ["--syn-rate", "1000000"];

/// The swap is at once for each source, and has no gap for what stays.
#[test]
fn a_list_is_replaced_under_traffic_without_a_gap() -> Result<()> {
    let lab = Lab::without_services()?;
    let (topology, synguard) = (&lab.topology, &lab.synguard);
    let _controller = synguard.attach(&NO_BANS)?;
    let (old, new) = (format!("{OLD}\n{BOTH}\n"), format!("{BOTH}\n{NEW}\n"));
    succeed(import(synguard, "swapped", &old, &[])?)?;
    let flood = plan(&[OLD, BOTH, NEW].map(IpAddr::from), 6_000, 400_000);
    let flood = Sender::start(topology, &flood)?;
    wait_for_more_hits(synguard, 1_000)?;

    let leaks = arrivals(topology, BOTH)?;
    // More than once, so that one lucky moment does not decide.
    for (list, passes, stopped) in [
        (&new, OLD, NEW),
        (&old, NEW, OLD),
        (&new, OLD, NEW),
        (&old, NEW, OLD),
    ] {
        succeed(import(synguard, "swapped", list, &["--replace"])?)?;
        let (passing, others) = (arrivals(topology, passes)?, arrivals(topology, stopped)?);
        wait_for_more_hits(synguard, 1_000)?;
        wait::until_true("what is no longer listed", wait::GENEROUS, || {
            passing.count() >= 500
        })?;
        let through = others.finish()?;
        ensure!(through == 0, "{through} SYNs of {stopped} came through");
        let list = self::list(&synguard.status()?, "swapped")?;
        ensure!(number(&list, "/prefixes")? == 2, "{list:#}");
    }
    flood.stop()?;
    let leaks = leaks.finish()?;
    ensure!(leaks == 0, "{leaks} SYNs of {BOTH} came through");
    Ok(())
}

/// SYNs from one source that get as far as the container.
fn arrivals(topology: &Topology, from: Ipv4Addr) -> Result<Capture> {
    let wanted = move |segment: &Segment| segment.opens() && segment.source == from;
    Capture::start(&topology.container, CONTAINER_END, wanted)
}

/// Packets that came after now, and that the list decided.
fn wait_for_more_hits(synguard: &Synguard, more: u64) -> Result<()> {
    let goal = number(&synguard.status()?, "/dropped/total")? + more;
    wait_for_status(synguard, "packets that the list drops", |status| {
        Ok(number(status, "/dropped/total")? >= goal)
    })?;
    Ok(())
}

#[test]
fn it_cannot_be_stopped_with_the_rules_locked() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&["--ban-time", "1h"])?;
    // Somebody else changes rules.
    let path = format!("/run/synguard/{}.rules.lock", synguard.uplink);
    let lock = synguard.mounts.inside(|| File::open(&path))?;
    let lock = lock.context(path)?;
    lock.lock()?;
    let folder = TempDir::new()?;
    let file = folder.path().join("list");
    fs::write(&file, DROP)?;
    let mut import = synguard.command();
    import.arg("import").arg(&file);
    import.args(["--iface", &synguard.uplink]);
    let mut import = program::spawn(&mut import)?;
    let id = import.id();
    wait::until_true("the import to wait", wait::GENEROUS, || {
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        let waits = |line: &str| line.contains("->") && line.contains(&format!(" {id} "));
        locks.lines().any(waits)
    })?;
    import.signal(Signal::TSTP)?;
    // The controller says so, and does not wait for ever.
    let flood = Sender::start(&lab.topology, &seed_plan(1_000, 100_000))?;
    controller.wait_for("keeps the rules of")?;
    let state = fs::read_to_string(format!("/proc/{id}/stat"))?;
    ensure!(!state.contains(") T "), "{state}");
    drop(lock);
    let status = import.child().wait()?;
    ensure!(status.success(), "{status}");
    wait_for_bans(synguard, &controller)?;
    flood.stop()?;
    controller.terminate()?;
    Ok(())
}

/// Imports a text from a file of its own.
fn import(synguard: &Synguard, name: &str, text: &str, flags: &[&str]) -> Result<Outcome> {
    let folder = TempDir::new()?;
    let file = folder.path().join("list");
    fs::write(&file, text)?;
    let file = file.to_str().context("a path that is no text")?;
    let arguments = [&["import", file, "--list", name], flags].concat();
    synguard.run(&arguments)
}

fn succeed(imported: Outcome) -> Result<()> {
    ensure!(imported.code == Some(0), "{imported:?}");
    Ok(())
}
