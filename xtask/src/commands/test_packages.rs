//! What the end-to-end cases need besides this repository.

use anyhow::Result;

use crate::ebpf::verifier::BPFTOOL;
use crate::packages::{self, HPING3, IPROUTE2, Package};

const PACKAGES: [Package; 17] = [
    Package::program("nginx-light", "nginx", "the web server that is flooded"),
    Package::program("postfix", "postfix", "the mail server that is flooded"),
    HPING3,
    Package::program("curl", "curl", "is the honest client of the web server"),
    Package::program("swaks", "swaks", "is the honest client of the mail server"),
    Package::program("wrk", "wrk", "is the busy client of the web server"),
    Package::program("tcpreplay", "tcpreplay", "replays real captures of floods"),
    Package::program("tshark", "tshark", "counts what is in those captures"),
    Package::program("fail2ban", "fail2ban-server", "bans by SynGuard"),
    Package::program("ipset", "ipset", "writes lists to import"),
    Package::program(
        "nftables",
        "nft",
        "writes lists to import, and a host's rules",
    ),
    Package::program("iptables", "iptables-legacy", "writes a host's rules"),
    Package::program("openssl", "openssl", "makes the web server's certificate"),
    Package::program(
        "prometheus",
        "prometheus",
        "reads metrics, and raises alerts",
    ),
    Package::program("tmux", "tmux", "is the terminal of `synguard top`"),
    IPROUTE2,
    BPFTOOL,
];

/// Installs what is missing.
pub fn ensure() -> Result<()> {
    packages::ensure(&PACKAGES, "For the end-to-end tests")
}
