//! Real captures of floods, where the machine has them: found by an
//! environment variable, counted by real tshark, replayed by real tcpreplay.

use std::collections::HashMap;
use std::env;
use std::io::{Write as _, stderr};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::program::{self, Guarded};
use crate::topology::{PROVIDER_END, Topology};
use crate::wait;

/// The environment variable with the folder of the captures.
pub const FOLDER: &str = "SYNGUARD_CAPTURES";

/// A SYN as everywhere else here: SYN set and ACK clear, whatever the other
/// flags say.
const SYN: &str = "tcp.flags.syn==1 && tcp.flags.ack==0";

/// No replay of the lab is faster.
const MAX_PER_SECOND: u32 = 20_000;

/// One capture file.
#[derive(Debug, Clone)]
pub struct RealCapture(PathBuf);

/// What tshark finds in one.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// All frames.
    pub frames: u64,
    /// SYNs of each source.
    pub syns: HashMap<IpAddr, u64>,
}

impl RealCapture {
    /// The capture of this name, or `None` where the machine has no captures,
    /// which the test's output then says.
    ///
    /// # Errors
    /// When the machine is said to have them and this one is missing.
    pub fn find(name: &str) -> Result<Option<Self>> {
        let Some(folder) = env::var_os(FOLDER) else {
            // Not by a macro that the test harness would keep to itself, and at
            // once, as other tests write too.
            let skipped = format!("SKIPPED: {name} is not replayed, as {FOLDER} is not set\n");
            stderr().write_all(skipped.as_bytes())?;
            return Ok(None);
        };
        let path = PathBuf::from(folder).join(name);
        ensure!(
            path.is_file(),
            "{FOLDER} is set, but there is no {}",
            path.display()
        );
        Ok(Some(Self(path)))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Has tshark count what is in it.
    pub fn contents(&self) -> Result<Contents> {
        let mut contents = Contents {
            frames: self.fields("frame", &["frame.number"])?.lines().count() as u64,
            ..Contents::default()
        };
        let sources = self.fields(SYN, &["ip.src", "ipv6.src"])?;
        for line in sources.lines() {
            let source = line.trim().parse();
            let source = source.with_context(|| format!("tshark's source: {line:?}"))?;
            *contents.syns.entry(source).or_default() += 1;
        }
        Ok(contents)
    }

    /// A line with these fields for each frame that the filter picks.
    fn fields(&self, filter: &str, fields: &[&str]) -> Result<String> {
        // Somebody's own profile may have other ideas of what is TCP.
        let profile = TempDir::new()?;
        let mut command = program::command("tshark");
        command.env("WIRESHARK_CONFIG_DIR", profile.path());
        command.arg("-n").arg("-r").arg(&self.0);
        command.args(["-Y", filter, "-T", "fields"]);
        for field in fields {
            command.args(["-e", field]);
        }
        program::run(&mut command)
    }

    /// Starts to send its frames, as they are, from `internet` into the uplink:
    /// evenly, so that they come as they would from a line and no queue on the
    /// way runs over.
    ///
    /// # Errors
    /// When that is beyond the lab's bounds, or tcpreplay is missing.
    pub fn replay(&self, topology: &Topology, per_second: u32) -> Result<Replay> {
        ensure!(
            (1..=MAX_PER_SECOND).contains(&per_second),
            "a replay beyond the lab's bounds"
        );
        let mut command = topology.internet.command("tcpreplay");
        command.args(["--intf1", PROVIDER_END, "--preload-pcap"]);
        command.arg("--pps").arg(per_second.to_string());
        command.arg(&self.0);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = program::spawn(&mut command)?;
        Ok(Replay(process))
    }
}

impl Contents {
    /// All SYNs.
    pub fn total_syns(&self) -> u64 {
        self.syns.values().sum()
    }

    /// The sources that send more than `limit` SYNs.
    pub fn heavy(&self, limit: u64) -> HashMap<IpAddr, u64> {
        let all = self.syns.iter();
        all.filter(|(_, count)| **count > limit)
            .map(|(source, count)| (*source, *count))
            .collect()
    }
}

/// A replay under way; dropping it ends it.
#[derive(Debug)]
pub struct Replay(Guarded);

impl Replay {
    /// Waits for its end.
    ///
    /// # Errors
    /// When tcpreplay failed.
    pub fn finish(mut self) -> Result<()> {
        let child = self.0.child();
        let ended = || child.try_wait().transpose();
        let status = wait::until("the replay to end", wait::GENEROUS, ended)??;
        ensure!(status.success(), "tcpreplay: {status}");
        Ok(())
    }
}
