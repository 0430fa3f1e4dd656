//! Attaching: load, pin, take over what is already there.

use std::time::{SystemTime, UNIX_EPOCH};

use aya::Ebpf;
use aya::programs::{TestRun as _, TestRunOptions};
use synguard_common::abi::Attachment;

use super::maps::Maps;
use super::pins::{Lock, Pins};
use super::tracepoint::{self, Offsets};
use super::{kernel_log, link, object};
use crate::clock::Clock;
use crate::error::Context as _;
use crate::interface::Interface;
use crate::settings::Settings;
use crate::{Error, Result};

/// An attached interface, with this process as its controller.
pub struct Attached {
    /// Where everything is pinned.
    pub pins: Pins,
    /// The maps.
    pub maps: Maps,
    /// The clock of the maps' ticks.
    pub clock: Clock,
    /// What came of attaching.
    pub facts: Facts,
    /// Keeps what cannot be pinned on old kernels.
    _ebpf: Ebpf,
    _lock: Lock,
}

/// What came of attaching, for the log.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whether the driver runs the program.
    pub native: bool,
    /// Whether a running filter was taken over.
    pub taken_over: bool,
    /// What works less well than it could, and why.
    pub shortfalls: Vec<String>,
}

/// Puts the filter on an interface, or takes over the one that is there without
/// letting a packet through unfiltered. Within a tokio runtime.
///
/// # Errors
///
/// Whatever is in the way; then nothing has changed.
pub fn attach(interface: &Interface, settings: &Settings, log_level: u8) -> Result<Attached> {
    if !interface.ethernet {
        return Err(Error::Unsupported(format!(
            "{} carries no Ethernet frames (link type {}): attach to the interface below it",
            interface.name, interface.link_layer
        )));
    }
    let pins = Pins::of(&interface.name);
    let held = link::holds(&pins, interface);
    if let Some(xdp) = interface.xdp.filter(|_| !held) {
        return Err(link::foreign(interface, xdp.id));
    }
    let lock = pins.lock_controller()?;
    let known = pins.exist();
    if known {
        Maps::open(&pins)?;
    } else {
        pins.remove()?;
    }
    pins.create()?;
    let job = Job {
        interface,
        settings,
        log_level,
        pins: &pins,
        known,
        held,
    };
    match job.run() {
        Ok((ebpf, maps, clock, facts)) => Ok(Attached {
            pins,
            maps,
            clock,
            facts,
            _ebpf: ebpf,
            _lock: lock,
        }),
        Err(error) => {
            if !known {
                pins.remove()?;
            }
            Err(error)
        }
    }
}

/// One attachment in the making.
struct Job<'a> {
    interface: &'a Interface,
    settings: &'a Settings,
    log_level: u8,
    pins: &'a Pins,
    /// Maps are already pinned.
    known: bool,
    /// The pinned link is alive on this interface.
    held: bool,
}

impl Job<'_> {
    fn run(&self) -> Result<(Ebpf, Maps, Clock, Facts)> {
        let offsets = Offsets::read();
        let mut ebpf = object::load(Some(self.pins), offsets.as_ref().ok(), self.log_level)?;
        if self.log_level > 0 {
            kernel_log::forward(&mut ebpf)?;
        }
        let mut maps = Maps::open_pinned(self.pins)?;
        object::clock(&mut ebpf)?;
        let clock = Clock::calibrated(Clock::kernel_hz(), read_tick(&mut ebpf, &maps)?);
        let mut shortfalls = Vec::new();
        let native = self.put_filter(&mut ebpf, &mut maps, &clock, &mut shortfalls)?;
        let handshakes = self.put_tracepoint(&mut ebpf, offsets, &mut shortfalls);
        maps.set_attachment(self.attachment(&maps, &clock, native, handshakes)?)?;
        let facts = Facts {
            native,
            taken_over: self.held,
            shortfalls,
        };
        Ok((ebpf, maps, clock, facts))
    }

    /// Puts the program in place; says whether the driver runs it.
    fn put_filter(
        &self,
        ebpf: &mut Ebpf,
        maps: &mut Maps,
        clock: &Clock,
        shortfalls: &mut Vec<String>,
    ) -> Result<bool> {
        let filter = object::filter(ebpf)?;
        if filter != object::MULTI_BUFFER {
            shortfalls.push(
                "this kernel has no multi-buffer XDP (from Linux 5.18 on): \
                 native mode may refuse an MTU above one page"
                    .to_owned(),
            );
        }
        let program = object::xdp(ebpf, filter)?;
        // The settings must stand before the first packet comes.
        maps.set_settings(maps.counted(self.settings.for_kernel(clock))?)?;
        if self.held {
            link::replace(program, self.pins)?;
            return Ok(self.interface.xdp.is_some_and(|xdp| xdp.native));
        }
        if self.known {
            // Its interface is gone and came back: the old link holds nothing.
            self.pins.remove_link()?;
        }
        let attached = link::create(program, self.interface, self.settings.mode, self.pins)?;
        shortfalls.extend(attached.fallback.map(|why| {
            format!(
                "the driver does not run XDP natively ({why}): generic mode it is, which is slower"
            )
        }));
        Ok(attached.native)
    }

    /// Counts handshakes, if this kernel lets it; says whether it does.
    fn put_tracepoint(
        &self,
        ebpf: &mut Ebpf,
        offsets: Result<Offsets>,
        shortfalls: &mut Vec<String>,
    ) -> bool {
        let attached = offsets.and_then(|_| {
            self.pins.remove_handshake()?;
            tracepoint::attach(ebpf, self.pins)
        });
        if let Err(error) = &attached {
            shortfalls.push(format!(
                "completed handshakes cannot be counted ({error}): \
                 busy clients are told from floods by their rate alone"
            ));
        }
        attached.is_ok()
    }

    fn attachment(
        &self,
        maps: &Maps,
        clock: &Clock,
        native: bool,
        handshakes: bool,
    ) -> Result<Attachment> {
        let attached_at = match maps.attachment()?.attached_at {
            earlier if self.held && earlier != 0 => earlier,
            _ => unix_seconds(SystemTime::now()),
        };
        Ok(Attachment {
            attached_at,
            tick_offset: clock.offset,
            interface: self.interface.index,
            native: u32::from(native),
            handshakes: u32::from(handshakes),
            syn_rate: self.settings.syn_rate,
            ban_seconds: self.settings.ban_time.as_secs(),
        })
    }
}

/// Runs the clock program and reads what it wrote.
pub(super) fn read_tick(ebpf: &mut Ebpf, maps: &Maps) -> Result<u64> {
    let program = object::xdp(ebpf, object::CLOCK)?;
    // The least frame that the kernel takes: an Ethernet header.
    let (frame, mut out) = ([0; 14], [0; 14]);
    program
        .test_run(TestRunOptions {
            data_in: Some(&frame),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        })
        .context("reading the kernel's tick")?;
    maps.tick()
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
