//! A busy client: real wrk, every request a connection of its own.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{ChildStdout, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::address::HOST;
use crate::namespace::Namespace;
use crate::program::{self, Guarded};
use crate::topology::{PROVIDER_END, Topology};

/// Bounds of every run.
const MAX_CONNECTIONS: u16 = 1_000;
const MAX_SECONDS: &str = "120s";
/// No request is given up before that: a SYN that was dropped is sent again
/// after one, three and seven seconds, and that is late but not lost.
const PATIENCE: &str = "60s";

/// A running wrk; dropping this kills it.
#[derive(Debug)]
pub struct Wrk {
    process: Guarded,
    output: ChildStdout,
}

/// What wrk says in the end.
#[derive(Debug, Clone)]
pub struct Report {
    /// Requests answered, each over a connection of its own.
    pub requests: u64,
    /// Everything it said.
    pub text: String,
}

impl Wrk {
    /// Starts to fetch pages from a server, over so many connections at a time:
    /// all of them are opened at once at first.
    ///
    /// # Errors
    /// When that is beyond the lab's bounds, or wrk is missing.
    pub fn start(client: &Namespace, server: IpAddr, connections: u16) -> Result<Self> {
        ensure!(connections <= MAX_CONNECTIONS, "beyond the lab's bounds");
        let mut command = client.command("wrk");
        command.args(["--threads", "1", "--duration", MAX_SECONDS]);
        command.args(["--timeout", PATIENCE]);
        command.args(["--header", "Connection: close"]);
        command.arg("--connections").arg(connections.to_string());
        command.arg(format!("http://{}/", SocketAddr::new(server, 80)));
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = program::spawn(&mut command)?;
        let output = process.child().stdout.take().context("no stdout")?;
        Ok(Self { process, output })
    }

    /// Ends it, as Ctrl-C does, and gives its report.
    ///
    /// # Errors
    /// When it has ended before.
    pub fn stop(mut self) -> Result<Report> {
        self.process.signal(Signal::INT)?;
        let mut text = String::new();
        self.output.read_to_string(&mut text)?;
        let status = self.process.child().wait()?;
        ensure!(status.success(), "wrk: {status}: {text}");
        Report::parse(text)
    }
}

impl Report {
    fn parse(text: String) -> Result<Self> {
        let requests = text.lines().find_map(|line| {
            let (count, _) = line.trim().split_once(" requests in ")?;
            count.parse().ok()
        });
        let requests = requests.with_context(|| format!("wrk says no number: {text}"))?;
        Ok(Self { requests, text })
    }

    /// True when no connection failed and every answer was a page: wrk has
    /// lines for these only where there is something to tell.
    pub fn is_flawless(&self) -> bool {
        let flaws = ["Socket errors", "Non-2xx"];
        self.requests > 0 && !flaws.iter().any(|flaw| self.text.contains(flaw))
    }
}

/// wrk cannot be told which address to use, so the route to the home server
/// says it: from now on what does not choose an address of its own in
/// `internet` comes from `client`.
pub fn come_from(topology: &Topology, client: Ipv4Addr) -> Result<()> {
    topology.internet.batch(&[format!(
        "route replace 192.168.0.0/24 via {HOST} dev {PROVIDER_END} src {client}"
    )])
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
Running 5s test @ http://192.168.0.2/
  1 threads and 10 connections
  54803 requests in 5.00s, 8.31MB read
Requests/sec:  10954.27
";

    #[test]
    fn reports_are_read() -> Result<()> {
        let report = Report::parse(REPORT.to_owned())?;
        assert_eq!(report.requests, 54_803);
        assert!(report.is_flawless());
        let errors = "  Socket errors: connect 0, read 3, write 0, timeout 0\n";
        assert!(!Report::parse(REPORT.to_owned() + errors)?.is_flawless());
        Ok(())
    }
}
