//! pcapng as it is written: one section, one Ethernet interface, a comment on each
//! packet (draft-ietf-opsawg-pcapng, sections 3.5, 4.1, 4.2 and 4.3).

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use pcap_parser::{
    EnhancedPacketBlock, InterfaceDescriptionBlock, Linktype, OptionCode, PcapNGOption,
    SectionHeaderBlock, ToVec,
};

use crate::Result;
use crate::error::Context as _;

/// `shb_userappl`, `if_name`, `if_tsresol` and `epb_flags`.
const SHB_USERAPPL: OptionCode = OptionCode(4);
const IF_NAME: OptionCode = OptionCode(2);
const IF_TSRESOL: OptionCode = OptionCode(9);
const EPB_FLAGS: OptionCode = OptionCode(2);
/// Ten to the power of minus this many seconds: nanoseconds.
const NANOSECONDS: u8 = 9;
/// It came in.
const INBOUND: [u8; 4] = [1, 0, 0, 0];
/// The length of what follows is not known yet.
const UNKNOWN: i64 = -1;

/// A packet to be written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// When it came.
    pub time: SystemTime,
    /// The frame, as far as it is there.
    pub bytes: &'a [u8],
    /// How long it was, in bytes.
    pub wire_len: u32,
    /// What there is to say of it.
    pub comment: &'a str,
}

/// What a file begins with: the section, by `program`, and the interface, of whose
/// packets `snap_len` bytes are written at most.
///
/// # Errors
///
/// None that is known of; so below.
pub fn begin(program: &str, interface: &str, snap_len: u32, comment: &str) -> Result<Vec<u8>> {
    let mut section = SectionHeaderBlock {
        block_type: 0,
        block_len1: 0,
        bom: 0,
        major_version: 1,
        minor_version: 0,
        section_len: UNKNOWN,
        options: vec![
            option(OptionCode::Comment, comment.as_bytes())?,
            option(SHB_USERAPPL, program.as_bytes())?,
        ],
        block_len2: 0,
    };
    let mut description = InterfaceDescriptionBlock {
        block_type: 0,
        block_len1: 0,
        linktype: Linktype::ETHERNET,
        reserved: 0,
        snaplen: snap_len,
        options: vec![
            option(IF_NAME, interface.as_bytes())?,
            option(IF_TSRESOL, &[NANOSECONDS])?,
        ],
        block_len2: 0,
        if_tsresol: NANOSECONDS,
        if_tsoffset: 0,
    };
    let mut bytes = section.to_vec().context("writing a pcapng section")?;
    bytes.extend(description.to_vec().context("writing a pcapng interface")?);
    Ok(bytes)
}

/// One packet.
pub fn packet(packet: &Written<'_>) -> Result<Vec<u8>> {
    let since = packet.time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    let mut block = EnhancedPacketBlock {
        block_type: 0,
        block_len1: 0,
        if_id: 0,
        ts_high: (nanos >> 32) as u32,
        ts_low: nanos as u32,
        caplen: u32::try_from(packet.bytes.len()).context("writing a packet")?,
        origlen: packet.wire_len,
        data: packet.bytes,
        options: vec![
            option(OptionCode::Comment, packet.comment.as_bytes())?,
            option(EPB_FLAGS, &INBOUND)?,
        ],
        block_len2: 0,
    };
    block.to_vec().context("writing a packet")
}

fn option(code: OptionCode, value: &[u8]) -> Result<PcapNGOption<'_>> {
    Ok(PcapNGOption {
        code,
        len: u16::try_from(value.len()).context("writing a pcapng option")?,
        value: Cow::Borrowed(value),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pcap::{Direction, Reader};

    #[test]
    fn what_is_written_is_read() {
        let bytes: Vec<_> = (0..=255_u8).collect();
        let mut file = begin("synguard", "eth0.7", 256, "a test").unwrap();
        for len in 0..=bytes.len() {
            let time = UNIX_EPOCH + Duration::new(1_800_000_000, 123_456_789);
            let written = Written {
                time: time + Duration::from_nanos(len as u64),
                bytes: &bytes[..len],
                wire_len: 1_500,
                comment: &"é".repeat(len),
            };
            file.extend(packet(&written).unwrap());
        }
        let mut reader = Reader::open(&file[..]).unwrap();
        for len in 0..=bytes.len() {
            let frame = reader.read().unwrap().unwrap();
            assert_eq!(frame.data, &bytes[..len]);
            assert_eq!(frame.nanos, 1_800_000_000_123_456_789 + len as u64);
            assert_eq!(frame.wire_len, 1_500);
            assert_eq!(frame.direction, Direction::In);
        }
        assert!(reader.read().unwrap().is_none());
        let interfaces = reader.interfaces();
        assert_eq!(interfaces[0].name.as_deref(), Some("eth0.7"));
    }
}
