//! What stands at the uplink when the flood comes.

use anyhow::{Context, Result};
use synguard_tests::controller::Controller;
use synguard_tests::synguard::Synguard;
use synguard_tests::topology::Topology;

use super::answerer::Challenging;
use crate::flood::Sender;
use crate::lists::BLOCKED;
use crate::names::subject as who;
use crate::peers::{Iptables, Nft, XdpFilter};

/// Who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of the benchmark's own programs.
    Program(&'static str),
    Synguard,
    XdpFilter,
    Nft,
    Iptables,
    /// SynGuard that answers SYNs with cookies, as it runs on a veth.
    Generic,
    /// The same as in a network card's driver.
    Native,
    /// Nobody: the kernel alone.
    Nobody,
}

impl Kind {
    /// Its name in the tables.
    pub fn subject(self) -> &'static str {
        match self {
            Self::Program("drop_all") => who::DROP,
            Self::Program("lru_count") => who::NAIVE,
            Self::Program(_) => who::PASS,
            Self::Synguard => who::SYNGUARD,
            Self::XdpFilter => who::XDP_FILTER,
            Self::Nft => who::NFT,
            Self::Iptables => who::IPTABLES,
            Self::Generic => who::GENERIC,
            Self::Native => who::NATIVE,
            Self::Nobody => who::KERNEL,
        }
    }
}

/// In place, and blocking one source.
enum Guard {
    /// It goes with its lab.
    Program,
    Synguard(
        Synguard,
        #[expect(dead_code, reason = "ends it when dropped")] Controller,
    ),
    XdpFilter(XdpFilter),
    Nft(Nft),
    Iptables(Iptables),
    Challenging(Challenging),
    Nobody,
}

/// A lab with a sender and a receiver.
pub struct Bench {
    // What is dropped first needs the rest.
    guard: Guard,
    pub sender: Sender,
    pub topology: Topology,
    pub kind: Kind,
}

impl Bench {
    pub fn new(kind: Kind) -> Result<Self> {
        let topology = Topology::new()?;
        let mut sender = Sender::new(&topology)?;
        let guard = guard(kind, &topology, &mut sender)
            .with_context(|| format!("cannot set up {}", kind.subject()))?;
        Ok(Self {
            guard,
            sender,
            topology,
            kind,
        })
    }

    /// Waits until it does what it is here for, which it may not without a server.
    pub fn wait(&self) -> Result<()> {
        match &self.guard {
            Guard::Challenging(challenging) => challenging.wait(),
            _ => Ok(()),
        }
    }

    /// How many packets the receiver says it has dropped. Nothing where it has
    /// no counter.
    pub fn dropped(&self) -> Result<Option<u64>> {
        Ok(match &self.guard {
            Guard::Program | Guard::Challenging(_) | Guard::Nobody => None,
            Guard::Synguard(synguard, _) => synguard.status()?["dropped"]["total"].as_u64(),
            Guard::XdpFilter(peer) => Some(peer.dropped()?),
            Guard::Nft(peer) => Some(peer.dropped()?),
            Guard::Iptables(peer) => Some(peer.dropped()?),
        })
    }
}

fn guard(kind: Kind, topology: &Topology, sender: &mut Sender) -> Result<Guard> {
    Ok(match kind {
        Kind::Program(name) => {
            let (programs, uplink) = (sender.programs(), &topology.uplink);
            topology.host.inside(|| programs.attach(name, uplink))??;
            Guard::Program
        }
        Kind::Synguard => {
            let synguard = Synguard::new(topology)?;
            let controller = synguard.attach(&["--mode", "native"])?;
            synguard.succeed(&["block", &BLOCKED.to_string()])?;
            Guard::Synguard(synguard, controller)
        }
        Kind::XdpFilter => Guard::XdpFilter(XdpFilter::load(topology, &[BLOCKED.into()])?),
        Kind::Nft => {
            take_frames(topology)?;
            Guard::Nft(Nft::load(topology, BLOCKED)?)
        }
        Kind::Iptables => {
            take_frames(topology)?;
            Guard::Iptables(Iptables::load(topology, BLOCKED)?)
        }
        Kind::Generic => {
            take_frames(topology)?;
            Guard::Challenging(Challenging::generic(topology)?)
        }
        Kind::Native => Guard::Challenging(Challenging::native(topology, sender, "pass_all")?),
        Kind::Nobody => {
            take_frames(topology)?;
            Guard::Nobody
        }
    })
}

/// Without an XDP program a veth takes redirected frames only with GRO, which
/// network cards have anyway, and veths with an XDP program too.
pub fn take_frames(topology: &Topology) -> Result<()> {
    let words = ["-K", &topology.uplink, "gro", "on"];
    topology.host.run("ethtool", &words).map(drop)
}
