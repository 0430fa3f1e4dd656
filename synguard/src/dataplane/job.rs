//! One attachment in the making: load, put in place, count handshakes.

use std::time::SystemTime;

use aya::Ebpf;
use aya::programs::{TestRun as _, TestRunOptions};
use synguard_common::abi::{Attachment, Settings as KernelSettings, budget, dry_run};
use synguard_common::budget::Budget;

use super::attach::{Facts, namespace};
use super::foreign::Foreign;
use super::maps::Maps;
use super::pins::Pins;
use super::tracepoint::{self, Offsets};
use super::{kernel_log, link, object, staging, tell};
use crate::clock::{self, Clock};
use crate::error::Context as _;
use crate::interface::Interface;
use crate::settings::{Challenge, Mode, Settings};
use crate::{Error, Result};

/// What to attach, and what is there already.
pub(super) struct Job<'a> {
    pub(super) interface: &'a Interface,
    pub(super) settings: &'a Settings,
    pub(super) log_level: u8,
    /// Where the interface's filter is pinned.
    pub(super) home: &'a Pins,
    /// Where the maps are, or are made: elsewhere, where another build's are at home.
    pub(super) pins: &'a Pins,
    /// What the packet path was told so far, where maps of this build are pinned.
    pub(super) before: Option<KernelSettings>,
    /// The maps of another build.
    pub(super) foreign: Option<&'a Foreign>,
    /// The pinned link is alive on this interface.
    pub(super) held: bool,
    pub(super) restore: &'a Restore<'a>,
}

/// Fills new maps, whose settings stand, with what was saved; gives whether anything was.
pub type Restore<'a> = dyn Fn(&mut Maps, &Clock) -> bool + 'a;

/// A job done.
pub(super) struct Done {
    pub(super) ebpf: Ebpf,
    pub(super) filter: &'static str,
    pub(super) maps: Maps,
    pub(super) clock: Clock,
    pub(super) facts: Facts,
    /// What the packet path was told before, where a filter was taken over.
    pub(super) before: Option<KernelSettings>,
}

impl Job<'_> {
    pub(super) fn run(&self) -> Result<Done> {
        let offsets = Offsets::read();
        let mut ebpf = object::load(&object::Wanted {
            pins: Some(self.pins),
            offsets: offsets.as_ref().ok(),
            log_level: self.log_level,
            max_sources: self.capacity("SOURCES", self.settings.max_sources),
            max_rules: self.capacity("EXACT_V4", self.settings.max_rules),
        })?;
        if self.log_level > 0 {
            kernel_log::forward(&mut ebpf)?;
        }
        let mut maps = Maps::open_pinned(self.pins)?;
        maps.describe()?;
        object::clock(&mut ebpf)?;
        let clock = Clock::calibrated(Clock::kernel_hz(), read_tick(&mut ebpf, &maps)?);
        let mut shortfalls = Vec::new();
        self.other_sizes(&maps, &mut shortfalls);
        let filter = object::filter(&mut ebpf)?;
        let answers = self.put_challenge(&mut ebpf, filter, &mut shortfalls);
        put_sample(&mut ebpf, filter, &mut shortfalls);
        // Before the filter, which without handshakes would take clients for offenders.
        let handshakes = self.put_tracepoint(&mut ebpf, offsets, &mut shortfalls);
        let (native, before) =
            self.put_filter(&mut ebpf, filter, &mut maps, &clock, &mut shortfalls)?;
        maps.set_attachment(self.attachment(&maps, &clock, native, handshakes)?)?;
        let facts = Facts {
            native,
            taken_over: self.held,
            answers,
            handshakes,
            shortfalls,
        };
        Ok(Done {
            ebpf,
            filter,
            maps,
            clock,
            facts,
            before,
        })
    }

    /// Of maps that are made anew; a filter that is taken over keeps its room.
    fn capacity(&self, name: &'static str, wanted: u32) -> u32 {
        let running = self.foreign.filter(|foreign| foreign.is_readable());
        running
            .and_then(|foreign| foreign.capacity(name))
            .unwrap_or(wanted)
    }

    /// Puts the program in place; says whether the driver runs it, and what the packet
    /// path was told before.
    fn put_filter(
        &self,
        ebpf: &mut Ebpf,
        filter: &str,
        maps: &mut Maps,
        clock: &Clock,
        shortfalls: &mut Vec<String>,
    ) -> Result<(bool, Option<KernelSettings>)> {
        if filter != object::MULTI_BUFFER {
            shortfalls.push(
                "this kernel has no multi-buffer XDP (from Linux 5.18 on): \
                 native mode may refuse an MTU above one page"
                    .to_owned(),
            );
        }
        let program = object::xdp(ebpf, filter)?;
        // Until the filter is in place nobody changes rules that it would not have.
        let _lock = self.home.lock_rules_soon()?;
        let before = self.inherit(maps, shortfalls)?;
        // Settings and rules must stand before the first packet comes.
        self.put_settings(maps, clock, before)?;
        if before.is_none() {
            let found = (self.restore)(maps, clock);
            self.check_found(found)?;
        }
        if self.held {
            let shared = self
                .foreign
                .map(|_| staging::share_link(self.home, self.pins));
            shared.transpose()?;
            link::replace(program, self.home)?;
            self.move_in()?;
            let native = self.interface.xdp.is_some_and(|xdp| xdp.native);
            shortfalls.extend(self.other_mode(native));
            let before = before.map_or_else(|| maps.settings(), Ok)?;
            return Ok((native, Some(before)));
        }
        let attached = link::create(program, self.interface, self.settings.mode, self.pins)?;
        shortfalls.extend(attached.fallback.map(|why| {
            format!(
                "the driver does not run XDP natively ({why}): generic mode it is, which is slower"
            )
        }));
        self.move_in()?;
        Ok((attached.native, before))
    }

    /// What the packet path was told so far, by maps that it goes on with: those of
    /// another build are handed over to the new ones, as far as this build can read them.
    fn inherit(
        &self,
        maps: &mut Maps,
        shortfalls: &mut Vec<String>,
    ) -> Result<Option<KernelSettings>> {
        let Some(foreign) = self.foreign.filter(|foreign| foreign.is_readable()) else {
            // Read anew, as a list may have come since the first look.
            return self.before.map(|_| maps.settings()).transpose();
        };
        let left = foreign.hand_over(maps)?;
        if !left.is_empty() {
            shortfalls.push(format!(
                "taken over from a build with another layout ({}), which keeps its {} in a way \
                 that this one does not know: they begin anew",
                foreign.abi(),
                left.join(", ")
            ));
        }
        maps.settings().map(Some)
    }

    /// A filter is not replaced by one that knows nothing.
    fn check_found(&self, found: bool) -> Result<()> {
        match self.foreign {
            Some(foreign) if !found => Err(Error::Unsupported(format!(
                "the filter of {0} was made by a build with another layout ({1}), whose rules this \
                 one cannot read, and nothing was saved that it could go on with: use that build, \
                 or `synguard detach {0}` and attach again",
                self.interface.name,
                foreign.abi(),
            ))),
            _ => Ok(()),
        }
    }

    /// New maps take the place of another build's.
    fn move_in(&self) -> Result<()> {
        match self.foreign {
            Some(_) => staging::finish(self.home),
            None => Ok(()),
        }
    }

    /// The filter passes SYNs where it finds no program that answers them.
    fn put_challenge(&self, ebpf: &mut Ebpf, filter: &str, shortfalls: &mut Vec<String>) -> bool {
        if self.settings.challenge() == Challenge::Off {
            return false;
        }
        let loaded = object::challenge(ebpf, filter);
        if let Err(error) = &loaded {
            shortfalls.push(format!(
                "SYNs cannot be answered with cookies ({error}): they go to the kernel"
            ));
        }
        loaded.is_ok()
    }

    fn put_settings(
        &self,
        maps: &mut Maps,
        clock: &Clock,
        before: Option<KernelSettings>,
    ) -> Result<()> {
        // The filter before the records is by the seed: it goes with them.
        let seed = before.map_or_else(random, |before| Ok(before.seed))?;
        let settings = self
            .settings
            .for_kernel(clock, seed, maps.source_capacity());
        let was_panic = before.map_or(0, |before| before.dry_run & dry_run::PANIC);
        let panic = u32::from(self.pins.in_panic()) * dry_run::PANIC;
        let confirm_within = self.settings.confirm_within;
        let settings = KernelSettings {
            dry_run: settings.dry_run | panic | was_panic,
            passes_from: tell::passes_from(confirm_within, before, clock, clock.now()),
            // Whoever captures goes on.
            samples_until: before.map_or(0, |before| before.samples_until),
            ..settings
        };
        match before {
            None => {
                maps.set_settings(settings)?;
                maps.tidy()?;
            }
            Some(before) => tell::replace(maps, before, settings)?,
        }
        maps.set_budget(budget::EVIDENCE, evidence_budget(clock))
    }

    /// A running filter keeps its maps.
    fn other_sizes(&self, maps: &Maps, shortfalls: &mut Vec<String>) {
        let name = &self.interface.name;
        for (flag, wanted, is) in [
            (
                "--max-sources",
                self.settings.max_sources,
                maps.source_capacity(),
            ),
            ("--max-rules", self.settings.max_rules, maps.rule_capacity()),
        ] {
            if wanted != is {
                shortfalls.push(format!(
                    "the running filter keeps its {flag} of {is}: for {wanted}, `synguard detach \
                     {name}` first"
                ));
            }
        }
    }

    /// A running filter keeps its mode.
    fn other_mode(&self, native: bool) -> Option<String> {
        let (wanted, is) = match (self.settings.mode, native) {
            (Mode::Native, false) => ("native", "generic"),
            (Mode::Generic, true) => ("generic", "native"),
            _ => return None,
        };
        let name = &self.interface.name;
        Some(format!(
            "the running filter stays in {is} mode: for {wanted} mode, `synguard detach {name}` first"
        ))
    }

    /// Counts handshakes, if this kernel lets it; says whether it does.
    fn put_tracepoint(
        &self,
        ebpf: &mut Ebpf,
        offsets: Result<Offsets>,
        shortfalls: &mut Vec<String>,
    ) -> bool {
        let attached = offsets.and_then(|_| tracepoint::attach(ebpf, self.pins));
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
            _ => clock::unix_seconds(SystemTime::now()),
        };
        Ok(Attachment {
            attached_at,
            tick_offset: clock.offset,
            interface: self.interface.index,
            native: u32::from(native),
            handshakes: u32::from(handshakes),
            syn_rate: self.settings.syn_rate,
            ban_seconds: self.settings.ban_time.as_secs(),
            namespace: namespace()?,
        })
    }
}

/// For a few packets of each ban, of as many bans as there are in a flood of them.
fn evidence_budget(clock: &Clock) -> Budget {
    const RATE: u32 = 500;
    Budget::new(RATE, RATE, clock.hz)
}

/// The filter shows no packets where it finds no program that does.
fn put_sample(ebpf: &mut Ebpf, filter: &str, shortfalls: &mut Vec<String>) {
    if let Err(error) = object::sample(ebpf, filter) {
        shortfalls.push(format!(
            "no packets can be captured or kept as evidence: {error}"
        ));
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

pub(super) fn random() -> Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).context("drawing a random number")?;
    Ok(u64::from_ne_bytes(bytes))
}
