//! xdp-filter of xdp-tools, loaded as its users do.

use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use anyhow::{Context, Result};
use synguard_tests::foreign;
use synguard_tests::mounts::Mounts;
use synguard_tests::program;
use synguard_tests::topology::Topology;

use crate::kernel;

/// Attached to the lab's uplink until dropped.
pub struct XdpFilter {
    topology: Topology,
    mounts: Mounts,
    program: OwnedFd,
}

impl XdpFilter {
    /// Loads it with no more features than this job needs, which is the fastest
    /// that it can be, and blocks `sources`.
    pub fn load(topology: &Topology, sources: &[IpAddr]) -> Result<Self> {
        let mounts = Mounts::fresh()?;
        let uplink = &topology.uplink;
        run(
            topology,
            &mounts,
            &["mount", "-t", "bpf", "bpf", "/sys/fs/bpf"],
        )?;
        let load = [
            "xdp-filter",
            "load",
            "-m",
            "native",
            "-f",
            "ipv4,ipv6",
            uplink,
        ];
        run(topology, &mounts, &load)?;
        for source in sources {
            run(
                topology,
                &mounts,
                &["xdp-filter", "ip", &source.to_string(), "-m", "src"],
            )?;
        }
        let id = foreign::attached_id(&topology.host, uplink)?.context("it is not attached")?;
        let program = kernel::program_by_id(u32::try_from(id)?)?;
        Ok(Self {
            topology: topology.clone(),
            mounts,
            program,
        })
    }

    /// How many packets it has dropped.
    pub fn dropped(&self) -> Result<u64> {
        let shown = run(&self.topology, &self.mounts, &["xdp-filter", "status"])?;
        // `XDP_DROP    12 pkts    0 KiB`
        let line = shown.lines().find(|line| line.contains("XDP_DROP"));
        let word = line.and_then(|line| line.split_whitespace().nth(1));
        word.context("xdp-filter shows no drops")?
            .parse()
            .context("xdp-filter shows no number")
    }

    /// Its program.
    pub fn program(&self) -> BorrowedFd<'_> {
        self.program.as_fd()
    }
}

impl Drop for XdpFilter {
    fn drop(&mut self) {
        let uplink = &self.topology.uplink;
        // It would go with the lab's interface and mounts anyway.
        let _ = run(
            &self.topology,
            &self.mounts,
            &["xdp-filter", "unload", uplink],
        );
    }
}

fn run(topology: &Topology, mounts: &Mounts, words: &[&str]) -> Result<String> {
    let (first, arguments) = words.split_first().context("no command")?;
    let mut command = topology.host.command(first);
    command.args(arguments);
    mounts.enter(&mut command);
    program::run(&mut command)
}
