//! pcap: one link type, records of a header and a packet (draft-ietf-opsawg-pcap).

use std::io::Read;

use pcap_parser::PcapError;
use pcap_parser::nom::{Err as Stop, IResult, Needed};
use pcap_parser::pcap::{
    LegacyPcapBlock, PcapHeader, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use super::damage::Unreadable;
use super::frame::Frame;
use super::link::Link;
use super::window::Window;

const HEADER_LEN: usize = 24;
/// More than libpcap ever captures of a packet (`MAXIMUM_SNAPLEN`: 262,144 bytes): a
/// record that claims more is none.
const MOST: usize = 1 << 20;

/// What a record's header never is: a packet of no length, in the first microsecond of
/// 1970. Where a machine stops, its file may end in zeros.
const NOTHING: [u8; 16] = [0; 16];

type Parse = fn(&[u8]) -> IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>>;

/// A pcap file behind its header.
pub(super) struct Classic {
    parse: Parse,
    pub(super) link: Link,
    /// Units of a stamp's fraction in a second.
    fractions: u32,
}

impl Classic {
    pub(super) fn open(window: &mut Window<impl Read>) -> Result<Self, Unreadable> {
        let bytes = window.peek(HEADER_LEN).map_err(unreadable)?;
        let Ok((_, header)) = parse_pcap_header(bytes) else {
            return Err(Unreadable(format!(
                "ends within its header: {} of {HEADER_LEN} bytes are there",
                bytes.len()
            )));
        };
        window.advance(HEADER_LEN);
        let link = Link::of(header.network.0.cast_unsigned());
        if let Link::Other(number) = link {
            return Err(Unreadable(format!(
                "holds packets of link type {number}, which SynGuard cannot read: it reads \
                 Ethernet, Linux cooked, raw IP and BSD loopback"
            )));
        }
        Ok(Self {
            parse: parser(&header),
            link,
            fractions: if header.is_nanosecond_precision() {
                1_000_000_000
            } else {
                1_000_000
            },
        })
    }

    /// Brings the next record into the window and gives its length; nothing at the end.
    pub(super) fn bring(&self, window: &mut Window<impl Read>) -> Result<Option<usize>, String> {
        let mut wanted = 1;
        loop {
            let there = window
                .peek(wanted)
                .map_err(|error| error.to_string())?
                .len();
            if there == 0 {
                return Ok(None);
            }
            if there < wanted {
                return Err(format!(
                    "the file ends within its record: {there} of {wanted} bytes are there"
                ));
            }
            let seen = window.seen(usize::MAX);
            if seen.starts_with(&NOTHING) {
                return Err(
                    "its record is nothing but zeros: they stand where the capture was \
                            not written to its end"
                        .to_owned(),
                );
            }
            match (self.parse)(seen) {
                Ok((rest, _)) => return Ok(Some(seen.len() - rest.len())),
                Err(Stop::Incomplete(Needed::Size(more))) => wanted = seen.len() + more.get(),
                Err(_) => return Err("its record cannot be read".to_owned()),
            }
            if wanted > MOST {
                return Err(format!("its record claims to be {wanted} bytes long"));
            }
        }
    }

    /// Reads a record that was brought.
    pub(super) fn frame<'a>(&self, record: &'a [u8]) -> Result<Frame<'a>, String> {
        let Ok((_, block)) = (self.parse)(record) else {
            return Err("its record cannot be read".to_owned());
        };
        if block.ts_usec >= self.fractions {
            return Err(format!(
                "its time stamp counts {} of {} parts of a second",
                block.ts_usec, self.fractions
            ));
        }
        let fraction = u64::from(block.ts_usec) * u64::from(1_000_000_000 / self.fractions);
        Ok(Frame {
            nanos: u64::from(block.ts_sec) * 1_000_000_000 + fraction,
            data: block.data,
            wire_len: block.origlen,
            link: self.link,
            direction: self.link.direction(block.data),
        })
    }
}

fn parser(header: &PcapHeader) -> Parse {
    if header.is_modified_format() {
        parse_pcap_frame_modified
    } else if header.is_bigendian() {
        parse_pcap_frame_be
    } else {
        parse_pcap_frame
    }
}

pub(super) fn unreadable(error: std::io::Error) -> Unreadable {
    Unreadable(format!("cannot be read: {error}"))
}
