//! Attaching: is the way clear, and how to undo it.
//!
//! What is done in between is in [`super::job`].

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use aya::Ebpf;
use synguard_common::abi::{Settings as KernelSettings, dry_run};

use super::job::Job;
use super::maps::Maps;
use super::pins::{Lock, Pins};
use super::{link, object};
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
    /// What the packet path was told before, where a filter was taken over.
    before: Option<KernelSettings>,
    /// Keeps what cannot be pinned on old kernels.
    pub(super) ebpf: Ebpf,
    /// Which of its programs filters.
    pub(super) filter: &'static str,
    _lock: Lock,
}

/// What came of attaching, for the log.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whether the driver runs the program.
    pub native: bool,
    /// Whether a running filter was taken over.
    pub taken_over: bool,
    /// Whether SYNs could be answered with cookies.
    pub answers: bool,
    /// Whether completed handshakes are counted.
    pub handshakes: bool,
    /// What works less well than it could, and why.
    pub shortfalls: Vec<String>,
}

/// What is already there on an interface.
struct State {
    /// What the packet path is told, where maps are pinned.
    before: Option<KernelSettings>,
    /// The pinned link is alive on this interface.
    held: bool,
}

/// Checks that nothing is in the way of attaching, and changes nothing.
///
/// # Errors
///
/// Whatever is in the way.
pub fn check(interface: &Interface) -> Result<()> {
    let pins = Pins::of(&interface.name);
    if let Some(pid) = pins.controller() {
        return Err(pins.already_attached(Some(pid)));
    }
    state(interface, &pins).map(drop)
}

pub(super) fn ensure_ethernet(interface: &Interface) -> Result<()> {
    if interface.ethernet {
        return Ok(());
    }
    Err(Error::Unsupported(format!(
        "{} carries no Ethernet frames (link type {}): attach to the interface below it",
        interface.name, interface.link_layer
    )))
}

fn state(interface: &Interface, pins: &Pins) -> Result<State> {
    ensure_ethernet(interface)?;
    let held = link::holds(pins, interface);
    if let Some(xdp) = interface.xdp.filter(|_| !held) {
        return Err(link::foreign(interface, xdp.id));
    }
    if !pins.exist() {
        return Ok(State { before: None, held });
    }
    // Refuses the maps of another version.
    let maps = Maps::open(pins)?;
    if !held && maps.attachment()?.namespace != namespace()? {
        return Err(Error::Busy(format!(
            "an interface {0} of another network namespace is attached, and both would keep their \
             state in one place: rename one, or `synguard detach {0}`",
            interface.name
        )));
    }
    let before = Some(maps.settings()?);
    Ok(State { before, held })
}

/// The inode of this process's network namespace.
///
/// # Errors
///
/// [`Error::Failed`] where /proc is not there.
pub fn namespace() -> Result<u64> {
    const PATH: &str = "/proc/self/ns/net";
    Ok(fs::metadata(PATH).context(format!("reading {PATH}"))?.ino())
}

/// Puts the filter on an interface, or takes over the one that is there without
/// letting a packet through unfiltered. Within a tokio runtime.
///
/// # Errors
///
/// Whatever is in the way; then nothing has changed.
pub fn attach(interface: &Interface, settings: &Settings, log_level: u8) -> Result<Attached> {
    let pins = Pins::of(&interface.name);
    let lock = pins.lock_controller()?;
    let State { before, held } = state(interface, &pins)?;
    if before.is_none() {
        // What a crash left half-made.
        pins.remove()?;
    }
    pins.create()?;
    let job = Job {
        interface,
        settings,
        log_level,
        pins: &pins,
        before,
        held,
    };
    match job.run() {
        Ok(done) => Ok(Attached {
            pins,
            maps: done.maps,
            clock: done.clock,
            facts: done.facts,
            before,
            ebpf: done.ebpf,
            filter: done.filter,
            _lock: lock,
        }),
        Err(error) => {
            Undo { pins, before }.run()?;
            Err(error)
        }
    }
}

impl Attached {
    /// Loads what answers SYNs, if that was not wanted so far.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the kernel cannot.
    pub fn load_challenge(&mut self) -> Result<()> {
        if !self.facts.answers {
            object::challenge(&mut self.ebpf, self.filter)?;
            self.facts.answers = true;
        }
        Ok(())
    }

    /// What puts things back to how they were before.
    pub fn undoing(&self) -> Undo {
        Undo {
            pins: self.pins.clone(),
            before: self.before,
        }
    }
}

/// Puts things back to how they were before attaching.
#[derive(Clone, Debug)]
pub struct Undo {
    pins: Pins,
    /// What the packet path was told, where a filter was taken over.
    before: Option<KernelSettings>,
}

impl Undo {
    /// Does it.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] naming what could not be put back.
    pub fn run(&self) -> Result<()> {
        let Some(before) = self.before else {
            return self.pins.remove();
        };
        let _lock = self.pins.lock_rules()?;
        let mut maps = Maps::open(&self.pins)?;
        let present = maps.settings()?;
        maps.change_source(KernelSettings {
            holders: present.holders,
            all_rules: present.all_rules,
            // Somebody may have panicked, ended a panic or confirmed meanwhile.
            dry_run: before.dry_run & !dry_run::PANIC | present.dry_run & dry_run::PANIC,
            passes_from: before.passes_from.max(present.passes_from),
            ..before
        })?;
        maps.tidy()
    }
}
