//! pcapng: blocks, among them sections, interfaces and packets
//! (draft-ietf-opsawg-pcapng).

use std::io::Read;

use pcap_parser::{
    Block, EPB_MAGIC, EnhancedPacketBlock, IDB_MAGIC, InterfaceDescriptionBlock, OptionCode,
    PcapNGOption, SHB_MAGIC, SPB_MAGIC, SimplePacketBlock, parse_block_be, parse_block_le,
};

use super::frame::{Direction, Frame};
use super::link::Link;
use super::reader::Interface;
use super::stamp::Resolution;
use super::window::Window;

/// As Wireshark has it (`wiretap/pcapng.c`): what claims to be longer is no block.
const MOST: usize = 16 << 20;
/// What every block begins with, and the byte order of a section's.
const HEAD: usize = 12;
/// A byte order that reads backwards.
const SWAPPED: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];
/// More interfaces than any host has; each costs memory.
const MOST_INTERFACES: usize = 1 << 16;
/// Packet Block, obsolete since 2009.
const OBSOLETE_PACKET: u32 = 2;

/// `if_tsresol`, `if_tsoffset` and `epb_flags`.
const IF_TSRESOL: OptionCode = OptionCode(9);
const IF_TSOFFSET: OptionCode = OptionCode(14);
const EPB_FLAGS: OptionCode = OptionCode(2);

/// A pcapng file, and what it has said so far of its interfaces.
#[derive(Default)]
pub(super) struct NextGeneration {
    big_endian: bool,
    /// Where the present section's interfaces begin among all.
    section: usize,
    clocks: Vec<Clock>,
    pub(super) interfaces: Vec<Interface>,
    /// The last stamp: simple packets have none of their own.
    last: u64,
}

struct Clock {
    resolution: Resolution,
    /// 0 for no limit.
    snap_len: u32,
}

impl NextGeneration {
    /// Brings the next packet's block into the window, taking note of what stands
    /// before it, and gives its length; nothing at the end.
    pub(super) fn bring(
        &mut self,
        window: &mut Window<impl Read>,
    ) -> Result<Option<usize>, String> {
        loop {
            let Some((kind, len)) = self.head(window)? else {
                return Ok(None);
            };
            let block = window.peek(len).map_err(|error| error.to_string())?;
            if block.len() < len {
                return Err(format!(
                    "the file ends within a block: {} of {len} bytes are there",
                    block.len()
                ));
            }
            match kind {
                EPB_MAGIC | SPB_MAGIC => return Ok(Some(len)),
                SHB_MAGIC | IDB_MAGIC => self.note(block)?,
                OBSOLETE_PACKET => {
                    return Err(
                        "it is an obsolete Packet Block: `editcap FILE new.pcapng` makes a \
                         usual one of it"
                            .to_owned(),
                    );
                }
                _ => {}
            }
            window.advance(len);
        }
    }

    /// The kind and the length of the next block.
    fn head(&mut self, window: &mut Window<impl Read>) -> Result<Option<(u32, usize)>, String> {
        let head = window.peek(HEAD).map_err(|error| error.to_string())?;
        let words: [u8; HEAD] = match head.try_into() {
            Ok(words) => words,
            Err(_) if head.is_empty() => return Ok(None),
            Err(_) => {
                return Err(format!(
                    "the file ends within a block's header: {} of {HEAD} bytes are there",
                    head.len()
                ));
            }
        };
        let [a, b, c, d, e, f, g, h, order @ ..] = words;
        let is_section = u32::from_ne_bytes([a, b, c, d]) == SHB_MAGIC.to_be();
        if is_section {
            self.big_endian = order == SWAPPED;
        }
        let (kind, len) = (self.word([a, b, c, d]), self.word([e, f, g, h]));
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if !(HEAD..=MOST).contains(&len) || !len.is_multiple_of(4) {
            return Err(format!(
                "a block of type {kind:#x} claims to be {len} bytes long"
            ));
        }
        Ok(Some((kind, len)))
    }

    fn word(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    fn parse<'a>(&self, block: &'a [u8]) -> Result<Block<'a>, String> {
        let parsed = if self.big_endian {
            parse_block_be(block)
        } else {
            parse_block_le(block)
        };
        match parsed {
            Ok((_, parsed)) => Ok(parsed),
            Err(_) => Err("a block contradicts itself".to_owned()),
        }
    }

    fn note(&mut self, block: &[u8]) -> Result<(), String> {
        match self.parse(block)? {
            Block::SectionHeader(header) if header.major_version != 1 => Err(format!(
                "its section is of version {}",
                header.major_version
            )),
            Block::SectionHeader(_) => {
                self.section = self.interfaces.len();
                Ok(())
            }
            Block::InterfaceDescription(interface) => self.add(&interface),
            _ => Ok(()),
        }
    }

    fn add(&mut self, block: &InterfaceDescriptionBlock<'_>) -> Result<(), String> {
        if self.interfaces.len() >= MOST_INTERFACES {
            return Err(format!("more than {MOST_INTERFACES} interfaces"));
        }
        self.clocks.push(Clock {
            resolution: self.resolution(&block.options)?,
            snap_len: block.snaplen,
        });
        self.interfaces.push(Interface {
            name: block.if_name().and_then(Result::ok).map(str::to_owned),
            link: Link::of(block.linktype.0.cast_unsigned()),
            packets: 0,
        });
        Ok(())
    }

    fn resolution(&self, options: &[PcapNGOption<'_>]) -> Result<Resolution, String> {
        let value = |code| {
            let option = options.iter().find(|option| option.code == code)?;
            option.as_bytes().ok()
        };
        let offset = match value(IF_TSOFFSET).and_then(|bytes| bytes.first_chunk()) {
            Some(bytes) if self.big_endian => i64::from_be_bytes(*bytes),
            Some(bytes) => i64::from_le_bytes(*bytes),
            None => 0,
        };
        let byte = value(IF_TSRESOL).and_then(|bytes| bytes.first());
        match (byte, offset) {
            (None, 0) => Ok(Resolution::MICROS),
            (byte, offset) => {
                let byte = byte.copied().unwrap_or(6);
                Resolution::new(byte, offset)
                    .ok_or_else(|| format!("an interface counts time by {byte:#x}"))
            }
        }
    }

    /// Reads a packet's block that was brought.
    pub(super) fn frame<'a>(&mut self, block: &'a [u8]) -> Result<Frame<'a>, String> {
        match self.parse(block)? {
            Block::EnhancedPacket(packet) => self.enhanced(&packet),
            Block::SimplePacket(packet) => self.simple(&packet),
            _ => Err("a block is none of a packet".to_owned()),
        }
    }

    fn enhanced<'a>(&mut self, packet: &EnhancedPacketBlock<'a>) -> Result<Frame<'a>, String> {
        let captured = usize::try_from(packet.caplen).unwrap_or(usize::MAX);
        let data = packet
            .data
            .get(..captured)
            .ok_or("it is longer than its block")?;
        let (clock, link) = self.interface(packet.if_id)?;
        let stamp = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
        let nanos = clock.resolution.nanos(stamp);
        self.last = nanos;
        let flags = packet
            .options
            .iter()
            .find(|option| option.code == EPB_FLAGS);
        let flags = flags.and_then(|option| option.as_bytes().ok()?.first_chunk().copied());
        Ok(Frame {
            nanos,
            data,
            wire_len: packet.origlen,
            link,
            direction: match flags.map(|flags| self.word(flags) & 3) {
                Some(1) => Direction::In,
                Some(2) => Direction::Out,
                _ => link.direction(data),
            },
        })
    }

    fn simple<'a>(&mut self, packet: &SimplePacketBlock<'a>) -> Result<Frame<'a>, String> {
        let (clock, link) = self.interface(0)?;
        let snap_len = match clock.snap_len {
            0 => u32::MAX,
            snap_len => snap_len,
        };
        let captured = usize::try_from(packet.origlen.min(snap_len)).unwrap_or(usize::MAX);
        let data = packet
            .data
            .get(..captured)
            .ok_or("it is longer than its block")?;
        Ok(Frame {
            nanos: self.last,
            data,
            wire_len: packet.origlen,
            link,
            direction: link.direction(data),
        })
    }

    /// The clock and the link type of an interface of this section, which now has a
    /// packet more.
    fn interface(&mut self, id: u32) -> Result<(&Clock, Link), String> {
        let at = usize::try_from(id)
            .ok()
            .and_then(|id| self.section.checked_add(id));
        let at = at.filter(|at| *at < self.interfaces.len());
        let at = at.ok_or_else(|| format!("it names interface {id}, which is not described"))?;
        self.interfaces[at].packets += 1;
        Ok((&self.clocks[at], self.interfaces[at].link))
    }
}
