//! Metrics, as a scraper gets them.

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use synguard_tests::address::{CONTAINER, HOST, VICTIMS};
use synguard_tests::crowd::Crowd;
use synguard_tests::lab::Lab;
use synguard_tests::namespace::Namespace;
use synguard_tests::{program, wait};

use super::flood;
use crate::config::{file, path};
use crate::support::{ensure_untouched, number, wait_for_status};

const FAILED: Option<i32> = Some(1);
/// In namespaces of which nobody else knows.
const PORT: &str = "9788";
const TARGET: &str = "127.0.0.1:9788";
/// With all processors busy, and curl to be started. A walk over so many records takes
/// longer.
const SLOW: Duration = Duration::from_millis(500);
/// By default.
const PROMETHEUS_WAITS: Duration = Duration::from_secs(10);

fn curl(namespace: &Namespace, url: &str, more: &[&str]) -> Command {
    let mut command = namespace.command("curl");
    command.args(["-q", "--noproxy", "*", "--silent", "--show-error"]);
    command.args(["--max-time", "30"]).args(more).arg(url);
    command
}

/// What is at `/metrics`, by name and labels as they stand there.
pub(super) fn scrape(namespace: &Namespace) -> Result<BTreeMap<String, f64>> {
    let mut command = curl(namespace, &format!("http://{TARGET}/metrics"), &["--fail"]);
    let text = program::run(&mut command)?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &str| {
        let (series, value) = line.rsplit_once(' ').context(line.to_owned())?;
        Ok((series.to_owned(), value.parse()?))
    };
    lines.map(read).collect()
}

/// The sum of all series of this name with all of these labels.
pub(super) fn sum(all: &BTreeMap<String, f64>, name: &str, labels: &[&str]) -> Result<f64> {
    let mut matching = all.iter().filter(|(series, _)| {
        let (own, rest) = series.split_once('{').unwrap_or((series, ""));
        own == name && labels.iter().all(|label| rest.contains(label))
    });
    let first = matching
        .next()
        .with_context(|| format!("no {name}{labels:?}"))?;
    Ok(first.1 + matching.map(|(_, value)| value).sum::<f64>())
}

/// Status code, and the answer's head and body.
fn ask(namespace: &Namespace, path: &str, more: &[&str]) -> Result<(String, String)> {
    let url = format!("http://{TARGET}{path}");
    let mut command = curl(namespace, &url, &["--include"]);
    let answer = program::run(command.args(more))?;
    let code = answer.split_whitespace().nth(1).context("no code")?;
    Ok((code.to_owned(), answer))
}

#[test]
fn the_numbers_are_those_of_the_status() -> Result<()> {
    let lab = Lab::without_services()?;
    let (synguard, host) = (&lab.synguard, &lab.topology.host);
    let controller = synguard.attach(&["--metrics", PORT])?;
    let interface = format!("interface=\"{}\"", synguard.uplink);
    let before = scrape(host)?;
    ensure!(sum(&before, "synguard_filter_up", &[&interface])? == 1.0);
    ensure!(sum(&before, "synguard_bans", &[&interface])? == 0.0);
    flood(&lab, VICTIMS[0])?;
    controller.wait_for("promoted")?;

    let status = wait_for_status(synguard, "drops by ban", |status| {
        Ok(number(status, "/dropped/banned")? > 200)
    })?;
    let told = wait::until("the controller to tell", wait::GENEROUS, || {
        let told = scrape(host).ok()?;
        let bans = sum(&told, "synguard_bans", &["class=\"reflection\""]).ok()?;
        let sources = sum(&told, "synguard_sources", &[&interface]).ok()?;
        (bans == 1.0 && sources >= 1.0).then_some(told)
    })?;
    let of = |name, labels: &[&str]| sum(&told, name, labels);
    for reason in ["banned", "rate_limited", "syn_counted"] {
        let label = format!("reason=\"{reason}\"");
        let counted = of("synguard_packets_total", &[&interface, &label])?;
        let shown = status["dropped"][reason]
            .as_f64()
            .or(status["passed"][reason].as_f64());
        ensure!(
            counted >= shown.context("no such reason")?,
            "{reason}: {counted}, {status:#}"
        );
    }
    ensure!(of("synguard_promotions_total", &["class=\"reflection\""])? == 1.0);
    ensure!(of("synguard_rules_max", &[])? == 262_144.0);
    ensure!(of("synguard_sources_max", &[])? == 65_536.0);
    ensure!(of("synguard_attachment_info", &["mode=\""])? == 1.0);
    synguard.succeed(&["panic"])?;
    let told = scrape(host)?;
    ensure!(
        sum(&told, "synguard_panic", &[])? == 1.0 && sum(&told, "synguard_dry_run", &[])? == 1.0
    );
    synguard.succeed(&["panic", "--over"])?;
    // Each metric that there is has been shown, and nothing else.
    let shown: Vec<_> = told
        .keys()
        .map(|series| series.split('{').next().unwrap_or(series))
        .collect();
    let known: Vec<_> = synguard::metrics::sample()
        .iter()
        .map(synguard::metrics::Family::name)
        .collect();
    for name in &shown {
        ensure!(
            known.iter().any(|known| known == name),
            "{name} is not documented"
        );
    }
    for name in &known {
        // There was no reload.
        ensure!(
            shown.contains(&name.as_str()) || name.contains("reload"),
            "{name} is not shown"
        );
    }
    controller.terminate()?;
    Ok(())
}

#[test]
fn one_path_is_answered_by_one_method_in_two_formats() -> Result<()> {
    let lab = Lab::without_services()?;
    let host = &lab.topology.host;
    let _controller = lab.synguard.attach(&["--metrics", TARGET])?;
    let (code, _) = ask(host, "/", &[])?;
    ensure!(code == "404", "{code}");
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let (code, answer) = ask(host, "/metrics", &["--request", method])?;
        ensure!(
            code == "405" && answer.to_lowercase().contains("allow: get"),
            "{answer}"
        );
    }
    let (_, text) = ask(host, "/metrics", &[])?;
    ensure!(
        text.contains("content-type: text/plain; version=0.0.4"),
        "{text}"
    );
    ensure!(
        text.contains("# TYPE synguard_packets_total counter"),
        "{text}"
    );
    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    let (_, open) = ask(host, "/metrics", &["--header", accept])?;
    ensure!(
        open.contains("content-type: application/openmetrics-text"),
        "{open}"
    );
    ensure!(open.trim_end().ends_with("# EOF"), "{open}");
    // Prometheus' own judgement of names, types and helps.
    let mut judge = Command::new("sh");
    let folder = tempfile::tempdir()?;
    let body = folder.path().join("metrics");
    fs::write(&body, text.split_once("\r\n\r\n").context("no body")?.1)?;
    judge
        .args(["-c", "promtool check metrics < \"$0\""])
        .arg(&body);
    let judged = program::output(&mut judge)?;
    let said = String::from_utf8_lossy(&judged.stderr).into_owned();
    ensure!(judged.status.success() && said.is_empty(), "{said}");
    Ok(())
}

#[test]
fn only_loopback_is_listened_at() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&["--metrics", PORT])?;
    scrape(&lab.topology.host)?;
    let from_outside = lab.topology.internet.inside(|| {
        let address = (HOST, PORT.parse().unwrap_or_default()).into();
        TcpStream::connect_timeout(&address, Duration::from_secs(3)).is_ok()
    })?;
    ensure!(!from_outside);
    ensure!(!controller.text().contains("no password"));
    controller.terminate()?;
    let everywhere = format!("0.0.0.0:{PORT}");
    let controller = lab.synguard.attach(&["--metrics", &everywhere])?;
    controller.wait_for("there is no password")?;
    Ok(())
}

#[test]
fn who_says_nothing_keeps_nobody_else_waiting_for_ever() -> Result<()> {
    let lab = Lab::without_services()?;
    let host = &lab.topology.host;
    let controller = lab.synguard.attach(&["--metrics", PORT])?;
    // More than are served at once.
    let silent = host.inside(|| {
        let connect = |_| TcpStream::connect(TARGET);
        (0..120).map(connect).collect::<std::io::Result<Vec<_>>>()
    })??;
    let begun = Instant::now();
    scrape(host)?;
    ensure!(begun.elapsed() < PROMETHEUS_WAITS, "{:?}", begun.elapsed());
    drop(silent);
    flood(&lab, VICTIMS[0])?;
    controller.wait_for("promoted")?;
    Ok(())
}

fn occupy(host: &Namespace, address: &str) -> Result<TcpListener> {
    host.inside(|| TcpListener::bind(address))?
        .with_context(|| format!("binding {address}"))
}

/// Frees a port. A child that another case is just about to start may hold it for a moment.
fn vacate(host: &Namespace, listener: TcpListener) -> Result<()> {
    let address = listener.local_addr()?;
    drop(listener);
    wait::until_true("nobody to listen", wait::GENEROUS, || {
        host.inside(|| TcpStream::connect(address).is_err())
            .unwrap_or(false)
    })
}

#[test]
fn where_somebody_else_listens_nothing_is_attached() -> Result<()> {
    let lab = Lab::without_services()?;
    let _other = occupy(&lab.topology.host, TARGET)?;
    let uplink = &lab.synguard.uplink;
    let refused = lab.synguard.run(&["attach", uplink, "--metrics", PORT])?;
    ensure!(refused.code == FAILED, "{refused:?}");
    ensure!(
        refused.stderr.contains(&format!("listening at {TARGET}")),
        "{refused:?}"
    );
    ensure!(refused.stderr.contains("--metrics"), "{refused:?}");
    ensure_untouched(&lab)?;
    // Nor is one that is no address of this host.
    let refused = lab
        .synguard
        .run(&["attach", uplink, "--metrics", "203.0.113.7:9788"])?;
    ensure!(refused.code == FAILED, "{refused:?}");
    for wrong in ["on", "0", "localhost:1"] {
        let refused = lab.synguard.run(&["attach", uplink, "--metrics", wrong])?;
        ensure!(refused.code == Some(2), "{refused:?}");
    }
    ensure_untouched(&lab)
}

#[test]
fn a_reload_moves_them_or_says_why_not() -> Result<()> {
    let lab = Lab::without_services()?;
    let (synguard, host) = (&lab.synguard, &lab.topology.host);
    let settings = file("metrics = 9787\n")?;
    let controller = synguard.attach(&["--config", path(&settings)?])?;
    ensure!(scrape(host).is_err());
    let other = occupy(host, TARGET)?;
    fs::write(&settings, "metrics = 9788\n")?;
    let reload = synguard.succeed(&["reload"])?;
    ensure!(
        reload.stderr.contains("not changed: metrics: listening at"),
        "{reload:?}"
    );
    program::run(&mut curl(
        host,
        "http://127.0.0.1:9787/metrics",
        &["--fail"],
    ))?;
    vacate(host, other)?;
    let reload = synguard.succeed(&["reload"])?;
    ensure!(reload.stderr.contains("metrics is 9788"), "{reload:?}");
    let told = scrape(host)?;
    ensure!(sum(&told, "synguard_last_reload_successful", &[])? == 1.0);
    wait::until_true("the old port to be closed", wait::GENEROUS, || {
        program::run(&mut curl(host, "http://127.0.0.1:9787/metrics", &[])).is_err()
    })?;
    fs::write(&settings, "metrics = \"off\"\n")?;
    synguard.succeed(&["reload"])?;
    wait::until_true("the port to be closed", wait::GENEROUS, || {
        scrape(host).is_err()
    })?;
    controller.terminate()?;
    Ok(())
}

#[test]
fn a_flood_of_a_million_sources_costs_a_scrape_nothing() -> Result<()> {
    const SPOOFED: u64 = 1_000_000;
    let lab = Lab::without_services()?;
    let (synguard, host) = (&lab.synguard, &lab.topology.host);
    let _controller = synguard.attach(&["--metrics", PORT, "--max-sources", "1000000"])?;
    let before = scrape(host)?;
    let crowd = Crowd::start(&lab.topology, CONTAINER.into(), 200_000)?;
    let mut took = Vec::new();
    let end = Instant::now() + 2 * wait::GENEROUS;
    let told = loop {
        let begun = Instant::now();
        let told = scrape(host)?;
        took.push(begun.elapsed());
        if sum(&told, "synguard_syns_total", &[])? >= SPOOFED as f64 {
            break told;
        }
        if Instant::now() > end {
            bail!("too few SYNs arrived: {told:#?}");
        }
    };
    crowd.stop()?;
    took.sort();
    let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    println!(
        "{} scrapes during a flood, curl included: {median:?} the median, {slowest:?} the slowest",
        took.len()
    );
    ensure!(median < SLOW, "{median:?}");
    ensure!(
        told.keys().eq(before.keys()),
        "the flood made series: {told:#?}"
    );
    ensure!(sum(&told, "synguard_spoofed_flood", &[])? == 1.0);
    // The controller looked at the interface all the time.
    let looked = sum(
        &told,
        "synguard_controller_last_look_timestamp_seconds",
        &[],
    )?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    ensure!(now.as_secs_f64() - looked < 5.0, "{looked}");
    Ok(())
}
