//! Which tables the kernel holds for this network namespace, without a tool.

use std::fs;
use std::io;

use rtnetlink::sys::protocols::NETLINK_NETFILTER;
use rtnetlink::sys::{Socket, SocketAddr};

use super::packet::Family;
use crate::error::Context as _;
use crate::{Error, Result};

/// `NFT_MSG_NEWTABLE` and `NFT_MSG_GETTABLE` of `NFNL_SUBSYS_NFTABLES`
/// (`include/uapi/linux/netfilter/nfnetlink.h` and `nf_tables.h`).
const NEW_TABLE: u16 = 10 << 8;
const GET_TABLE: u16 = NEW_TABLE | 1;
/// `NFTA_TABLE_NAME`.
const NAME: u16 = 1;

/// `NLM_F_REQUEST | NLM_F_DUMP`, and the messages that end a dump
/// (`include/uapi/linux/netlink.h`).
const DUMP: u16 = 0x301;
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// Lengths of `struct nlmsghdr`, with `struct nfgenmsg`, and of `struct nlattr`.
const HEADER: usize = 16;
const GENERIC: usize = HEADER + 4;
const ATTRIBUTE: usize = 4;

/// The tables of nftables: as `inet filter`.
///
/// # Errors
///
/// [`Error::Privilege`] without CAP_NET_ADMIN in the namespace.
pub(super) fn nft_tables() -> Result<Vec<String>> {
    let context = "asking the kernel for the tables of nftables";
    let mut tables = Vec::new();
    let mut socket = match Socket::new(NETLINK_NETFILTER) {
        // A kernel without netfilter.
        Err(error) if error.raw_os_error() == Some(libc::EPROTONOSUPPORT) => return Ok(tables),
        other => other.context(context)?,
    };
    socket.bind_auto().context(context)?;
    socket.connect(&SocketAddr::new(0, 0)).context(context)?;
    socket.send(&request(), 0).context(context)?;
    loop {
        let (datagram, _) = socket.recv_from_full().context(context)?;
        match read(&datagram, &mut tables) {
            Part::More => {}
            Part::Last => return Ok(tables),
            Part::Error(libc::EPERM) => {
                return Err(Error::Privilege(
                    "reading the packet filter's rules needs CAP_NET_ADMIN".to_owned(),
                ));
            }
            // A kernel without nf_tables.
            Part::Error(libc::EINVAL | libc::EOPNOTSUPP) => return Ok(tables),
            Part::Error(code) => {
                return Err(io::Error::from_raw_os_error(code)).context(context);
            }
        }
    }
}

/// The tables of the old iptables that have ever been used here.
///
/// # Errors
///
/// [`Error::Privilege`] for anybody but root.
pub(super) fn legacy_tables(family: Family) -> Result<Vec<String>> {
    // Of the thread: `/proc/net` is that of the process, hence of its main thread.
    let path = match family {
        Family::V4 => "/proc/thread-self/net/ip_tables_names",
        Family::V6 => "/proc/thread-self/net/ip6_tables_names",
    };
    match fs::read_to_string(path) {
        Ok(names) => Ok(names.lines().map(str::to_owned).collect()),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => Ok(Vec::new()),
            io::ErrorKind::PermissionDenied => {
                Err(Error::Privilege(format!("reading {path} needs root")))
            }
            _ => Err(error).context(format!("reading {path}")),
        },
    }
}

fn request() -> [u8; GENERIC] {
    let mut message = [0; GENERIC];
    message[..4].copy_from_slice(&(GENERIC as u32).to_ne_bytes());
    message[4..6].copy_from_slice(&GET_TABLE.to_ne_bytes());
    message[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    message
}

/// What a datagram is in a dump.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    More,
    Last,
    /// With the positive error number.
    Error(i32),
}

/// Reads the messages of a datagram.
fn read(mut datagram: &[u8], tables: &mut Vec<String>) -> Part {
    while let Some(length) = number(datagram, 0) {
        let length = length as usize;
        if length < HEADER || length > datagram.len() {
            return Part::Error(libc::EBADMSG);
        }
        let (message, kind) = (&datagram[..length], short(datagram, 4));
        match kind {
            Some(DONE) => return Part::Last,
            Some(ERROR) => {
                let code = number(message, HEADER).unwrap_or_default().cast_signed();
                return if code == 0 {
                    Part::Last
                } else {
                    Part::Error(-code)
                };
            }
            Some(NEW_TABLE) => tables.extend(table(message)),
            _ => {}
        }
        datagram = datagram.get(aligned(length)..).unwrap_or_default();
    }
    Part::More
}

fn table(message: &[u8]) -> Option<String> {
    let family = family(*message.get(HEADER)?)?;
    let mut attributes = message.get(GENERIC..)?;
    loop {
        let length = usize::from(short(attributes, 0)?);
        if short(attributes, 2)? == NAME {
            let name = attributes.get(ATTRIBUTE..length)?;
            let name = String::from_utf8_lossy(name.strip_suffix(&[0]).unwrap_or(name));
            return Some(format!("{family} {name}"));
        }
        attributes = attributes.get(aligned(length.max(ATTRIBUTE))..)?;
    }
}

/// As nft calls it (`NFPROTO_*` in `include/uapi/linux/netfilter.h`).
const fn family(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "inet",
        2 => "ip",
        5 => "netdev",
        7 => "bridge",
        10 => "ip6",
        // Never TCP.
        _ => return None,
    })
}

const fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of the kernel: its type, and its family where it is a table.
    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = HEADER + body.len();
        let mut message = (length as u32).to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.resize(HEADER, 0);
        message.extend(body);
        message.resize(aligned(length), 0);
        message
    }

    fn new_table(family: u8, name: &str) -> Vec<u8> {
        let mut body = vec![family, 0, 0, 0];
        // The attributes: flags, which are of no interest, and the name.
        body.extend([8, 0, 2, 0, 0, 0, 0, 0]);
        body.extend((ATTRIBUTE as u16 + name.len() as u16 + 1).to_ne_bytes());
        body.extend(NAME.to_ne_bytes());
        body.extend(name.as_bytes());
        body.push(0);
        message(NEW_TABLE, &body)
    }

    #[test]
    fn tables_are_read_until_the_dump_is_done() {
        let mut tables = Vec::new();
        let first = [new_table(1, "filter"), new_table(2, "nat")].concat();
        assert_eq!(read(&first, &mut tables), Part::More);
        let last = [
            new_table(3, "arp"),
            new_table(10, "raw"),
            message(DONE, &[0; 4]),
        ]
        .concat();
        assert_eq!(read(&last, &mut tables), Part::Last);
        assert_eq!(tables, ["inet filter", "ip nat", "ip6 raw"]);
    }

    #[test]
    fn errors_and_nonsense_end_the_dump() {
        let refused = message(ERROR, &(-libc::EPERM).to_ne_bytes());
        assert_eq!(read(&refused, &mut Vec::new()), Part::Error(libc::EPERM));
        let whole = new_table(1, "filter");
        for length in 4..whole.len() - 4 {
            let broken = read(&whole[..length], &mut Vec::new());
            assert_eq!(broken, Part::Error(libc::EBADMSG), "{length} bytes");
        }
    }
}
