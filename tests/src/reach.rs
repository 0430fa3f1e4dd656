//! Whether packets from outside get through a host's own rules to a port,
//! handshake or not.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use etherparse::PacketBuilder;

use crate::namespace::Namespace;
use crate::tunnel::Tunnel;
use crate::{program, wait};

const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// A host with one interface, `wan0`, towards everybody.
#[derive(Debug)]
pub struct Host {
    /// Where its rules go.
    pub namespace: Namespace,
    wire: Tunnel,
    /// No two packets are of the same connection.
    next_source_port: u16,
}

/// What got through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// A client's SYN.
    pub syn: bool,
    /// The ACK of a client whose SYN never came.
    pub ack: bool,
}

impl Host {
    /// A host without rules.
    pub fn new() -> Result<Self> {
        let namespace = Namespace::new("host with rules")?;
        let wire = Tunnel::new(&namespace, c"wan0")?;
        namespace.batch(&[
            format!("address add {HOST}/24 dev wan0"),
            "route add default dev wan0".to_owned(),
        ])?;
        Ok(Self {
            namespace,
            wire,
            next_source_port: 20_000,
        })
    }

    /// Gives a program a script on its standard input.
    pub fn feed(&self, program: &str, arguments: &[&str], script: &str) -> Result<()> {
        let mut command = self.namespace.command(program);
        command.args(arguments).stdin(Stdio::piped());
        let mut child = program::spawn(&mut command)?;
        let input = child.child().stdin.take();
        input.context("no pipe")?.write_all(script.as_bytes())?;
        let status = child.child().wait()?;
        ensure!(status.success(), "{program} {status}: {script}");
        Ok(())
    }

    /// Sends a SYN and an ACK to the port, and sees which of them come to the
    /// end of the way in.
    pub fn reach(&mut self, port: u16) -> Result<Reach> {
        self.feed("nft", &["-f", "-"], &counters(port))?;
        self.send(port, true)?;
        self.send(port, false)?;
        wait::until_true("both packets", wait::GENEROUS, || {
            self.counted("came").is_ok_and(|packets| packets == 2)
        })?;
        Ok(Reach {
            syn: self.counted("syn")? == 1,
            ack: self.counted("ack")? == 1,
        })
    }

    fn send(&mut self, port: u16, syn: bool) -> Result<()> {
        self.next_source_port += 1;
        let ip = PacketBuilder::ipv4(CLIENT.octets(), HOST.octets(), 64);
        let tcp = ip.tcp(self.next_source_port, port, 1, 64_240);
        let tcp = if syn { tcp.syn() } else { tcp.ack(1) };
        let mut packet = Vec::new();
        tcp.write(&mut packet, &[])?;
        self.wire.send(&packet).context("sending a packet")
    }

    fn counted(&self, counter: &str) -> Result<u64> {
        let arguments = ["-j", "list", "counter", "inet", "reach", counter];
        let shown = self.namespace.run("nft", &arguments)?;
        let shown: serde_json::Value = serde_json::from_str(&shown)?;
        let packets = shown.pointer("/nftables/1/counter/packets");
        packets
            .and_then(serde_json::Value::as_u64)
            .with_context(|| format!("no counter: {shown}"))
    }
}

/// A fresh table that counts what comes in first of all, and last of all.
fn counters(port: u16) -> String {
    format!(
        "table inet reach\n\
         delete table inet reach\n\
         table inet reach {{\n\
         counter came {{ }}\n\
         counter syn {{ }}\n\
         counter ack {{ }}\n\
         chain first {{ type filter hook prerouting priority -1000;\n\
         ip saddr {CLIENT} counter name came\n\
         }}\n\
         chain last {{ type filter hook input priority 1000;\n\
         ip saddr {CLIENT} tcp dport {port} tcp flags == syn counter name syn\n\
         ip saddr {CLIENT} tcp dport {port} tcp flags == ack counter name ack\n\
         }}\n\
         }}\n"
    )
}
