//! The embedded eBPF object, and how it becomes maps and programs.

use aya::maps::ProgramArray;
use aya::programs::{ProgramError, Xdp};
use aya::{Ebpf, EbpfLoader, VerifierLogLevel};

use super::pins::Pins;
use super::tracepoint::Offsets;
use crate::error::Context as _;
use crate::{Error, Result};

/// What `cargo xtask build-ebpf` made.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/synguard.bpf.o"));

/// The maps that are pinned. Their names are the pins' names.
pub(super) const PINNED: [&str; 29] = [
    "LAYOUT",
    "CHANGES",
    "SETTINGS",
    "ATTACHMENT",
    "COUNTERS",
    "FLOOD",
    "ENGAGEMENT",
    "OFFENCES",
    "LISTS",
    "GATES",
    "KNOWN",
    "EXACT_V4",
    "EXACT_V6",
    "PREFIX_V4",
    "PREFIX_V6",
    "SOURCES",
    "EVENTS",
    "CLOCK",
    "PRESSURE",
    "SKETCH",
    "LISTENERS",
    // A map of programs is emptied when nothing but programs holds it.
    "NEXT",
    "NEXT_FRAGS",
    "CAPTURE",
    "BUDGETS",
    "MISSED",
    "DRAFT",
    "SAMPLES",
    "EVIDENCE",
];

/// The filter for drivers that use several buffers per packet.
pub(super) const MULTI_BUFFER: &str = "synguard_frags";
const SINGLE_BUFFER: &str = "synguard";
pub(super) const CLOCK: &str = "synguard_clock";

/// Where the filter looks for the programs that it goes on to.
const CHALLENGE: u32 = 0;
const SAMPLE: u32 = 1;

/// How to load the object.
pub(super) struct Wanted<'a> {
    /// Maps already pinned here are used, others are made and pinned; without,
    /// all are new and private.
    pub(super) pins: Option<&'a Pins>,
    pub(super) offsets: Option<&'a Offsets>,
    pub(super) log_level: u8,
    pub(super) max_sources: u32,
    pub(super) max_rules: u32,
}

/// Loads the object.
pub(super) fn load(wanted: &Wanted<'_>) -> Result<Ebpf> {
    lift_memlock_limit();
    let mut loader = EbpfLoader::new();
    loader.verifier_log_level(VerifierLogLevel::DEBUG | VerifierLogLevel::STATS);
    loader.override_global("AYA_LOG_LEVEL", &wanted.log_level, false);
    loader.map_max_entries("SOURCES", wanted.max_sources);
    for rules in ["EXACT_V4", "EXACT_V6", "PREFIX_V4", "PREFIX_V6"] {
        loader.map_max_entries(rules, wanted.max_rules);
    }
    if let Some(offsets) = wanted.offsets {
        loader
            .override_global("OLD_STATE_OFFSET", &offsets.old_state, true)
            .override_global("NEW_STATE_OFFSET", &offsets.new_state, true)
            .override_global("PEER_OFFSET", &offsets.peer, true);
    }
    if let Some(pins) = wanted.pins {
        for name in PINNED {
            loader.map_pin_path(name, pins.path(name));
        }
    }
    loader.load(OBJECT).context("creating the BPF maps")
}

/// Loads the filter program, with multi-buffer support where the kernel has it,
/// and gives its name.
pub(super) fn filter(ebpf: &mut Ebpf) -> Result<&'static str> {
    if xdp(ebpf, MULTI_BUFFER)?.load().is_ok() {
        return Ok(MULTI_BUFFER);
    }
    xdp(ebpf, SINGLE_BUFFER)?.load().map_err(refused)?;
    Ok(SINGLE_BUFFER)
}

/// Loads the program that answers SYNs with cookies, for this filter.
///
/// # Errors
///
/// Where the kernel lacks what it needs. Then the filter passes such SYNs.
pub(super) fn challenge(ebpf: &mut Ebpf, filter: &str) -> Result<()> {
    let name = if filter == MULTI_BUFFER {
        "synguard_challenge_frags"
    } else {
        "synguard_challenge"
    };
    put_next(ebpf, filter, name, CHALLENGE)
}

/// Loads the program that shows packets to user space, for this filter.
///
/// # Errors
///
/// Where the kernel refuses it. Then the filter shows none.
pub(super) fn sample(ebpf: &mut Ebpf, filter: &str) -> Result<()> {
    let name = if filter == MULTI_BUFFER {
        "synguard_sample_frags"
    } else {
        "synguard_sample"
    };
    put_next(ebpf, filter, name, SAMPLE)
}

/// Loads a program that the filter goes on to.
fn put_next(ebpf: &mut Ebpf, filter: &str, name: &str, place: u32) -> Result<()> {
    let map = if filter == MULTI_BUFFER {
        "NEXT_FRAGS"
    } else {
        "NEXT"
    };
    let program = xdp(ebpf, name)?;
    program.load().map_err(refused)?;
    let program = program.fd().and_then(|fd| Ok(fd.try_clone()?));
    let program = program.context(format!("reading the program {name}"))?;
    let map = ebpf
        .map_mut(map)
        .ok_or_else(|| format!("the object has no map {map}"))
        .context("reading the eBPF object")?;
    ProgramArray::try_from(map)
        .and_then(|mut programs| programs.set(place, &program, 0))
        .context(format!("putting {name} in place"))
}

/// Loads the program that reads the kernel's tick.
pub(super) fn clock(ebpf: &mut Ebpf) -> Result<()> {
    xdp(ebpf, CLOCK)?.load().map_err(refused)
}

pub(super) fn xdp<'e>(ebpf: &'e mut Ebpf, name: &str) -> Result<&'e mut Xdp> {
    ebpf.program_mut(name)
        .ok_or_else(|| format!("the object has no program {name}"))
        .context("reading the eBPF object")?
        .try_into()
        .context(format!("reading the program {name}"))
}

/// Shows the end of the verifier's log, where the reason is.
fn refused(error: ProgramError) -> Error {
    let ProgramError::LoadError {
        io_error,
        verifier_log,
    } = &error
    else {
        return Error::Unsupported(format!("the kernel does not take the program: {error}"));
    };
    let log = verifier_log.to_string();
    let lines: Vec<_> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(12)..].join("\n");
    Error::Unsupported(format!(
        "the kernel's verifier refuses the program ({io_error}):\n{tail}"
    ))
}

/// Before Linux 5.11 BPF memory counts as locked memory. Failing here shows
/// later, as a map that cannot be made.
fn lift_memlock_limit() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    let _ = setrlimit(Resource::Memlock, unlimited);
}
