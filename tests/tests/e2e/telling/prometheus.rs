//! The alert rules and the dashboard that are shipped, before the real Prometheus.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use synguard_tests::address::CONTAINER;
use synguard_tests::crowd::Crowd;
use synguard_tests::lab::Lab;
use synguard_tests::program;
use synguard_tests::prometheus::{Prometheus, RULES};
use synguard_tests::wait;

const DASHBOARD: &str = include_str!("../../../../contrib/grafana/synguard.json");
const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/prometheus/rules.test.yml");

/// The dashboard's expressions, as Grafana would send them with all variables left alone.
fn expressions() -> Result<Vec<String>> {
    let dashboard: Value = serde_json::from_str(DASHBOARD)?;
    let panels = dashboard["panels"].as_array().context("no panels")?;
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let expressions = targets
        .flatten()
        .filter_map(|target| target["expr"].as_str());
    Ok(expressions
        .map(|expression| {
            expression
                .replace("$instance", ".+")
                .replace("$interface", ".+")
                .replace("$__rate_interval", "1m")
        })
        .collect())
}

/// The names of SynGuard's metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| word.starts_with("synguard_"));
    names.map(str::to_owned).collect()
}

#[test]
fn the_rules_are_rules_and_fire_when_they_should() -> Result<()> {
    program::run(Command::new("promtool").args(["check", "rules", RULES]))?;
    program::run(Command::new("promtool").args(["test", "rules", TESTS]))?;
    Ok(())
}

#[test]
fn rules_and_dashboard_name_what_there_is() -> Result<()> {
    let known: BTreeSet<_> = synguard::metrics::sample()
        .iter()
        .map(synguard::metrics::Family::name)
        .collect();
    let rules = std::fs::read_to_string(RULES)?;
    let expressions = rules.lines().filter(|line| !line.starts_with('#'));
    let in_rules = names(&expressions.collect::<Vec<_>>().join("\n"));
    ensure!(
        in_rules.len() > 10 && in_rules.is_subset(&known),
        "{in_rules:#?}"
    );
    let in_dashboard = names(&expressions_text()?);
    ensure!(
        in_dashboard.len() > 10 && in_dashboard.is_subset(&known),
        "{in_dashboard:#?}"
    );
    Ok(())
}

fn expressions_text() -> Result<String> {
    Ok(expressions()?.join("\n"))
}

#[test]
fn the_dashboard_is_one_that_can_be_imported() -> Result<()> {
    let dashboard: Value = serde_json::from_str(DASHBOARD)?;
    ensure!(
        dashboard["schemaVersion"]
            .as_u64()
            .is_some_and(|version| version >= 36)
    );
    let variables = dashboard["templating"]["list"]
        .as_array()
        .context("no variables")?;
    ensure!(variables[0]["type"] == "datasource" && variables[0]["query"] == "prometheus");
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().context("no panels")? {
        ensure!(panel["datasource"]["uid"] == "${datasource}", "{panel:#}");
        ensure!(ids.insert(panel["id"].as_u64()), "{panel:#}");
        let place = &panel["gridPos"];
        let right = place["x"].as_u64().zip(place["w"].as_u64());
        ensure!(right.is_some_and(|(x, w)| x + w <= 24), "{panel:#}");
    }
    Ok(())
}

#[test]
fn a_flood_raises_an_alert_and_fills_the_dashboard() -> Result<()> {
    let lab = Lab::without_services()?;
    let _controller = lab.synguard.attach(&["--metrics", "9788"])?;
    let prometheus = Prometheus::start(&lab.topology.host, "127.0.0.1:9788")?;
    wait::until_true("a scrape", wait::GENEROUS, || {
        let up = prometheus.query("up{job=\"synguard\"} == 1");
        up.is_ok_and(|series| series.len() == 1)
    })?;
    ensure!(
        prometheus.firing()?.is_empty(),
        "{:#?}",
        prometheus.firing()?
    );
    let crowd = Crowd::start(&lab.topology, CONTAINER.into(), 2_000)?;
    let alert = prometheus.wait_for_alert("SynguardSpoofedFlood")?;
    ensure!(
        alert["labels"]["interface"] == *lab.synguard.uplink,
        "{alert:#}"
    );
    let summary = alert["annotations"]["summary"]
        .as_str()
        .context("no summary")?;
    ensure!(
        summary.contains(&format!("`synguard status {}`", lab.synguard.uplink)),
        "{summary}"
    );
    for expression in expressions()? {
        wait::until(&expression, wait::GENEROUS, || {
            match prometheus.query(&expression) {
                Ok(series) if series.is_empty() => None,
                Ok(_) => Some(Ok(())),
                Err(error) => Some(Err(error)),
            }
        })??;
    }
    let syns = prometheus.query("sum(rate(synguard_syns_total[1m])) > 0")?;
    ensure!(syns.len() == 1);
    crowd.stop()?;
    Ok(())
}
