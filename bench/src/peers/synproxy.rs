//! nft's synproxy: Netfilter answers SYNs with cookies.

use anyhow::{Context as _, Result};
use synguard_tests::topology::Topology;

use super::netfilter;

/// In front of one port of the lab's host, whose namespace it goes with.
pub struct Synproxy;

impl Synproxy {
    /// Loads the rules and sets the sysctls that nft(8) gives for it.
    pub fn load(topology: &Topology, port: u16) -> Result<Self> {
        let rules = format!(
            "table ip bench {{
                chain prerouting {{
                    type filter hook prerouting priority raw; policy accept;
                    tcp dport {port} tcp flags syn notrack
                }}
                chain input {{
                    type filter hook input priority filter; policy accept;
                    tcp dport {port} ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm
                    ct state invalid drop
                }}
            }}"
        );
        netfilter::load(topology, &rules)?;
        for (sysctl, value) in [
            ("ipv4/tcp_syncookies", "1"),
            ("ipv4/tcp_timestamps", "1"),
            ("netfilter/nf_conntrack_tcp_loose", "0"),
        ] {
            topology.host.sysctl(sysctl, value)?;
        }
        Ok(Self)
    }

    /// SYNs that it has answered, in /proc/net/stat/synproxy of the calling thread's
    /// namespace.
    pub fn answered(topology: &Topology) -> Result<u64> {
        let read = || std::fs::read_to_string("/proc/thread-self/net/stat/synproxy");
        let text = topology.host.inside(read)?.context("no synproxy")?;
        // A line for each core; the second number counts SYNs.
        let counts = text.lines().skip(1).map(|line| {
            let word = line.split_whitespace().nth(1).unwrap_or_default();
            u64::from_str_radix(word, 16).context("synproxy shows no number")
        });
        counts.sum()
    }
}
