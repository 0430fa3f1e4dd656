//! How legitimate clients fare during a flood.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use synguard_tests::address::{CONTAINER, hardware};
use synguard_tests::interrupt;
use synguard_tests::services::Services;

use super::client;
use super::receiver::{Bench, Kind};
use crate::flood::{self, From};
use crate::frames;
use crate::kernel::FRAME;
use crate::lists::BLOCKED;
use crate::names::{CLIENTS as PAGES, CONNECT, FLOOD, scenario, subject as who};
use crate::report::Results;
use crate::stats::{Summary, percentile};

/// More than one core of this kernel answers, and less than XDP drops.
const FLOOD_PER_SECOND: u32 = 300_000;
const CLIENTS: usize = 4;
const SAMPLE: Duration = Duration::from_secs(3);
/// A round takes so long that a third of the others' must do.
const ROUNDS_DIVISOR: u16 = 3;
const PORT: u16 = 80;

/// How the container treats a full queue of half-open connections: never,
/// when it is full, or always with SYN cookies.
const COOKIES: [(&str, &str); 3] = [("0", "off"), ("1", "when full"), ("2", "always")];
/// What kernels do unless told otherwise, and what challenges need.
const USUAL: &str = "1";
const ALWAYS: &str = "2";

/// One situation that clients are in.
struct Setting {
    subject: String,
    bench: usize,
    cookies: &'static str,
    flood: Option<From>,
    rounds: Vec<Fared>,
    failure: Option<String>,
}

/// How the clients of one round fared.
struct Fared {
    served: f64,
    connect: Waits,
    page: Waits,
    flood: Option<Flood>,
}

/// What came of the flood meanwhile.
#[derive(Clone, Copy)]
struct Flood {
    /// SYNs per second.
    arrived: f64,
    /// Frames lost between the two ends of the uplink, of a million SYNs.
    lost: f64,
}

/// Milliseconds: the median, and the 99th percentile.
type Waits = [Option<f64>; 2];

/// Measures all settings, in turn.
pub fn measure(rounds: u16, results: &mut Results) -> Result<()> {
    eprintln!("==> Legitimate clients: setting up");
    let mut benches = set_up(results)?;
    let mut settings = settings(&benches);
    eprintln!("==> Legitimate clients: measuring");
    let rounds = rounds.div_ceil(ROUNDS_DIVISOR);
    for round in 1..=rounds {
        eprintln!("    round {round} of {rounds}");
        for setting in &mut settings {
            ensure!(!interrupt::requested(), "interrupted");
            let (bench, _) = &mut benches[setting.bench];
            match sample(bench, setting.cookies, setting.flood) {
                Ok(fared) => setting.rounds.push(fared),
                Err(error) => setting.failure = Some(format!("{error:#}")),
            }
        }
    }
    for setting in &settings {
        report(setting, results);
    }
    Ok(())
}

fn set_up(results: &mut Results) -> Result<Vec<(Bench, Services)>> {
    let kinds = [
        Kind::Nobody,
        Kind::Generic,
        Kind::Native,
        Kind::Synguard,
        Kind::XdpFilter,
        Kind::Nft,
        Kind::Iptables,
    ];
    let mut benches = Vec::new();
    for kind in kinds {
        match serving(kind) {
            Ok(bench) => benches.push(bench),
            Err(error) => results.lacks(format!("{}: {error:#}", kind.subject())),
        }
    }
    Ok(benches)
}

fn serving(kind: Kind) -> Result<(Bench, Services)> {
    let mut bench = Bench::new(kind)?;
    bench.sender.pace(FLOOD_PER_SECOND)?;
    client::move_in(&bench.topology)?;
    let container = &bench.topology.container;
    container.sysctl("ipv4/tcp_syncookies", ALWAYS)?;
    container.sysctl("ipv4/tcp_timestamps", "2")?;
    let services = Services::web(&bench.topology)?;
    bench.wait()?;
    Ok((bench, services))
}

fn settings(benches: &[(Bench, Services)]) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (number, (bench, _)) in benches.iter().enumerate() {
        let mut add = |subject: String, cookies, flood| {
            settings.push(Setting {
                subject,
                bench: number,
                cookies,
                flood,
                rounds: Vec::new(),
                failure: None,
            });
        };
        let name = bench.kind.subject();
        if matches!(bench.kind, Kind::Generic | Kind::Native) {
            add(name.to_owned(), ALWAYS, None);
            add(name.to_owned(), ALWAYS, Some(From::Anyone));
        } else if bench.kind == Kind::Nobody {
            add(name.to_owned(), USUAL, None);
            for (cookies, meaning) in COOKIES {
                let subject = format!("{}, SYN cookies {meaning}", who::KERNEL);
                add(subject.clone(), cookies, Some(From::One));
                add(subject, cookies, Some(From::Anyone));
            }
        } else {
            add(name.to_owned(), USUAL, Some(From::One));
            add(name.to_owned(), USUAL, Some(From::Anyone));
        }
    }
    settings
}

fn sample(bench: &mut Bench, cookies: &str, flood: Option<From>) -> Result<Fared> {
    bench
        .topology
        .container
        .sysctl("ipv4/tcp_syncookies", cookies)?;
    let Some(from) = flood else {
        return ask(bench);
    };
    bench.sender.aim(&template(from)?)?;
    let bench = &*bench;
    let received = flood::received(&bench.topology)?;
    let lost = flood::lost(&bench.topology)?;
    let stop = AtomicBool::new(false);
    let (fared, sent) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| bench.sender.until(from, &stop));
        let fared = ask(bench);
        stop.store(true, Ordering::Relaxed);
        let sent = flood
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (fared, sent)
    });
    let (fared, sent) = (fared?, sent?);
    // What a receiver that is too slow loses is part of how clients fare.
    let received = flood::received(&bench.topology)? - received;
    ensure!(
        received * 2 > sent.frames,
        "of {} frames only {received} came through",
        sent.frames
    );
    // Clients' frames are among them, and some of those may be lost.
    let lost = 1e6 * (flood::lost(&bench.topology)? - lost) as f64 / sent.frames as f64;
    let arrived = received.min(sent.frames) as f64 / sent.time.as_secs_f64();
    Ok(Fared {
        flood: Some(Flood { arrived, lost }),
        ..fared
    })
}

fn template(from: From) -> Result<[u8; FRAME]> {
    match from {
        From::One => frames::from_one(hardware::UPLINK, BLOCKED, CONTAINER, PORT),
        From::Anyone => frames::spoofed(hardware::UPLINK, CONTAINER, PORT),
    }
}

/// Lets several clients ask at a time.
fn ask(bench: &Bench) -> Result<Fared> {
    let answers = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| client::ask(&bench.topology, SAMPLE)))
            .collect();
        let mut all = Vec::new();
        for client in clients {
            let answers = client
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.extend(answers?);
        }
        anyhow::Ok(all)
    })?;
    let served: Vec<_> = answers.iter().flatten().collect();
    Ok(Fared {
        served: 100.0 * served.len() as f64 / answers.len().max(1) as f64,
        connect: waits(served.iter().map(|served| served.connected)),
        page: waits(served.iter().map(|served| served.whole)),
        flood: None,
    })
}

fn waits(waits: impl Iterator<Item = Duration>) -> Waits {
    let waits: Vec<_> = waits.map(|wait| wait.as_secs_f64() * 1e3).collect();
    [50, 99].map(|percent| percentile(&waits, percent))
}

fn report(setting: &Setting, results: &mut Results) {
    let situation = match setting.flood {
        None => scenario::QUIET,
        Some(From::One) => scenario::ONE_SOURCE,
        Some(From::Anyone) => scenario::ANYONE,
    };
    if let Some(failure) = &setting.failure {
        results.lacks(format!("{}, {situation}: {failure}", setting.subject));
    }
    let mut add = |table, what: &str, unit, value: fn(&Fared) -> Option<f64>| {
        let samples: Vec<_> = setting.rounds.iter().filter_map(value).collect();
        if let Some(summary) = Summary::of(&samples) {
            let scenario = format!("{situation}: {what}");
            results.add(table, &setting.subject, &scenario, unit, summary);
        }
    };
    add(PAGES, scenario::SERVED, "%", |fared| Some(fared.served));
    add(PAGES, scenario::MEDIAN, "ms", |fared| fared.page[0]);
    add(PAGES, scenario::SLOW, "ms", |fared| fared.page[1]);
    add(CONNECT, scenario::MEDIAN, "ms", |fared| fared.connect[0]);
    add(CONNECT, scenario::SLOW, "ms", |fared| fared.connect[1]);
    add(FLOOD, scenario::ARRIVED, "SYNs/s", |fared| {
        Some(fared.flood?.arrived)
    });
    add(FLOOD, scenario::LOST, "ppm", |fared| {
        Some(fared.flood?.lost)
    });
}
