//! What the end-to-end cases need besides this repository.

use anyhow::Result;

use crate::ebpf::verifier::BPFTOOL;
use crate::packages::{self, Package};

const PACKAGES: [Package; 13] = [
    Package::program("nginx-light", "nginx", "the web server that is flooded"),
    Package::program("postfix", "postfix", "the mail server that is flooded"),
    Package::program("hping3", "hping3", "sends SYN floods"),
    Package::program("curl", "curl", "is the honest client of the web server"),
    Package::program("swaks", "swaks", "is the honest client of the mail server"),
    Package::program("openssl", "openssl", "makes the web server's certificate"),
    Package::program("tcpdump", "tcpdump", "records what arrives"),
    Package::program("tshark", "tshark", "reads what SynGuard records"),
    Package::program("ethtool", "ethtool", "sets the offloads of virtual links"),
    Package::program("iproute2", "ip", "makes network namespaces and links"),
    BPFTOOL,
    Package::program("nftables", "nft", "is another firewall, to coexist with"),
    Package::program("procps", "pgrep", "finds processes that a test left behind"),
];

/// Installs what is missing.
pub fn ensure() -> Result<()> {
    packages::ensure(&PACKAGES, "For the end-to-end tests")
}
