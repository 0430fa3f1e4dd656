//! The link that keeps the filter on its interface.

use std::io::ErrorKind;
use std::os::fd::AsFd as _;

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::{XdpLink, XdpLinkId};
use aya::programs::{Xdp, XdpMode, loaded_programs};

use super::pinned_object;
use super::pins::Pins;
use crate::error::Context as _;
use crate::interface::Interface;
use crate::settings::Mode;
use crate::{Error, Result};

/// How the filter came to be attached.
pub(super) struct Attachment {
    pub(super) native: bool,
    /// Why not native, where native was tried.
    pub(super) fallback: Option<String>,
}

/// The id of the program that the pinned link holds, if there is one.
pub(super) fn pinned_program(pins: &Pins) -> Option<u32> {
    let link = PinnedLink::from_pin(pins.link()).ok()?;
    Some(FdLink::from(link).info().ok()?.program_id())
}

/// Whether the pinned link still holds this interface: it does not if the
/// interface was deleted and made again.
pub fn holds(pins: &Pins, interface: &Interface) -> bool {
    match (pinned_program(pins), interface.xdp) {
        (Some(pinned), Some(xdp)) => pinned == xdp.id,
        _ => false,
    }
}

/// Takes the filter off, whoever else holds its link; what is pinned stays.
pub(super) fn take_off(pins: &Pins) -> Result<()> {
    let detached =
        pinned_object::open(&pins.link()).and_then(|link| pinned_object::detach(link.as_fd()));
    match detached {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome.context(format!("taking the filter off {}", pins.interface())),
    }
}

/// Whether a filter was detached that the kernel has not taken off yet: it does so a
/// moment after nobody holds the link any more.
pub fn is_going(interface: &Interface) -> bool {
    let pins = Pins::of(&interface.name);
    let is_ours = |id| FILTERS.contains(&name_of(id).as_str());
    !pins.exist() && interface.xdp.is_some_and(|xdp| is_ours(xdp.id))
}

/// As the kernel cuts them (`BPF_OBJ_NAME_LEN`, `include/uapi/linux/bpf.h`).
const FILTERS: [&str; 2] = ["synguard", "synguard_frags"];

fn name_of(id: u32) -> String {
    loaded_programs()
        .flatten()
        .find(|program| program.id() == id)
        .and_then(|program| program.name_as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Names a program that somebody else put on the interface.
pub(super) fn foreign(interface: &Interface, id: u32) -> Error {
    let name = name_of(id);
    Error::Busy(format!(
        "{0} already has an XDP program: {name:?}, id {id}; `bpftool prog show id {id}` and \
         `ip link show {0}` show it; remove it first if you can do without it",
        interface.name,
    ))
}

/// Puts the program on the interface and pins the link, in the place of one that holds
/// nothing any more.
pub(super) fn create(
    program: &mut Xdp,
    interface: &Interface,
    mode: Mode,
    pins: &Pins,
) -> Result<Attachment> {
    let attempt = |program: &mut Xdp, mode| {
        program
            .attach_to_if_index(interface.index, mode)
            .map_err(|error| explain(&error))
    };
    let (id, attachment) = match mode {
        Mode::Native => (attempt(program, XdpMode::Driver), native(None)),
        Mode::Generic => (attempt(program, XdpMode::Skb), generic(None)),
        Mode::Auto => match attempt(program, XdpMode::Driver) {
            Ok(id) => (Ok(id), native(None)),
            Err(why) => (attempt(program, XdpMode::Skb), generic(Some(why))),
        },
    };
    let id = id.map_err(|why| cannot_attach(interface, mode, &why))?;
    let link = take(program, id)?;
    pins.replace_link(|path| link.pin(path).context("pinning the filter").map(drop))?;
    Ok(attachment)
}

/// Lets the pinned link run this program from the next packet on.
pub(super) fn replace(program: &mut Xdp, pins: &Pins) -> Result<()> {
    let pinned = PinnedLink::from_pin(pins.link()).context("opening the pinned filter")?;
    let link = XdpLink::try_from(FdLink::from(pinned)).context("opening the pinned filter")?;
    let id = program
        .attach_to_link(link)
        .context("replacing the running filter")?;
    take(program, id)?;
    Ok(())
}

/// Takes the link away from the program, which would detach it at its end.
fn take(program: &mut Xdp, id: XdpLinkId) -> Result<FdLink> {
    let link = program.take_link(id).context("taking the filter's link")?;
    FdLink::try_from(link).context("the kernel made no link that can be pinned")
}

const fn native(fallback: Option<String>) -> Attachment {
    Attachment {
        native: true,
        fallback,
    }
}

const fn generic(fallback: Option<String>) -> Attachment {
    Attachment {
        native: false,
        fallback,
    }
}

fn cannot_attach(interface: &Interface, mode: Mode, why: &str) -> Error {
    let hint = if mode == Mode::Native {
        "; --mode generic works on any interface"
    } else {
        ""
    };
    Error::Unsupported(format!("cannot attach to {}: {why}{hint}", interface.name))
}

/// The innermost cause, which is what the driver said.
fn explain(error: &aya::programs::ProgramError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.to_string() == error.to_string() {
        return error.to_string();
    }
    format!("{error}: {cause}")
}
