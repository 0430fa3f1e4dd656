//! What `doctor` says of a host with a container, and with what is in its way.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard_tests::address::CONTAINER;
use synguard_tests::foreign::ForeignProgram;
use synguard_tests::lab::Lab;
use synguard_tests::synguard::{Outcome, Synguard, outcome};

use crate::support::number;

const UNSUPPORTED: i32 = 5;

/// The findings, and the exit code.
fn diagnose(synguard: &Synguard) -> Result<(Vec<Value>, i32)> {
    read(&synguard.run(&["doctor", &synguard.uplink, "--json"])?)
}

fn read(outcome: &Outcome) -> Result<(Vec<Value>, i32)> {
    let whole: Value = serde_json::from_str(&outcome.stdout)?;
    ensure!(number(&whole, "/schema_version")? == 1, "{whole:#}");
    let findings = whole["findings"].as_array().context("no findings")?;
    let code = outcome.code.context("ended by a signal")?;
    Ok((findings.clone(), code))
}

/// The one about this that says so.
fn finding<'all>(findings: &'all [Value], topic: &str, words: &str) -> Result<&'all Value> {
    let says = |one: &&Value| {
        let reason = one["reason"].as_str();
        one["topic"] == topic && reason.is_some_and(|reason| reason.contains(words))
    };
    let mut found = findings.iter().filter(says);
    let first = found.next();
    first.with_context(|| format!("no {topic} that says {words}: {findings:#?}"))
}

/// The same, which must have this level; gives the remedy, if any.
fn judged(findings: &[Value], topic: &str, words: &str, level: &str) -> Result<String> {
    let found = finding(findings, topic, words)?;
    ensure!(found["level"] == level, "{found:#}");
    Ok(found["remedy"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn what_a_container_lacks_is_named_until_it_has_it() -> Result<()> {
    let lab = Lab::new()?;
    let (web, container) = (format!("{CONTAINER}:80"), &lab.topology.container);
    let (findings, code) = diagnose(&lab.synguard)?;
    ensure!(code == 0, "{findings:#?}");
    let lacks = finding(&findings, "SYN cookies", &web)?;
    ensure!(lacks["level"] == "warn", "{lacks:#}");
    let remedy = lacks["remedy"].as_str().context("no remedy")?;
    ensure!(remedy.contains("net.ipv4.tcp_syncookies=2"), "{remedy}");

    container.sysctl("ipv4/tcp_syncookies", "2")?;
    container.sysctl("ipv4/tcp_timestamps", "2")?;
    let (findings, _) = diagnose(&lab.synguard)?;
    let answered = finding(&findings, "SYN cookies", &web)?;
    ensure!(answered["level"] == "ok", "{answered:#}");
    ensure!(answered["remedy"].is_null(), "{answered:#}");
    Ok(())
}

#[test]
fn a_foreign_program_is_in_the_way() -> Result<()> {
    let lab = Lab::without_services()?;
    let _foreign = ForeignProgram::attach(&lab.topology.host, &lab.synguard.uplink)?;
    let (findings, code) = diagnose(&lab.synguard)?;
    ensure!(code == UNSUPPORTED, "{findings:#?}");
    let program = finding(&findings, "XDP", "another program")?;
    ensure!(program["level"] == "fail", "{program:#}");
    Ok(())
}

#[test]
fn the_own_filter_is_not() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&["--keep"])?;
    let (findings, code) = diagnose(&lab.synguard)?;
    ensure!(code == 0, "{findings:#?}");
    let program = finding(&findings, "XDP", "SynGuard")?;
    ensure!(program["level"] == "ok", "{program:#}");
    controller.terminate()?;
    let (findings, code) = diagnose(&lab.synguard)?;
    let controller = finding(&findings, "controller", "none runs")?;
    ensure!(controller["level"] == "warn" && code == 0, "{controller:#}");
    Ok(())
}

#[test]
fn an_unknown_interface_is_named() -> Result<()> {
    let lab = Lab::without_services()?;
    let outcome = lab.synguard.run(&["doctor", "nosuch0"])?;
    ensure!(outcome.code == Some(3), "{outcome:?}");
    ensure!(outcome.stderr.contains("nosuch0"), "{outcome:?}");
    Ok(())
}

#[test]
fn the_kernel_takes_every_program() -> Result<()> {
    let lab = Lab::without_services()?;
    let (findings, _) = diagnose(&lab.synguard)?;
    for topic in [
        "programs",
        "multi-buffer XDP",
        "cookie helpers",
        "captures",
        "handshakes",
    ] {
        judged(&findings, topic, "", "ok")?;
    }
    let pins = lab.synguard.pins()?;
    ensure!(pins.is_empty(), "left behind: {pins:?}");
    Ok(())
}

#[test]
fn an_interface_without_a_name_is_the_one_of_the_default_route() -> Result<()> {
    let lab = Lab::without_services()?;
    let (synguard, uplink) = (&lab.synguard, &lab.synguard.uplink);
    let (findings, code) = read(&synguard.run(&["doctor", "--json"])?)?;
    ensure!(code == 0, "{findings:#?}");
    let attach = format!("`synguard attach {uplink}`");
    judged(&findings, "default route", &attach, "ok")?;

    for family in ["-4", "-6"] {
        let gone = [family, "route", "del", "default"];
        lab.topology.host.run("ip", &gone)?;
    }
    let (findings, code) = read(&synguard.run(&["doctor", "--json"])?)?;
    ensure!(code == 0, "{findings:#?}");
    judged(&findings, "default route", "none", "warn")?;
    Ok(())
}

#[test]
fn bridges_and_their_ports_are_told_where_to_attach() -> Result<()> {
    let lab = Lab::without_services()?;
    let host = &lab.topology.host;
    host.batch(&[
        // As little of a veth as a card is.
        "link add sgcard type ifb".to_owned(),
        "link set sgcard master br0 up".to_owned(),
    ])?;
    let (findings, _) = diagnose(&lab.synguard.on("br0"))?;
    let remedy = judged(&findings, "interface", "br0 is a bridge of", "warn")?;
    ensure!(remedy == "`synguard attach sgcard`", "{remedy}");

    let (findings, code) = diagnose(&lab.synguard.on("sgcard"))?;
    ensure!(code == 0, "{findings:#?}");
    judged(&findings, "membership", "port of the bridge br0", "ok")?;
    judged(&findings, "VLAN offload", "no VLAN stands on sgcard", "ok")?;
    Ok(())
}

#[test]
fn a_driver_is_judged_by_what_it_tells() -> Result<()> {
    let lab = Lab::without_services()?;
    let host = &lab.topology.host;
    host.batch(&["link add sgcard mtu 9000 type ifb".to_owned()])?;
    let (findings, code) = diagnose(&lab.synguard)?;
    ensure!(code == 0, "{findings:#?}");
    judged(&findings, "interface", "is a veth", "warn")?;
    judged(&findings, "MTU", "1500 bytes", "ok")?;
    judged(&findings, "LRO", "off", "ok")?;
    judged(&findings, "queues", "1 for receiving", "ok")?;

    judged(&findings, "native XDP", "veth", "ok")?;
    let (findings, code) = diagnose(&lab.synguard.on("sgcard"))?;
    ensure!(code == 0, "{findings:#?}");
    if tells_xdp_features()? {
        judged(&findings, "native XDP", "ifb does not have it", "warn")?;
        judged(
            &findings,
            "MTU",
            "9000 bytes, which generic mode takes",
            "ok",
        )?;
    } else {
        judged(&findings, "native XDP", "not known until attach", "ok")?;
        let remedy = judged(&findings, "MTU", "9000 bytes", "warn")?;
        ensure!(
            remedy.contains("ip link set dev sgcard mtu 1500"),
            "{remedy}"
        );
    }
    Ok(())
}

/// Kernels do from 6.3 on.
fn tells_xdp_features() -> Result<bool> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut numbers = release.split('.').map_while(|number| number.parse().ok());
    let version: (u32, u32) = numbers
        .next()
        .zip(numbers.next())
        .context(release.clone())?;
    Ok(version >= (6, 3))
}

#[test]
fn sysctls_worth_changing_come_with_the_command() -> Result<()> {
    let lab = Lab::without_services()?;
    let host = &lab.topology.host;
    host.sysctl("core/somaxconn", "4096")?;
    for (sysctl, good, bad, command) in [
        ("ipv4.tcp_synack_retries", "5", "9", "=5"),
        ("core.somaxconn", "4096", "128", "=4096"),
        ("ipv4.tcp_syncookies", "1", "0", "=1"),
        // Looked at while there are no cookies.
        ("ipv4.tcp_max_syn_backlog", "4096", "64", "=4096"),
    ] {
        let (topic, path) = (format!("net.{sysctl}"), sysctl.replace('.', "/"));
        host.sysctl(&path, good)?;
        judged(&diagnose(&lab.synguard)?.0, &topic, good, "ok")?;
        host.sysctl(&path, bad)?;
        let (findings, code) = diagnose(&lab.synguard)?;
        ensure!(code == 0, "{findings:#?}");
        let remedy = judged(&findings, &topic, bad, "warn")?;
        ensure!(
            remedy.contains(&format!("sysctl -w {topic}{command}")),
            "{remedy}"
        );
        // As good as the default; but cookies stay off for what comes after.
        if sysctl != "ipv4.tcp_syncookies" {
            host.sysctl(&path, good)?;
        }
    }
    Ok(())
}

#[test]
fn a_disk_that_takes_no_bans_is_named() -> Result<()> {
    let lab = Lab::without_services()?;
    let topic = "saved state";
    let scratch = tempfile::tempdir()?;
    let (full, read_only) = (
        scratch.path().join("full"),
        scratch.path().join("read-only"),
    );
    lab.synguard.mounts.full_disk(&full)?;
    lab.synguard.mounts.read_only_disk(&read_only)?;
    for (disk, says) in [(&full, "only 0 B free"), (&read_only, "read-only")] {
        let state = disk.to_str().context("a path that is no text")?;
        let controller = lab.synguard.attach(&["--state-dir", state])?;
        let (findings, code) = diagnose(&lab.synguard)?;
        ensure!(code == 0, "{findings:#?}");
        let remedy = judged(&findings, topic, says, "warn")?;
        ensure!(remedy.contains("--state-dir"), "{remedy}");
        controller.terminate()?;
    }
    judged(&diagnose(&lab.synguard)?.0, topic, "free", "ok")?;
    Ok(())
}

#[test]
fn managers_of_containers_are_found_and_explained() -> Result<()> {
    let lab = Lab::without_services()?;
    let (findings, _) = diagnose(&lab.synguard)?;
    let all = format!("{findings:?}");
    for manager in ["Docker", "LXC"] {
        ensure!(finding(&findings, manager, "").is_err(), "{all}");
    }
    let bridges = ["docker0", "lxcbr0"].map(|name| format!("link add {name} type bridge"));
    lab.topology.host.batch(&bridges)?;
    lab.synguard
        .mounts
        .inside(|| fs::write("/run/docker.sock", ""))??;
    let (findings, code) = diagnose(&lab.synguard)?;
    ensure!(code == 0, "{findings:#?}");
    judged(&findings, "Docker", "/run/docker.sock, docker0", "ok")?;
    judged(&findings, "LXC", "lxcbr0", "ok")?;
    Ok(())
}

#[test]
fn without_privileges_it_says_what_it_did_not_look_at() -> Result<()> {
    let lab = Lab::without_services()?;
    let _foreign = ForeignProgram::attach(&lab.topology.host, &lab.synguard.uplink)?;
    let nobody = ["setpriv", "--reuid", "65534", "--clear-groups"];
    let mut command = lab.synguard.command_under(&nobody);
    command.args(["doctor", &lab.synguard.uplink, "--json"]);
    let (findings, code) = read(&outcome(&mut command)?)?;
    ensure!(code == 0, "{findings:#?}");
    judged(&findings, "privileges", "not looked at", "warn")?;
    judged(&findings, "XDP", "whose it is cannot be told", "warn")?;
    judged(&findings, "interface", "is a veth", "warn")?;
    judged(&findings, "LRO", "off", "ok")?;
    ensure!(finding(&findings, "programs", "").is_err(), "{findings:#?}");
    Ok(())
}
