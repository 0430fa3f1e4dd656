//! What `doctor` says of a host with a container, and with what is in its way.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard_tests::address::CONTAINER;
use synguard_tests::foreign::ForeignProgram;
use synguard_tests::lab::Lab;
use synguard_tests::synguard::Synguard;

use crate::support::number;

const UNSUPPORTED: i32 = 5;

/// The findings, and the exit code.
fn diagnose(synguard: &Synguard) -> Result<(Vec<Value>, i32)> {
    let outcome = synguard.run(&["doctor", &synguard.uplink, "--json"])?;
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
