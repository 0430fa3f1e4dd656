//! `cargo xtask bench`.

use std::ffi::OsString;

use anyhow::{Result, ensure};

use super::{build, test_packages};
use crate::packages::{self, Package};
use crate::toolchain::{self, Purpose};
use crate::workspace::Workspace;
use crate::{ebpf, process, user};

/// What SynGuard is compared with.
const PEERS: [Package; 6] = [
    Package::program("xdp-tools", "xdp-filter", "is a peer: xdp-filter"),
    Package::program("nftables", "nft", "is a peer"),
    Package::program("iptables", "iptables", "is a peer, together with ipset"),
    Package::program("ipset", "ipset", "is a peer, together with iptables"),
    Package::program("tcpdump", "tcpdump", "reads captures too"),
    Package::program("ethtool", "ethtool", "lets a veth take what is sent to it"),
];

/// Builds everything and runs the benchmark.
pub fn run(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    ensure!(
        user::is_root(),
        "the benchmark makes network namespaces and loads programs into the kernel: \
         run it as root"
    );
    let ready = toolchain::ensure(workspace, Purpose::Build)?;
    ebpf::build_bench(workspace, ready.toolchain)?;
    build::release(workspace)?;
    test_packages::ensure()?;
    packages::ensure(&PEERS, "To compare with")?;
    let mut command = super::test::with_product(workspace, "run");
    command
        .args(["--release", "--package", "synguard-bench", "--"])
        .args(args);
    process::run(&mut command)
}
