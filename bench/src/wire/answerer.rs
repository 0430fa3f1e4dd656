//! Who answers SYNs with cookies, and a lab in which he does.

use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};

use anyhow::{Context, Result};
use synguard_tests::address::hardware::{self, Hardware};
use synguard_tests::address::{GATEWAY, HOST};
use synguard_tests::controller::Controller;
use synguard_tests::foreign;
use synguard_tests::synguard::Synguard;
use synguard_tests::topology::{PROVIDER_END, Topology, unique_interface};

use super::receiver::take_frames;
use crate::flood::{self, Sender};
use crate::frames;
use crate::kernel;
use crate::names::subject as who;
use crate::peers::Synproxy;

const PORT: u16 = 443;
/// Answers go to nobody, so that the far end throws them away at once.
const NOBODY: Hardware = Hardware([2, 0, 0, 0, 0, 99]);

/// Who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The scale: answers nothing.
    Drop,
    /// The least there is: the SYN itself goes back.
    SendBack,
    /// SynGuard as it runs in a network card's driver. A veth sends in that mode only
    /// where the far end runs a program too.
    Native,
    /// SynGuard as it runs on a veth.
    Generic,
    /// The kernel's listener by itself.
    Kernel,
    Synproxy,
}

impl Kind {
    /// Its name in the tables.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::Drop => who::DROP,
            Self::SendBack => who::SEND_BACK,
            Self::Native => who::NATIVE,
            Self::Generic => who::GENERIC,
            Self::Kernel => who::COOKIES,
            Self::Synproxy => who::SYNPROXY,
        }
    }
}

/// SynGuard, answering.
pub struct Challenging {
    // What is dropped first needs the rest.
    _native: Option<OwnedFd>,
    controller: Controller,
    synguard: Synguard,
}

impl Challenging {
    /// Waits until it has found somebody to answer for.
    pub fn wait(&self) -> Result<()> {
        self.controller
            .wait_for("challenging new clients")
            .map(drop)
    }

    /// How many SYNs it has answered.
    fn answered(&self) -> Result<u64> {
        let status = self.synguard.status()?;
        status["challenge"]["answered"]
            .as_u64()
            .context("no count of answers")
    }

    /// At the lab's uplink, in generic mode.
    pub fn generic(topology: &Topology) -> Result<Self> {
        let synguard = Synguard::new(topology)?;
        let controller = attach(&synguard)?;
        Ok(Self {
            _native: None,
            controller,
            synguard,
        })
    }

    /// At the lab's uplink in native mode, which SynGuard itself refuses for a veth:
    /// attached to another one, its program is put here too. The far end gets one that
    /// drops or passes what comes, as `far` says.
    pub fn native(topology: &Topology, sender: &mut Sender, far: &str) -> Result<Self> {
        let elsewhere = unique_interface();
        topology.host.batch(&[
            format!("link add {elsewhere} type veth peer name elsewhere"),
            format!("link set {elsewhere} up"),
        ])?;
        let synguard = Synguard::new(topology)?.on(&elsewhere);
        let controller = attach(&synguard)?;
        let id = foreign::attached_id(&topology.host, &elsewhere)?.context("not attached")?;
        let program = kernel::program_by_id(u32::try_from(id)?)?;
        let uplink = flood::index(&topology.host, &topology.uplink)?;
        let link = || kernel::attach_native(program.as_fd(), uplink);
        let link = topology.host.inside(link)?.context("no native mode")?;
        let programs = sender.programs();
        topology
            .internet
            .inside(|| programs.attach(far, PROVIDER_END))??;
        Ok(Self {
            _native: Some(link),
            controller,
            synguard,
        })
    }
}

fn attach(synguard: &Synguard) -> Result<Controller> {
    synguard.attach(&["--mode", "generic", "--challenge", "always"])
}

/// A lab with a sender of spoofed SYNs, a listener, and who answers.
pub struct Lab {
    challenging: Option<Challenging>,
    _listener: TcpListener,
    pub sender: Sender,
    pub topology: Topology,
    pub kind: Kind,
}

impl Lab {
    pub fn new(kind: Kind) -> Result<Self> {
        let topology = Topology::new()?;
        let mut sender = Sender::new(&topology)?;
        sender.aim(&syn()?)?;
        let listener = listen(&topology)?;
        let challenging = answerer(kind, &topology, &mut sender)
            .with_context(|| format!("cannot set up {}", kind.subject()))?;
        if let Some(challenging) = &challenging {
            challenging.wait()?;
        }
        Ok(Self {
            challenging,
            _listener: listener,
            sender,
            topology,
            kind,
        })
    }
}

impl Lab {
    /// How many SYNs it has answered by its own account, which is to be that of the
    /// frames that come back: nobody else may have answered.
    pub fn answered(&self) -> Result<Option<u64>> {
        if let Some(challenging) = &self.challenging {
            return challenging.answered().map(Some);
        }
        Ok(match self.kind {
            Kind::Kernel => Some(cookies_sent(&self.topology)?),
            Kind::Synproxy => Some(Synproxy::answered(&self.topology)?),
            _ => None,
        })
    }
}

/// `SyncookiesSent` of the lab's host: a line of names, then one of numbers.
fn cookies_sent(topology: &Topology) -> Result<u64> {
    let read = || std::fs::read_to_string("/proc/thread-self/net/netstat");
    let text = topology.host.inside(read)??;
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, numbers) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    let mut pairs = names.split(' ').zip(numbers.split(' '));
    let count = pairs.find(|(name, _)| *name == "SyncookiesSent");
    Ok(count.context("no SyncookiesSent")?.1.parse()?)
}

fn syn() -> Result<[u8; kernel::FRAME]> {
    let mut syn = frames::spoofed(hardware::UPLINK, HOST, PORT)?;
    syn[6..12].copy_from_slice(&NOBODY.0);
    Ok(syn)
}

fn listen(topology: &Topology) -> Result<TcpListener> {
    let (host, uplink) = (&topology.host, &topology.uplink);
    host.sysctl("ipv4/tcp_syncookies", "2")?;
    host.sysctl("ipv4/tcp_timestamps", "2")?;
    host.batch(&[format!(
        "neighbour replace {GATEWAY} lladdr {NOBODY} dev {uplink} nud permanent"
    )])?;
    Ok(host.inside(|| TcpListener::bind((HOST, PORT)))??)
}

fn answerer(kind: Kind, topology: &Topology, sender: &mut Sender) -> Result<Option<Challenging>> {
    match kind {
        Kind::Drop => put(topology, sender, "drop_all")?,
        Kind::SendBack => put(topology, sender, "send_back")?,
        Kind::Native => return Challenging::native(topology, sender, "drop_all").map(Some),
        Kind::Generic => {
            take_frames(topology)?;
            return Challenging::generic(topology).map(Some);
        }
        Kind::Kernel => take_frames(topology)?,
        Kind::Synproxy => {
            take_frames(topology)?;
            Synproxy::load(topology, PORT)?;
        }
    }
    Ok(None)
}

/// One of the benchmark's own programs at the uplink, and one that drops at the far end.
fn put(topology: &Topology, sender: &mut Sender, name: &str) -> Result<()> {
    let (programs, uplink) = (sender.programs(), &topology.uplink);
    topology.host.inside(|| programs.attach(name, uplink))??;
    topology
        .internet
        .inside(|| programs.attach("drop_all", PROVIDER_END))?
}
