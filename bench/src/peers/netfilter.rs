//! nft, and iptables with ipset, each the fastest way that it has. Their rules
//! live in the lab's namespace and go with it.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use synguard_tests::topology::Topology;

/// nft at the netdev ingress hook, before anything else of the kernel.
pub struct Nft(Topology);

impl Nft {
    /// Blocks `source` at the lab's uplink.
    pub fn load(topology: &Topology, source: Ipv4Addr) -> Result<Self> {
        let uplink = &topology.uplink;
        let rules = format!(
            "table netdev bench {{
                set blocked {{ type ipv4_addr; elements = {{ {source} }} }}
                chain ingress {{
                    type filter hook ingress device \"{uplink}\" priority 0; policy accept;
                    ip saddr @blocked counter drop
                }}
            }}"
        );
        load(topology, &rules)?;
        Ok(Self(topology.clone()))
    }

    /// How many packets it has dropped.
    pub fn dropped(&self) -> Result<u64> {
        let shown = self
            .0
            .host
            .run("nft", &["list", "chain", "netdev", "bench", "ingress"])?;
        // `ip saddr @blocked counter packets 12 bytes 624 drop`
        number_after(&shown, "packets").context("nft shows no counter")
    }
}

/// iptables in the raw table, which comes before connection tracking.
pub struct Iptables(Topology);

impl Iptables {
    /// Blocks `source` in the lab's host.
    pub fn load(topology: &Topology, source: Ipv4Addr) -> Result<Self> {
        let run = |program, words: &str| {
            let words: Vec<_> = words.split(' ').collect();
            topology.host.run(program, &words)
        };
        run("ipset", "create blocked hash:ip")?;
        run("ipset", &format!("add blocked {source}"))?;
        run(
            "iptables",
            "-t raw -A PREROUTING -m set --match-set blocked src -j DROP",
        )?;
        Ok(Self(topology.clone()))
    }

    /// How many packets it has dropped.
    pub fn dropped(&self) -> Result<u64> {
        let list = ["-t", "raw", "-nvxL", "PREROUTING"];
        let shown = self.0.host.run("iptables", &list)?;
        let line = shown.lines().find(|line| line.contains("DROP"));
        let word = line.and_then(|line| line.split_whitespace().next());
        word.and_then(|word| word.parse().ok())
            .context("iptables shows no counter")
    }
}

/// Loads rules of nft in the lab's host.
pub(super) fn load(topology: &Topology, rules: &str) -> Result<()> {
    let mut command = topology.host.command("nft");
    command.args(["-f", "-"]).stdin(Stdio::piped());
    let mut child = command.spawn().context("cannot start nft")?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(rules.as_bytes())?;
    }
    ensure!(child.wait()?.success(), "nft refuses its rules");
    Ok(())
}

fn number_after(text: &str, word: &str) -> Option<u64> {
    let mut words = text.split_whitespace().skip_while(|next| *next != word);
    words.nth(1)?.parse().ok()
}
