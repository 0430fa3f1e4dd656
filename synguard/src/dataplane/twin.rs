//! The program, given the state of somebody else before each packet.

use aya::maps::{Array, Map, MapData, PerCpuArray, PerCpuValues};
use ipnet::IpNet;
use synguard_common::abi::{Pressure, Settings};
use synguard_common::known;
use synguard_common::repeat;
use synguard_common::sketch;
use synguard_common::source::{self, Address};
use synguard_common::verdict::Decision;

use super::plain::Plain;
use super::sandbox::{Sandbox, Sizes};
use super::snapshot::{Move, Snapshot};
use crate::error::Context as _;
use crate::settings::Settings as User;
use crate::{Result, address};

/// `struct bpf_prog` test runs take an Ethernet header at least.
const SHORTEST: usize = 14;
/// A tick may pass while the state is laid out. On a busy machine several do.
const TRIES: usize = 1000;

/// The words of a kept verdict.
const KEPT: usize = size_of::<repeat::Kept>() / size_of::<u32>();

/// The loaded program, which decides by the state that it is given.
pub struct Twin {
    sandbox: Sandbox,
    settings: Settings,
    /// The sketch's cells, in pairs.
    sketch: Array<MapData, Plain<[u32; 2]>>,
    kept: PerCpuArray<MapData, Plain<[u32; KEPT]>>,
    nobody: Vec<Plain<[u32; KEPT]>>,
}

/// Where the state of one source lies.
#[derive(Clone, Copy)]
struct Place {
    address: Address,
    source: Address,
    net: IpNet,
    cells: [u32; sketch::ROWS],
    known: u32,
}

impl Twin {
    /// Loads the program, with the packet path's `settings` and room as `user` says.
    ///
    /// # Errors
    ///
    /// As for attaching.
    pub fn new(user: &User, settings: Settings) -> Result<Self> {
        let sizes = Sizes {
            sources: user.max_sources,
            rules: user.max_rules,
        };
        let mut sandbox = Sandbox::new(sizes, |_| settings)?;
        let sketch = take(&mut sandbox, "SKETCH")?;
        let kept = take(&mut sandbox, "REPEAT")?;
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| error);
        Ok(Self {
            settings,
            sketch: sketch.try_into().context("opening SKETCH")?,
            kept: kept.try_into().context("opening REPEAT")?,
            nobody: vec![Plain([0; KEPT]); cpus.context("counting CPUs")?],
            sandbox,
        })
    }

    /// Whether a test run takes a frame of this length.
    pub fn takes(&self, len: usize) -> bool {
        (SHORTEST..=self.sandbox.longest()).contains(&len)
    }

    /// Decides about a frame from `address` as if the state were `before` and the time
    /// `now`; gives what became of the state too.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the kernel refuses, or is so busy that time never
    /// stands still for one packet.
    pub fn run(
        &mut self,
        frame: &[u8],
        address: Address,
        before: &Snapshot,
        now: u64,
    ) -> Result<(Decision, Snapshot)> {
        let place = self.place(address);
        for _ in 0..TRIES {
            let tick = self.sandbox.tick()?;
            let shift = Move::new(now, tick, &self.settings);
            self.lay_out(&place, &shift.snapshot(before))?;
            let decision = self.sandbox.run(frame)?;
            if self.sandbox.tick()? == tick {
                let after = self.read(&place)?;
                return Ok((decision, shift.back().snapshot(&after)));
            }
        }
        Err("the machine is too busy: time goes by during each packet").context("running a frame")
    }

    fn place(&self, address: Address) -> Place {
        let source = address.masked(&self.settings.mask);
        let hash = source::hash(source.key(), self.settings.seed);
        Place {
            address,
            source,
            net: address::source_net(source, &self.settings.mask),
            cells: sketch::places(hash),
            known: known::place(hash).0,
        }
    }

    fn lay_out(&mut self, place: &Place, state: &Snapshot) -> Result<()> {
        let maps = self.sandbox.maps();
        match state.record {
            Some(record) => maps.set_sources(&[(place.source, record)])?,
            None => maps.forget_source(place.source)?,
        }
        maps.set_known_word(place.known, state.known)?;
        maps.set_pressure(state.pressure)?;
        match state.rule {
            Some(rule) => maps.insert_rule(&place.net, rule)?,
            None => maps.remove_rule(&place.net).map(drop)?,
        }
        for (cell, value) in place.cells.into_iter().zip(state.cells) {
            let pair = if cell & 1 == 0 {
                [value, 0]
            } else {
                [0, value]
            };
            let set = self.sketch.set(cell >> 1, Plain(pair), 0);
            set.context("writing the sketch")?;
        }
        self.forget_verdicts(place.address)
    }

    /// A verdict is kept for a tick, but the capture's ticks are others.
    fn forget_verdicts(&mut self, address: Address) -> Result<()> {
        for place in [repeat::of_syns(address), repeat::of_others(address)] {
            let nobody = PerCpuValues::try_from(self.nobody.clone()).context("counting CPUs")?;
            let set = self.kept.set(place, nobody, 0);
            set.context("writing kept verdicts")?;
        }
        Ok(())
    }

    fn read(&mut self, place: &Place) -> Result<Snapshot> {
        let maps = self.sandbox.maps();
        let (record, rule) = (maps.source(place.source)?, maps.rule(&place.net)?);
        let (pressure, known) = (maps.pressure()?, maps.known_word(place.known)?);
        let mut cells = [0; sketch::ROWS];
        for (value, cell) in cells.iter_mut().zip(place.cells) {
            let Plain(pair) = self
                .sketch
                .get(&(cell >> 1), 0)
                .context("reading the sketch")?;
            *value = pair[(cell & 1) as usize];
        }
        Ok(Snapshot {
            record,
            rule,
            // A replay has no controller that would take events in time.
            pressure: Pressure {
                lost: 0,
                ..pressure
            },
            cells,
            known,
        })
    }
}

fn take(sandbox: &mut Sandbox, name: &str) -> Result<Map> {
    sandbox
        .ebpf
        .take_map(name)
        .ok_or_else(|| format!("the object has no map {name}"))
        .context("reading the eBPF object")
}
