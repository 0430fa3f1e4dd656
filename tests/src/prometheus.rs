//! The real Prometheus, in the host namespace, scraping SynGuard over loopback with the
//! rules that are shipped.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::namespace::Namespace;
use crate::program::{self, Guarded};
use crate::wait;

/// The rules as they are shipped.
pub const RULES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../contrib/prometheus/synguard.rules.yml"
);
/// Where it listens, in a namespace of which nobody else knows.
const OWN: &str = "127.0.0.1:9090";

/// A running server; dropping it ends it and removes its files.
#[derive(Debug)]
pub struct Prometheus {
    // Order matters: the process ends before its folder goes.
    _server: Guarded,
    _folder: TempDir,
    host: Namespace,
}

impl Prometheus {
    /// Starts it, and returns once it answers.
    ///
    /// # Errors
    /// Where it is not installed, or does not come up.
    pub fn start(host: &Namespace, target: &str) -> Result<Self> {
        let folder = TempDir::new()?;
        let configuration = folder.path().join("prometheus.yml");
        fs::write(&configuration, configured(target))?;
        let mut command = host.command("prometheus");
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={OWN}"))
            .arg("--log.level=warn");
        let prometheus = Self {
            _server: program::spawn(&mut command)?,
            _folder: folder,
            host: host.clone(),
        };
        wait::until_true("Prometheus", wait::GENEROUS, || {
            prometheus.query("vector(1)").is_ok()
        })?;
        Ok(prometheus)
    }

    /// The series that an expression gives now.
    ///
    /// # Errors
    /// Where Prometheus does not take it.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let answer = self.ask(
            "query",
            &["--data-urlencode", &format!("query={expression}")],
        )?;
        ensure!(answer["status"] == "success", "{expression}: {answer:#}");
        let series = answer["data"]["result"].as_array();
        Ok(series.context("no result")?.clone())
    }

    /// The alerts that fire now, as Prometheus shows them.
    ///
    /// # Errors
    /// Where it does not answer.
    pub fn firing(&self) -> Result<Vec<Value>> {
        let answer = self.ask("alerts", &["--get"])?;
        let alerts = answer["data"]["alerts"].as_array().context("no alerts")?;
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        Ok(firing.cloned().collect())
    }

    /// Waits for an alert to fire.
    ///
    /// # Errors
    /// Where it does not; with those that do.
    pub fn wait_for_alert(&self, name: &str) -> Result<Value> {
        let what = format!("the alert {name}");
        wait::until(&what, 2 * wait::GENEROUS, || {
            let mut firing = self.firing().ok()?.into_iter();
            firing.find(|alert| alert["labels"]["alertname"] == name)
        })
        .with_context(|| format!("{:#?}", self.firing()))
    }

    fn ask(&self, what: &str, more: &[&str]) -> Result<Value> {
        let mut command: Command = self.host.command("curl");
        command.args(["-q", "--noproxy", "*", "--silent", "--show-error"]);
        command.args(["--max-time", "20"]).args(more);
        command.arg(format!("http://{OWN}/api/v1/{what}"));
        Ok(serde_json::from_str(&program::run(&mut command)?)?)
    }
}

/// The job is named as the rules want it.
fn configured(target: &str) -> String {
    let rules = Path::new(RULES).display();
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: [\"{rules}\"]\n\
         scrape_configs:\n  - job_name: synguard\n    static_configs: [{{targets: [\"{target}\"]}}]\n"
    )
}
