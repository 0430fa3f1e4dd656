//! The kernel side of the benchmark, loaded. The only module that names aya.

mod calls;

use std::net::Ipv4Addr;
use std::os::fd::{AsFd as _, BorrowedFd};

use anyhow::{Context, Result};
use aya::maps::{HashMap, MapData};
use aya::programs::{Xdp, XdpMode};
use aya::{Ebpf, EbpfLoader, Pod};

pub use calls::{Action, attach_native, program_by_id, send, test_run};

/// What `cargo xtask bench` made of `bench-ebpf`.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/bench.bpf.o"));

/// Every program of the object.
const PROGRAMS: [&str; 9] = [
    "drop_all",
    "pass_all",
    "send_back",
    "hash_drop",
    "lru_count",
    "spoof",
    "renew",
    "send_spoofed",
    "send_from_one",
];

/// Bytes of a frame that is sent over the wire.
pub const FRAME: usize = 64;

/// Bytes of a SYN with the options that Linux sends.
pub const SYN: usize = 74;

/// The loaded programs with maps of their own.
pub struct Programs(Ebpf);

/// `synguard_bench_ebpf::peers::Count`: SYNs, and when the window began.
#[repr(C)]
#[derive(Clone, Copy)]
struct Count {
    syns: u64,
    since: u64,
}

// SAFETY: two plain words without padding, valid whatever their bits are.
unsafe impl Pod for Count {}

/// As [`Count`].
#[repr(C)]
#[derive(Clone, Copy)]
struct Template([u8; FRAME]);

// SAFETY: plain bytes.
unsafe impl Pod for Template {}

/// As [`Count`].
#[repr(C)]
#[derive(Clone, Copy)]
struct Question([u8; SYN]);

// SAFETY: plain bytes.
unsafe impl Pod for Question {}

impl Programs {
    /// Loads them; the senders will send by the interface with this index.
    pub fn load(send_by: u32) -> Result<Self> {
        let mut ebpf = EbpfLoader::new()
            .override_global("SEND_BY", &send_by, true)
            .load(OBJECT)
            .context("cannot load the benchmark's programs")?;
        for name in PROGRAMS {
            xdp(&mut ebpf, name)?
                .load()
                .with_context(|| format!("the kernel refuses {name} (needs Linux 5.18)"))?;
        }
        Ok(Self(ebpf))
    }

    /// A program's descriptor.
    pub fn fd(&self, name: &str) -> Result<BorrowedFd<'_>> {
        let program: &Xdp = self
            .0
            .program(name)
            .with_context(|| format!("no program {name}"))?
            .try_into()?;
        Ok(program.fd()?.as_fd())
    }

    /// Lets `spoof` call another program from now on.
    pub fn put_under_test(&self, program: BorrowedFd<'_>) -> Result<()> {
        calls::set_program(self.map("UNDER_TEST")?.fd().as_fd(), program)
            .context("cannot put a program under test")
    }

    /// Lets `hash_drop` block a source.
    pub fn block(&mut self, source: Ipv4Addr) -> Result<()> {
        let map = self.0.map_mut("BLOCKED").context("no map BLOCKED")?;
        let mut blocked: HashMap<_, u32, u64> = map.try_into()?;
        blocked.insert(key(source), 0, 0)?;
        Ok(())
    }

    /// How many sources the naive counter knows, and the most SYNs of any.
    pub fn counted(&self) -> Result<(usize, u64)> {
        let map = self.0.map("COUNTS").context("no map COUNTS")?;
        let counts: HashMap<_, u32, Count> = map.try_into()?;
        let (mut known, mut most) = (0, 0);
        for entry in counts.iter() {
            known += 1;
            most = most.max(entry?.1.syns);
        }
        Ok((known, most))
    }

    /// What the senders send.
    pub fn set_template(&mut self, frame: &[u8; FRAME]) -> Result<()> {
        let map = self.0.map_mut("TEMPLATE").context("no map TEMPLATE")?;
        let mut template: aya::maps::Array<_, Template> = map.try_into()?;
        template.set(0, Template(*frame), 0)?;
        Ok(())
    }

    /// What `renew` makes of every packet.
    pub fn set_question(&mut self, frame: &[u8; SYN]) -> Result<()> {
        let map = self.0.map_mut("QUESTION").context("no map QUESTION")?;
        let mut question: aya::maps::Array<_, Question> = map.try_into()?;
        question.set(0, Question(*frame), 0)?;
        Ok(())
    }

    /// How many nanoseconds the senders wait from frame to frame.
    pub fn set_interval(&mut self, nanos: u64) -> Result<()> {
        let map = self.0.map_mut("PACE").context("no map PACE")?;
        let mut pace: aya::maps::Array<_, [u64; 2]> = map.try_into()?;
        pace.set(0, [nanos, 0], 0)?;
        Ok(())
    }

    /// Attaches a program in native mode, in the calling thread's namespace, for
    /// as long as this value lives.
    pub fn attach(&mut self, name: &str, interface: &str) -> Result<()> {
        let link = xdp(&mut self.0, name)?.attach(interface, XdpMode::Driver);
        link.with_context(|| format!("cannot attach {name} to {interface}"))?;
        Ok(())
    }

    fn map(&self, name: &str) -> Result<&MapData> {
        match self.0.map(name) {
            Some(aya::maps::Map::ProgramArray(data)) => Ok(data),
            _ => anyhow::bail!("no map {name}"),
        }
    }
}

fn xdp<'e>(ebpf: &'e mut Ebpf, name: &str) -> Result<&'e mut Xdp> {
    let program = ebpf.program_mut(name);
    let program = program.with_context(|| format!("no program {name}"))?;
    Ok(program.try_into()?)
}

/// As the packet path reads it: in network byte order.
fn key(source: Ipv4Addr) -> u32 {
    u32::from_ne_bytes(source.octets())
}
