//! The SYN-ACKs that arrive at an interface, as tshark reads them.

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::controller::Controller;
use crate::namespace::Namespace;
use crate::program;
use crate::wait;

/// tshark says 1 where a checksum is right, and nothing of a header without one.
const GOOD: &str = "1";

/// A filter looks into TCP over IPv4 alone: for IPv6 the flags are 13 bytes behind its
/// header.
const FILTER: &str = "tcp[13] & 0x12 = 0x12 or (ip6[6] = 6 and ip6[53] & 0x12 = 0x12)";

/// Of all that arrives, and behind any tags, which a filter would have to know of.
const ARRIVING: &str = "inbound";
const SYN_ACKS: &str = "tcp.flags & 0x012 == 0x012";

const FIELDS: [&str; 10] = [
    "ip.checksum.status",
    "tcp.checksum.status",
    "tcp.hdr_len",
    "tcp.options.mss_val",
    "tcp.options.wscale.shift",
    "tcp.options.sack_perm",
    "tcp.options.timestamp.tsval",
    "ip.src",
    "ieee8021ad.id",
    "vlan.id",
];

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynAck {
    /// Whether all of its checksums are right.
    pub sound: bool,
    /// The length of its TCP header.
    pub header_len: u32,
    /// Whether it has an MSS, a window scale, SACK permitted and a timestamp.
    pub options: [bool; 4],
    /// The MSS.
    pub mss: Option<u32>,
    /// VLAN identifiers, the outermost first.
    pub tags: Vec<u16>,
}

/// A running capture.
#[derive(Debug)]
pub struct SynAcks {
    tshark: Controller,
    folder: TempDir,
}

impl SynAcks {
    /// Begins, and returns once packets are seen.
    ///
    /// # Errors
    /// When tshark is missing or cannot capture.
    pub fn start(namespace: &Namespace, interface: &str) -> Result<Self> {
        Self::capture(namespace, interface, &["-f", FILTER])
    }

    /// Begins a capture that ends after `count` packets have arrived. Tagged ones are
    /// among them.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub fn first(namespace: &Namespace, interface: &str, count: usize) -> Result<Self> {
        let count = count.to_string();
        Self::capture(namespace, interface, &["-f", ARRIVING, "-c", &count])
    }

    fn capture(namespace: &Namespace, interface: &str, arguments: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = namespace.command("tshark");
        command.args(["-i", interface]).args(arguments);
        command.arg("-w").arg(folder.path().join("file"));
        let tshark = Controller::start(&mut command)?;
        tshark.wait_for("Capture started")?;
        Ok(Self { tshark, folder })
    }

    /// Ends the capture once it holds `count`, and gives them.
    ///
    /// # Errors
    /// When they do not come, or tshark cannot read what it wrote.
    pub fn finish(self, count: usize) -> Result<Vec<SynAck>> {
        wait::until_true("the SYN-ACKs in the capture", wait::GENEROUS, || {
            // A file that is being written may end in the middle of a packet.
            read(&self.folder).is_ok_and(|seen| seen.len() >= count)
        })?;
        self.tshark.interrupt()?;
        read(&self.folder)
    }

    /// Waits for the end of a capture that has one, and gives them.
    ///
    /// # Errors
    /// As for [`Self::finish`].
    pub fn all(self) -> Result<Vec<SynAck>> {
        let (status, log) = self.tshark.wait()?;
        ensure!(status.success(), "{log}");
        read(&self.folder)
    }
}

fn read(folder: &TempDir) -> Result<Vec<SynAck>> {
    let mut command = program::command("tshark");
    command.arg("-r").arg(folder.path().join("file"));
    command.args(["-n", "-o", "ip.check_checksum:TRUE"]);
    command.args(["-o", "tcp.check_checksum:TRUE"]);
    command.args(["-Y", SYN_ACKS, "-T", "fields", "-E", "separator=|"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    program::run(&mut command)?.lines().map(syn_ack).collect()
}

fn syn_ack(line: &str) -> Result<SynAck> {
    let fields: Vec<_> = line.split('|').collect();
    ensure!(fields.len() == FIELDS.len(), "tshark's {line:?}");
    let [
        ip,
        tcp,
        header_len,
        mss,
        scale,
        sack,
        stamp,
        source_v4,
        outer,
        inner,
    ] = std::array::from_fn(|i| fields[i]);
    // IPv6 has no checksum of its own.
    let ip_sound = ip == GOOD || source_v4.is_empty();
    let tags = [outer, inner].into_iter().flat_map(|tags| tags.split(','));
    Ok(SynAck {
        sound: ip_sound && tcp == GOOD,
        header_len: header_len.parse().context("a length")?,
        options: [mss, scale, sack, stamp].map(|value| !value.is_empty()),
        mss: mss.parse().ok(),
        tags: tags.filter_map(|tag| tag.parse().ok()).collect(),
    })
}
