//! SynGuard's own program, with more and more rules.

use std::os::fd::BorrowedFd;

use anyhow::{Context, Result, ensure};
use ipnet::IpNet;
use synguard::clock::Clock;
use synguard::counters::Counters;
use synguard::dataplane::{Maps, Sandbox, Sizes};
use synguard::rules::{self, Scope};
use synguard::settings::{DEFAULT, Settings};
use synguard_common::abi::{self, action};
use synguard_common::verdict::Reason;

use crate::frames::Segment;
use crate::lists::{self, BLOCKED, BLOCKED6};
use crate::names::subject as who;

/// How many addresses, and how many networks, a large list holds.
pub const ADDRESSES: usize = 1_000_000;
pub const NETWORKS: usize = 100_000;

/// A client of the benchmark sends SYNs as fast as it can and is no offender.
const SYN_RATE: u32 = u32::MAX;

/// What SynGuard has to look through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    Nothing,
    /// Nothing, but it could answer SYNs if it were told to.
    Able,
    OneRule,
    Networks,
    Addresses,
    Both,
}

impl Load {
    /// From none to all.
    pub const ALL: [Self; 6] = [
        Self::Nothing,
        Self::Able,
        Self::OneRule,
        Self::Networks,
        Self::Addresses,
        Self::Both,
    ];

    /// Its name in the tables.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::Nothing => who::EMPTY,
            Self::Able => who::ABLE,
            Self::OneRule => who::ONE_RULE,
            Self::Networks => who::NETWORKS,
            Self::Addresses => who::ADDRESSES,
            Self::Both => who::BOTH,
        }
    }

    fn rules(self) -> Result<Vec<IpNet>> {
        Ok(match self {
            Self::Nothing | Self::Able => Vec::new(),
            Self::OneRule => vec![
                IpNet::new(BLOCKED.into(), 32)?,
                IpNet::new(BLOCKED6.into(), 64)?,
            ],
            Self::Networks => lists::networks(NETWORKS)?,
            Self::Addresses => lists::addresses(ADDRESSES)?,
            Self::Both => [lists::networks(NETWORKS)?, lists::addresses(ADDRESSES)?].concat(),
        })
    }
}

/// The loaded program with maps of its own.
pub struct Filter {
    load: Load,
    sandbox: Sandbox,
}

/// One for every load.
pub fn all() -> Result<Vec<Filter>> {
    Load::ALL.into_iter().map(Filter::new).collect()
}

impl Filter {
    fn new(load: Load) -> Result<Self> {
        let rules = load.rules()?;
        let mut sandbox = Sandbox::new(sizes(&rules), settings)?;
        if load == Load::Able {
            sandbox.load_challenge()?;
        }
        let clock = sandbox.clock();
        insert(sandbox.maps(), &clock, &rules)
            .with_context(|| format!("cannot fill the lists of {}", load.subject()))?;
        if !rules.is_empty() {
            check_scope(&mut sandbox)?;
        }
        Ok(Self { load, sandbox })
    }

    /// What it looks through.
    pub const fn load(&self) -> Load {
        self.load
    }

    /// The program.
    pub fn program(&self) -> Result<BorrowedFd<'_>> {
        Ok(self.sandbox.program()?)
    }

    /// What it has counted.
    pub fn counters(&self) -> Result<Counters> {
        Ok(self.sandbox.counters()?)
    }
}

/// The usual room, and more where the lists need it.
fn sizes(rules: &[IpNet]) -> Sizes {
    let usual = Sizes::default();
    let rules = u32::try_from(rules.len()).unwrap_or(u32::MAX);
    Sizes {
        rules: usual.rules.max(rules),
        ..usual
    }
}

/// Those in which no client of the benchmark is an offender.
pub fn settings(clock: &Clock) -> abi::Settings {
    let settings = Settings {
        syn_rate: SYN_RATE,
        ..DEFAULT
    };
    settings.for_kernel(clock, 0x5eed, Sizes::default().sources)
}

/// Blocks everything from each of `nets`, as an imported list does.
fn insert(maps: &mut Maps, clock: &Clock, nets: &[IpNet]) -> Result<()> {
    let rule = rules::manual(action::BLOCK, Scope::All, None, clock, clock.now());
    let rules: Vec<_> = nets.iter().map(|net| (net.trunc(), rule)).collect();
    maps.insert_rules(&rules)?;
    Ok(maps.count_all_rules(u32::try_from(rules.len())?)?)
}

/// The rules are looked at for packets of open connections too: without that
/// these would pass for nothing.
fn check_scope(sandbox: &mut Sandbox) -> Result<()> {
    let decision = sandbox.run(&super::frame(Segment::Ack, BLOCKED.into())?)?;
    ensure!(
        decision.reason == Reason::DroppedAll,
        "blocked, and counted as {:?}",
        decision.reason
    );
    Ok(())
}
