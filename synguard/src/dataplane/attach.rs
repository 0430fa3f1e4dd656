//! Attaching: is the way clear, and how to undo it.
//!
//! What is done in between is in [`super::job`].

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use aya::Ebpf;
use synguard_common::abi::{Settings as KernelSettings, dry_run};

use super::foreign::Foreign;
use super::held::Held;
use super::job::{Job, Restore};
use super::maps::Maps;
use super::pins::{Lock, Pins};
use super::{link, object, staging};
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
    /// Keeps the filter, should its pins be lost.
    pub(super) held: Held,
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

impl Facts {
    /// Where the program runs, for people and programs.
    pub const fn mode(&self) -> &'static str {
        if self.native { "native" } else { "generic" }
    }
}

/// What is already there on an interface.
struct State {
    maps: Found,
    /// The pinned link is alive on this interface.
    held: bool,
}

/// The maps that are pinned.
enum Found {
    None,
    /// This build's, by which the packet path is told so.
    Own(KernelSettings),
    /// Another build's.
    Foreign(Foreign),
}

/// Checks that nothing is in the way of attaching, and changes nothing; a takeover that
/// was cut off is finished first.
///
/// # Errors
///
/// Whatever is in the way.
pub fn check(interface: &Interface) -> Result<()> {
    let pins = Pins::of(&interface.name);
    if let Some(pid) = pins.controller() {
        return Err(pins.already_attached(Some(pid)));
    }
    let lock = pins.lock_controller()?;
    staging::settle(&pins)?;
    drop(lock);
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
        let maps = Found::None;
        return Ok(State { maps, held });
    }
    let (maps, attachment) = match Foreign::look(pins)? {
        None => {
            let maps = Maps::open(pins)?;
            (Found::Own(maps.settings()?), Some(maps.attachment()?))
        }
        Some(foreign) => {
            let attachment = foreign.attachment();
            (Found::Foreign(foreign), attachment)
        }
    };
    let there = attachment.map(|attachment| attachment.namespace);
    if !held && there.is_some_and(|there| namespace().is_ok_and(|here| here != there)) {
        return Err(Error::Busy(format!(
            "an interface {0} of another network namespace is attached, and both would keep their \
             state in one place: rename one, or `synguard detach {0}`",
            interface.name
        )));
    }
    Ok(State { maps, held })
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
/// letting a packet through unfiltered. Where there are no maps to go on with, `restore`
/// fills the new ones before the filter is put in place. Within a tokio runtime.
///
/// # Errors
///
/// Whatever is in the way; then nothing has changed.
pub fn attach(
    interface: &Interface,
    settings: &Settings,
    log_level: u8,
    restore: &Restore<'_>,
) -> Result<Attached> {
    let pins = Pins::of(&interface.name);
    let lock = pins.lock_controller()?;
    staging::settle(&pins)?;
    let state = state(interface, &pins)?;
    let (before, foreign) = match &state.maps {
        Found::None => (None, None),
        Found::Own(settings) => (Some(*settings), None),
        Found::Foreign(foreign) => (None, Some(foreign)),
    };
    if matches!(state.maps, Found::None) {
        // What a crash left half-made.
        pins.remove()?;
    }
    let made_in = match foreign {
        None => pins.clone(),
        Some(_) => staging::begin(&pins)?,
    };
    made_in.create()?;
    let job = Job {
        interface,
        settings,
        log_level,
        home: &pins,
        pins: &made_in,
        before,
        foreign,
        held: state.held,
        restore,
    };
    let done = job.run().and_then(|done| {
        let held = Held::of(&pins)?;
        Ok((done, held))
    });
    match done {
        Ok((done, held)) => Ok(Attached {
            maps: done.maps,
            clock: done.clock,
            facts: done.facts,
            before: done.before,
            held,
            ebpf: done.ebpf,
            filter: done.filter,
            pins,
            _lock: lock,
        }),
        Err(error) => {
            match foreign {
                // Whichever maps the filter runs on stay.
                Some(_) => staging::settle(&pins)?,
                None => Undo {
                    pins,
                    before,
                    held: state.held,
                }
                .run()?,
            }
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

    /// Whether the pins are gone because bpffs was unmounted underneath: nobody detached
    /// the filter, and it goes on for as long as this process holds it.
    pub fn is_unmounted(&self) -> bool {
        !self.pins.exist() && self.held.is_unmounted()
    }

    /// Pins everything again, mounting bpffs where it is missing.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where that cannot be.
    pub fn pin_again(&mut self) -> Result<()> {
        self.held.pin_again(&self.pins)
    }

    /// What puts things back to how they were before.
    pub fn undoing(&self) -> Undo {
        Undo {
            pins: self.pins.clone(),
            before: self.before,
            held: self.facts.taken_over,
        }
    }
}

/// Puts things back to how they were before attaching.
#[derive(Clone, Debug)]
pub struct Undo {
    pins: Pins,
    /// What the packet path was told, where there were maps to go on with.
    before: Option<KernelSettings>,
    /// Whether a filter was in place.
    held: bool,
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
        let _lock = self.pins.lock_rules_soon()?;
        if !self.held {
            link::take_off(&self.pins)?;
        }
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
