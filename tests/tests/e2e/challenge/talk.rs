//! A client of nginx that is made by hand.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Result, ensure};
use synguard_tests::address::CONTAINER;
use synguard_tests::handmade::{Handmade, Segment};

use super::Scene;

/// The client's sequence number.
const INITIAL: u32 = 1_000_000;
/// What it asks for.
pub const QUESTION: &[u8] = b"GET / HTTP/1.0\r\n\r\n";

/// A client of nginx that speaks for itself.
pub struct Talk(Handmade);

impl Talk {
    /// With another address for every port, so that none is known from before.
    pub fn new(scene: &Scene, port: u16) -> Result<Self> {
        let [high, low] = port.to_be_bytes();
        let from = SocketAddr::from((Ipv4Addr::new(198, 18, high, low), port));
        let to = SocketAddr::from((CONTAINER, 80));
        Ok(Self(Handmade::new(&scene.lab.topology, from, to)?))
    }

    /// Sends a SYN and gives the answer to it.
    pub fn open(&self, payload: &[u8]) -> Result<Segment> {
        self.open_from(payload, [None; 2])
    }

    /// The same, with a SYN from these VLANs, the outermost first.
    pub fn open_from(&self, payload: &[u8], vlans: [Option<u16>; 2]) -> Result<Segment> {
        self.0.send(&Segment {
            vlans,
            syn: true,
            sequence: INITIAL,
            // MSS 1460.
            options: vec![2, 4, 5, 180],
            payload: payload.to_vec(),
            ..Segment::default()
        })?;
        self.0.expect("a SYN-ACK", |segment| {
            segment.syn && segment.ack == Some(INITIAL + 1)
        })
    }

    /// Goes on from a SYN-ACK and is served.
    pub fn go_on(&self, syn_ack: &Segment) -> Result<()> {
        let ack = Segment {
            ack: Some(syn_ack.sequence.wrapping_add(1)),
            sequence: INITIAL + 1,
            ..Segment::default()
        };
        self.0.send(&ack)?;
        self.0.send(&Segment {
            payload: QUESTION.to_vec(),
            ..ack
        })?;
        let answer = self.0.expect("a page", |segment| {
            !segment.payload.is_empty() || segment.rst
        })?;
        let text = String::from_utf8_lossy(&answer.payload);
        ensure!(text.starts_with("HTTP/1.1 200"), "{answer:?}");
        Ok(())
    }
}
