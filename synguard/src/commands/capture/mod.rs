//! `synguard capture`.

mod output;

use std::io::{IsTerminal as _, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use self::output::Output;
use super::{say, targets};
use crate::capture::{Captured, Scale, WallClock, comment, filter, line};
use crate::cli::{self, version};
use crate::dataplane::{Capture, Missed, Pins};
use crate::error::Context as _;
use crate::{Error, Result, pcap, text};

/// How often the packet path is asked to go on, and readers are looked after.
const RENEW_EVERY: Duration = Duration::from_secs(1);
const STANDARD_OUTPUT: &str = "-";

pub(super) async fn run(args: &cli::Capture) -> Result<()> {
    refuse_terminal(args)?;
    let pins = target(args)?;
    let mut stop = Stop::new()?;
    let mut capture = Capture::begin(
        &pins,
        filter(args.source.as_ref(), &args.reasons),
        args.rate,
    )?;
    let mut output = Output::open(args.write.as_deref())?;
    let mut session = Session {
        args,
        scale: Scale::of(&capture.settings()?),
        clock: WallClock::now(),
        begun: Instant::now(),
        captured: 0,
        unwritten: 0,
    };
    session.introduce(&mut output)?;
    let ended = session.follow(&mut capture, &mut output, &mut stop).await;
    let missed = capture.missed();
    drop(capture);
    let written = output.finish().await;
    session.sum_up(missed.unwrap_or_default());
    ended.and(written)
}

fn target(args: &cli::Capture) -> Result<Pins> {
    let mut pins = targets::attached(Some(&args.interface))?;
    pins.pop()
        .ok_or_else(|| Error::Absent(format!("{} is not attached", args.interface)))
}

fn refuse_terminal(args: &cli::Capture) -> Result<()> {
    if args.write.as_deref() == Some(Path::new(STANDARD_OUTPUT)) && stdout().is_terminal() {
        return Err(Error::Usage(
            "a capture is nothing for a terminal: pipe it (`… -w - | wireshark -k -i -`), name a \
             file (`-w flood.pcapng`), or leave -w out for text"
                .to_owned(),
        ));
    }
    Ok(())
}

/// One capture under way.
struct Session<'a> {
    args: &'a cli::Capture,
    scale: Scale,
    clock: WallClock,
    begun: Instant,
    captured: u64,
    /// Left out as whoever reads does not read fast enough.
    unwritten: u64,
}

impl Session<'_> {
    fn introduce(&self, output: &mut Output) -> Result<()> {
        let (name, rate) = (&self.args.interface, self.args.rate);
        say(&format!(
            "capturing on {name}, at most {}/s; Ctrl-C ends it",
            text::count(rate.into(), "packet", "packets")
        ));
        if self.args.write.is_none() {
            return Ok(());
        }
        let program = format!("synguard {}", version());
        let snap_len = u32::try_from(synguard_common::abi::SNAP).unwrap_or(u32::MAX);
        let what = format!("packets as {program} decided about them on {name}");
        output.offer(pcap::begin(&program, name, snap_len, &what)?);
        Ok(())
    }

    /// Until somebody has had enough.
    async fn follow(
        &mut self,
        capture: &mut Capture,
        output: &mut Output,
        stop: &mut Stop,
    ) -> Result<()> {
        let mut renew = interval(RENEW_EVERY);
        renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.has_enough() {
            tokio::select! {
                () = stop.wait() => break,
                () = output.ended() => break,
                samples = capture.next() => {
                    let clock = self.clock;
                    let packets = samples?;
                    for packet in packets.iter().filter_map(|sample| Captured::read(sample, &clock)) {
                        self.take(&packet, output)?;
                    }
                }
                _ = renew.tick() => {
                    capture.renew()?;
                    self.clock = self.clock.renewed(WallClock::now());
                    self.scale = Scale::of(&capture.settings()?);
                    if output.has_no_reader() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn has_enough(&self) -> bool {
        self.args.count.is_some_and(|count| self.captured >= count)
    }

    fn take(&mut self, packet: &Captured, output: &mut Output) -> Result<()> {
        if self.has_enough() {
            return Ok(());
        }
        let bytes = if self.args.write.is_some() {
            pcap::packet(&pcap::Written {
                time: packet.time,
                bytes: &packet.bytes,
                wire_len: packet.wire_len,
                comment: &comment(packet, &self.scale),
            })?
        } else {
            format!("{}\n", line(packet, &self.scale)).into_bytes()
        };
        if output.offer(bytes) {
            self.captured += 1;
        } else {
            self.unwritten += 1;
        }
        Ok(())
    }

    fn sum_up(&self, missed: Missed) {
        let mut left_out = Vec::new();
        if missed.over_rate > 0 {
            left_out.push(format!(
                "{} over the rate of {}/s (--rate)",
                missed.over_rate, self.args.rate
            ));
        }
        let unread = missed.unread + self.unwritten;
        if unread > 0 {
            left_out.push(format!("{unread} not read fast enough"));
        }
        say(&format!(
            "captured {} in {}; left out: {}",
            text::count(self.captured, "packet", "packets"),
            text::duration(self.begun.elapsed()),
            if left_out.is_empty() {
                "none".to_owned()
            } else {
                left_out.join(", ")
            },
        ));
    }
}

/// Ctrl-C, SIGTERM, and the end of an ssh session.
struct Stop([Signal; 3]);

impl Stop {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
