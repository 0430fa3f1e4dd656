//! Legitimate clients: curl for the web, swaks for mail, each request a new
//! connection, from addresses of their own.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::address::{CLIENTS, CONTAINER, client, newcomer};
use crate::interrupt;
use crate::namespace::Namespace;
use crate::program;
use crate::services::DOMAIN;
use crate::tally::{Answer, Request, Tally};
use crate::topology::Topology;

/// For clients of which only the success matters, not the speed: what a
/// starved machine may take.
pub const PATIENT: Duration = Duration::from_secs(120);
/// For clients like people are. One lost SYN is sent again after one second,
/// a second one after three.
pub const IMPATIENT: Duration = Duration::from_secs(3);

/// Seven pages to three mails: the mix of every run.
const MIX: [Request; 10] = [
    Request::Http,
    Request::Https,
    Request::Mail,
    Request::Http,
    Request::Https,
    Request::Http,
    Request::Mail,
    Request::Https,
    Request::Http,
    Request::Mail,
];

/// `count` requests, web and mail mixed, `workers` at a time.
///
/// # Errors
/// When a client program is missing, or on Ctrl-C. A request that is not
/// served is no error: it is counted.
pub fn run(topology: &Topology, count: usize, workers: usize, patience: Duration) -> Result<Tally> {
    run_as(topology, 0..count, workers, patience, |number| {
        client(number % usize::from(CLIENTS))
    })
}

/// The same, each request from another address than all others: of somebody who never
/// connected before.
///
/// # Errors
/// As for [`run`].
pub fn run_newcomers(
    topology: &Topology,
    numbers: Range<u16>,
    workers: usize,
    patience: Duration,
) -> Result<Tally> {
    let numbers = numbers.start.into()..numbers.end.into();
    run_as(topology, numbers, workers, patience, |number| {
        newcomer(u16::try_from(number).unwrap_or(u16::MAX))
    })
}

fn run_as(
    topology: &Topology,
    numbers: Range<usize>,
    workers: usize,
    patience: Duration,
    address: impl Fn(usize) -> Ipv4Addr + Sync,
) -> Result<Tally> {
    let next = AtomicUsize::new(numbers.start);
    let tally = Mutex::new(Tally::default());
    let work = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return Ok(());
            }
            if interrupt::requested() {
                bail!("interrupted");
            }
            let request = MIX[number % MIX.len()];
            let answer = ask_from(topology, address(number), request, patience)?;
            tally.lock().expect("no holder panics").answers.push(answer);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    Ok(tally.into_inner().expect("no holder panics"))
}

/// One request to the container from the client with this number.
pub fn ask(
    topology: &Topology,
    number: usize,
    request: Request,
    patience: Duration,
) -> Result<Answer> {
    let from = client(number % usize::from(CLIENTS));
    ask_from(topology, from, request, patience)
}

fn ask_from(
    topology: &Topology,
    from: Ipv4Addr,
    request: Request,
    patience: Duration,
) -> Result<Answer> {
    let (internet, from) = (&topology.internet, from.into());
    match request {
        Request::Http => fetch(
            internet,
            from,
            request,
            &format!("http://{CONTAINER}/"),
            patience,
        ),
        Request::Https => fetch(
            internet,
            from,
            request,
            &format!("https://{CONTAINER}/"),
            patience,
        ),
        Request::Mail => hand_over_mail(internet, from, patience),
    }
}

/// One page by curl, from a given address.
pub fn fetch(
    namespace: &Namespace,
    from: IpAddr,
    request: Request,
    url: &str,
    patience: Duration,
) -> Result<Answer> {
    let mut command = namespace.command("curl");
    // No ~/.curlrc and no proxy from the environment: only the lab's network.
    command.args(["-q", "--noproxy", "*", "--silent", "--show-error"]);
    command.args(["--insecure", "--output", "/dev/null"]);
    command.args(["--write-out", "%{http_code} %{time_total} %{time_connect}"]);
    let patience = patience.as_secs().to_string();
    command.args(["--connect-timeout", &patience, "--max-time", &patience]);
    command.arg("--interface").arg(from.to_string()).arg(url);
    let (ended, detail, wall) = timed(&mut command)?;
    let mut words = detail.split_whitespace();
    let code = words.next().unwrap_or_default().to_owned();
    let mut seconds = || {
        let word = words.next()?.parse().ok()?;
        Duration::try_from_secs_f64(word).ok()
    };
    let (total, connected) = (seconds(), seconds());
    Ok(Answer {
        request,
        success: ended && code == "200",
        latency: total.unwrap_or(wall),
        connected,
        detail,
    })
}

fn hand_over_mail(namespace: &Namespace, from: IpAddr, patience: Duration) -> Result<Answer> {
    let mut command = namespace.command("swaks");
    command.arg("--server").arg(CONTAINER.to_string());
    command.arg("--local-interface").arg(from.to_string());
    command.args([
        "--helo",
        "client.example",
        "--from",
        "client@client.example",
    ]);
    command.arg("--to").arg(format!("owner@{DOMAIN}"));
    command.arg("--timeout").arg(patience.as_secs().to_string());
    let (success, detail, latency) = timed(&mut command)?;
    Ok(Answer {
        request: Request::Mail,
        success,
        latency,
        connected: None,
        detail,
    })
}

fn timed(command: &mut Command) -> Result<(bool, String, Duration)> {
    let start = Instant::now();
    let output = program::output(command)?;
    let mut detail = String::from_utf8_lossy(&output.stdout).into_owned();
    detail.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), detail, start.elapsed()))
}
