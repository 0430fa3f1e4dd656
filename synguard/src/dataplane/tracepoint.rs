//! Counting completed handshakes: the `sock:inet_sock_set_state` tracepoint.

use std::path::Path;
use std::{fs, io};

use aya::Ebpf;
use aya::programs::TracePoint;
use aya::programs::links::FdLink;
use rustix::mount::{MountFlags, mount};

use super::pins::Pins;
use crate::error::Context as _;
use crate::{Error, Result};

const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
const EVENT: &str = "events/sock/inet_sock_set_state/format";
const PROGRAM: &str = "synguard_handshake";

/// Where the fields of the tracepoint lie, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offsets {
    pub(super) old_state: u32,
    pub(super) new_state: u32,
    pub(super) peer: u32,
}

impl Offsets {
    /// Reads the kernel's own description, mounting tracefs where it is missing.
    pub(super) fn read() -> Result<Self> {
        Self::described(read_format())
    }

    /// The same, where tracefs is mounted; otherwise nothing.
    pub(super) fn look() -> Option<Result<Self>> {
        let mounted = |root: &&&str| Path::new(root).join("events").exists();
        let root = TRACEFS.iter().find(mounted)?;
        let format = fs::read_to_string(Path::new(root).join(EVENT));
        Some(Self::described(format))
    }

    fn described(format: io::Result<String>) -> Result<Self> {
        let format = format.map_err(|error| {
            Error::Unsupported(format!(
                "this kernel shows no tracepoint sock:inet_sock_set_state ({error})"
            ))
        })?;
        Self::parse(&format).ok_or_else(|| {
            Error::Unsupported(
                "the tracepoint sock:inet_sock_set_state has other fields than known".to_owned(),
            )
        })
    }

    /// Nothing where a field is missing or has another size than the program
    /// reads.
    fn parse(format: &str) -> Option<Self> {
        Some(Self {
            old_state: field(format, "oldstate", 4)?,
            new_state: field(format, "newstate", 4)?,
            peer: field(format, "daddr_v6[16]", 16)?,
        })
    }
}

/// The offset of a field in lines like
/// `field:int oldstate;  offset:16;  size:4;  signed:1;`.
fn field(format: &str, name: &str, size: u32) -> Option<u32> {
    let declares = |line: &&str| {
        line.trim_start()
            .strip_prefix("field:")
            .and_then(|rest| rest.split(';').next())
            .is_some_and(|declaration| declaration.split_whitespace().last() == Some(name))
    };
    let line = format.lines().find(declares)?;
    let number = |key: &str| -> Option<u32> {
        line.split(';')
            .find_map(|part| part.trim().strip_prefix(key))?
            .parse()
            .ok()
    };
    (number("size:")? == size).then(|| number("offset:"))?
}

fn read_format() -> io::Result<String> {
    let read = || {
        TRACEFS
            .iter()
            .find_map(|root| fs::read_to_string(Path::new(root).join(EVENT)).ok())
    };
    if let Some(format) = read() {
        return Ok(format);
    }
    mount("tracefs", TRACEFS[0], "tracefs", MountFlags::empty(), None)?;
    read().ok_or_else(|| io::Error::other(format!("no {EVENT}")))
}

/// Attaches the program and pins it, so that it goes on without this process.
///
/// Before Linux 5.15 the kernel cannot pin it: it then ends with this process,
/// and so does promotion, which alone needs it.
pub(super) fn attach(ebpf: &mut Ebpf, pins: &Pins) -> Result<()> {
    let program: &mut TracePoint = ebpf
        .program_mut(PROGRAM)
        .ok_or_else(|| format!("the object has no program {PROGRAM}"))
        .context("reading the eBPF object")?
        .try_into()
        .context(format!("reading the program {PROGRAM}"))?;
    program.load().context("loading the handshake program")?;
    let id = program
        .attach("sock", "inet_sock_set_state")
        .context("attaching to the tracepoint")?;
    if !can_pin() {
        return Ok(());
    }
    let link = program
        .take_link(id)
        .context("taking the tracepoint's link")?;
    let link = FdLink::try_from(link).context("taking the tracepoint's link")?;
    // The old one goes only now that the new one counts.
    pins.remove_handshake()?;
    link.pin(pins.handshake())
        .context("pinning the tracepoint's link")?;
    Ok(())
}

/// Tracepoints have links, which can be pinned, from Linux 5.15 on.
pub(super) fn can_pin() -> bool {
    aya::features().bpf_perf_link()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: &str = "\
name: inet_sock_set_state
ID: 1600
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

\tfield:const void * skaddr;\toffset:8;\tsize:8;\tsigned:0;
\tfield:int oldstate;\toffset:16;\tsize:4;\tsigned:1;
\tfield:int newstate;\toffset:20;\tsize:4;\tsigned:1;
\tfield:__u8 daddr[4];\toffset:36;\tsize:4;\tsigned:0;
\tfield:__u8 daddr_v6[16];\toffset:56;\tsize:16;\tsigned:0;
";

    #[test]
    fn offsets_come_from_the_kernels_own_description() {
        assert_eq!(
            Offsets::parse(FORMAT),
            Some(Offsets {
                old_state: 16,
                new_state: 20,
                peer: 56
            })
        );
    }

    #[test]
    fn a_missing_or_resized_field_is_not_guessed() {
        for (from, to) in [
            ("oldstate", "before"),
            ("daddr_v6[16]", "daddr_v6[32]"),
            ("offset:20;\tsize:4", "offset:20;\tsize:8"),
        ] {
            assert_eq!(Offsets::parse(&FORMAT.replace(from, to)), None, "{from}");
        }
    }
}
