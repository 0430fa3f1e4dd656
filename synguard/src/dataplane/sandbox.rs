//! The packet path without a network: one frame at a time, by BPF_PROG_TEST_RUN.

use std::os::fd::{AsFd as _, BorrowedFd};

use aya::maps::{MapData, RingBuf};
use aya::programs::{TestRun as _, TestRunOptions};
use aya::{Ebpf, programs::Xdp};
use synguard_common::abi::{Sample, Settings};
use synguard_common::verdict::{Decision, Reason, Verdict};

use super::events::read_all;
use super::job::read_tick;
use super::maps::Maps;
use super::object;
use crate::Result;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::error::Context as _;
use crate::settings::DEFAULT;

/// `enum xdp_action` in `include/uapi/linux/bpf.h`.
const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;

/// By how much an answer can be longer than its SYN: the most options.
const GROWTH: usize = 40;

/// Room in the maps.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// For sources.
    pub sources: u32,
    /// For rules of each kind.
    pub rules: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            sources: DEFAULT.max_sources,
            rules: DEFAULT.max_rules,
        }
    }
}

/// The loaded program with maps of its own, attached to nothing.
pub struct Sandbox {
    pub(super) ebpf: Ebpf,
    filter: &'static str,
    maps: Maps,
    clock: Clock,
    counters: Counters,
    /// Of a capture's packets, and of evidence, where they are shown.
    rings: [Option<RingBuf<MapData>>; 2],
}

impl Sandbox {
    /// Loads the program, with room for `sizes`, and with the settings that
    /// `settings` makes of the kernel's clock.
    ///
    /// # Errors
    ///
    /// As for attaching.
    pub fn new(sizes: Sizes, settings: impl FnOnce(&Clock) -> Settings) -> Result<Self> {
        let mut ebpf = object::load(&object::Wanted {
            pins: None,
            offsets: None,
            log_level: 0,
            max_sources: sizes.sources,
            max_rules: sizes.rules,
        })?;
        let filter = object::filter(&mut ebpf)?;
        object::clock(&mut ebpf)?;
        let mut maps = Maps::from_maps(|name| {
            ebpf.take_map(name)
                .ok_or_else(|| format!("the object has no map {name}"))
                .context("reading the eBPF object")
        })?;
        let clock = Clock::calibrated(Clock::kernel_hz(), read_tick(&mut ebpf, &maps)?);
        maps.set_settings(settings(&clock))?;
        let counters = maps.counters()?;
        Ok(Self {
            ebpf,
            filter,
            maps,
            clock,
            counters,
            rings: [None, None],
        })
    }

    /// Lets it answer SYNs with cookies.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Unsupported`] where the kernel cannot.
    pub fn load_challenge(&mut self) -> Result<()> {
        object::challenge(&mut self.ebpf, self.filter)
    }

    /// Lets it show packets.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Unsupported`] where the kernel refuses.
    pub fn load_sample(&mut self) -> Result<()> {
        object::sample(&mut self.ebpf, self.filter)?;
        for (ring, name) in self.rings.iter_mut().zip(["SAMPLES", "EVIDENCE"]) {
            let map = self.ebpf.take_map(name).ok_or("no such map");
            let map = map.context(format!("opening {name}"))?;
            *ring = Some(map.try_into().context(format!("opening {name}"))?);
        }
        Ok(())
    }

    /// The packets that it has shown since the last call: to a capture, and as evidence.
    pub fn shown(&mut self) -> [Vec<Sample>; 2] {
        self.rings
            .each_mut()
            .map(|ring| ring.as_mut().map(read_all).unwrap_or_default())
    }

    /// The maps that it decides by.
    pub const fn maps(&mut self) -> &mut Maps {
        &mut self.maps
    }

    /// The kernel's clock.
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// The longest frame that a test run takes: more than a page only where the
    /// program takes packets in several buffers (`net/bpf/test_run.c`).
    pub fn longest(&self) -> usize {
        if self.filter == object::MULTI_BUFFER {
            65_536
        } else {
            // A page less headroom and `struct skb_shared_info`.
            3_520
        }
    }

    /// The kernel's tick, exactly.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the kernel refuses to tell it.
    pub fn tick(&mut self) -> Result<u64> {
        read_tick(&mut self.ebpf, &self.maps)
    }

    /// Runs one frame of at least 14 bytes, the least that the kernel takes.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the kernel refuses to run it, or counts
    /// it other than exactly once.
    pub fn run(&mut self, frame: &[u8]) -> Result<Decision> {
        Ok(self.answer(frame)?.0)
    }

    /// The same, and what became of the frame.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn answer(&mut self, frame: &[u8]) -> Result<(Decision, Vec<u8>)> {
        let program = self.filter()?;
        let mut out = vec![0; frame.len() + GROWTH];
        let result = program
            .test_run(TestRunOptions {
                data_in: Some(frame),
                data_out: Some(&mut out),
                ..TestRunOptions::new()
            })
            .context(format!("running a frame of {} bytes", frame.len()))?;
        out.truncate(result.data_size_out as usize);
        let decision = Decision {
            verdict: verdict(result.return_value)?,
            reason: self.counted_reason()?,
        };
        Ok((decision, out))
    }

    /// The loaded program, for measurements.
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub fn program(&self) -> Result<BorrowedFd<'_>> {
        Ok(self.filter()?.fd().context("running a frame")?.as_fd())
    }

    /// Packets by reason.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the kernel refuses to read them.
    pub fn counters(&self) -> Result<Counters> {
        self.maps.counters()
    }

    fn filter(&self) -> Result<&Xdp> {
        self.ebpf
            .program(self.filter)
            .ok_or("the filter is gone")
            .context("running a frame")?
            .try_into()
            .context("running a frame")
    }

    /// The one reason whose counter moved since the last frame.
    fn counted_reason(&mut self) -> Result<Reason> {
        let before = std::mem::replace(&mut self.counters, self.maps.counters()?);
        let moved: Vec<_> = Reason::ALL
            .into_iter()
            .filter(|reason| self.counters.of(*reason) != before.of(*reason))
            .collect();
        match moved[..] {
            [reason] if self.counters.packets() == before.packets() + 1 => Ok(reason),
            _ => Err(format!("counted under {moved:?}")).context("running a frame"),
        }
    }
}

fn verdict(action: u32) -> Result<Verdict> {
    match action {
        XDP_DROP => Ok(Verdict::Drop),
        XDP_PASS => Ok(Verdict::Pass),
        XDP_TX => Ok(Verdict::Challenge),
        other => Err(format!("the program returned {other}")).context("running a frame"),
    }
}
