//! Frames by hand, also such as no library would build.

/// TCP flags (RFC 9293, RFC 3168).
pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;
pub const URG: u8 = 0x20;
pub const ECE: u8 = 0x40;
pub const CWR: u8 = 0x80;

pub const V4: [u8; 4] = [5, 39, 90, 132];
pub const V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6];

const ETHER_TYPE: usize = 12;
const TCP: u8 = 6;

/// A frame that grows from the outside in.
#[derive(Clone, Debug)]
pub struct Frame(pub Vec<u8>);

/// An IPv4 header. What stands in `Default` is a plain TCP packet.
pub struct Ipv4 {
    pub version: u8,
    pub ihl: u8,
    pub fragment: u16,
    pub protocol: u8,
    /// Instead of the true total length.
    pub total: Option<u16>,
    pub source: [u8; 4],
}

impl Default for Ipv4 {
    fn default() -> Self {
        Self {
            version: 4,
            ihl: 5,
            fragment: 0,
            protocol: TCP,
            total: None,
            source: V4,
        }
    }
}

/// An IPv6 header with extension headers behind it.
pub struct Ipv6<'a> {
    pub version: u8,
    /// The protocol behind the last extension header.
    pub protocol: u8,
    pub extensions: &'a [Extension],
    /// Instead of the true payload length.
    pub payload: Option<u16>,
    pub source: [u8; 16],
}

impl Default for Ipv6<'_> {
    fn default() -> Self {
        Self {
            version: 6,
            protocol: TCP,
            extensions: &[],
            payload: None,
            source: V6,
        }
    }
}

/// An IPv6 extension header.
#[derive(Clone, Copy, Debug)]
pub enum Extension {
    /// Its protocol number and how many units of eight bytes follow the first.
    Units(u8, u8),
    /// An authentication header with so many words beyond two.
    Authentication(u8),
    /// A fragment header, with the offset in units of eight bytes.
    Fragment(u16, bool),
}

impl Extension {
    const fn protocol(self) -> u8 {
        match self {
            Self::Units(protocol, _) => protocol,
            Self::Authentication(_) => 51,
            Self::Fragment(..) => 44,
        }
    }

    fn bytes(self, next: u8) -> Vec<u8> {
        let (len, second) = match self {
            Self::Units(_, units) => (8 + usize::from(units) * 8, units),
            Self::Authentication(words) => (8 + usize::from(words) * 4, words),
            Self::Fragment(..) => (8, 0),
        };
        let mut bytes = vec![0; len];
        bytes[0] = next;
        bytes[1] = second;
        if let Self::Fragment(offset, more) = self {
            bytes[2..4].copy_from_slice(&(offset << 3 | u16::from(more)).to_be_bytes());
        }
        bytes
    }
}

impl Frame {
    /// An Ethernet header for `ether_type`.
    pub fn ethernet(ether_type: u16) -> Self {
        let mut bytes = vec![2; ETHER_TYPE];
        bytes.extend(ether_type.to_be_bytes());
        Self(bytes)
    }

    /// Puts VLAN tags between the Ethernet header and the rest, outermost first.
    pub fn tagged(mut self, protocols: &[u16]) -> Self {
        for protocol in protocols.iter().rev() {
            let [high, low] = protocol.to_be_bytes();
            self.0.splice(ETHER_TYPE..ETHER_TYPE, [high, low, 0, 100]);
        }
        self
    }

    /// An IPv4 packet.
    pub fn ipv4(header: &Ipv4, payload: &[u8]) -> Self {
        let mut frame = Self::ethernet(0x0800);
        let len = usize::from(header.ihl.max(5)) * 4;
        let total = header
            .total
            .unwrap_or(u16::try_from(len + payload.len()).unwrap());
        let mut bytes = vec![0; len];
        bytes[0] = header.version << 4 | header.ihl;
        bytes[2..4].copy_from_slice(&total.to_be_bytes());
        bytes[6..8].copy_from_slice(&header.fragment.to_be_bytes());
        bytes[8] = 64;
        bytes[9] = header.protocol;
        bytes[12..16].copy_from_slice(&header.source);
        bytes[16..20].copy_from_slice(&[192, 0, 2, 1]);
        frame.0.extend(bytes);
        frame.0.extend(payload);
        frame
    }

    /// An IPv6 packet.
    pub fn ipv6(header: &Ipv6, payload: &[u8]) -> Self {
        let mut body = Vec::new();
        let mut next = header.protocol;
        for extension in header.extensions.iter().rev() {
            body.splice(0..0, extension.bytes(next));
            next = extension.protocol();
        }
        body.extend(payload);
        let len = header.payload.unwrap_or(u16::try_from(body.len()).unwrap());
        let mut frame = Self::ethernet(0x86dd);
        frame.0.extend([header.version << 4, 0, 0, 0]);
        frame.0.extend(len.to_be_bytes());
        frame.0.extend([next, 64]);
        frame.0.extend(header.source);
        frame.0.extend([0x20; 16]);
        frame.0.extend(body);
        frame
    }

    /// The first `len` bytes.
    pub fn cut(&self, len: usize) -> Self {
        Self(self.0[..len].to_vec())
    }

    /// With padding behind, as Ethernet adds to short frames.
    pub fn padded(mut self, len: usize) -> Self {
        self.0.resize(len, 0);
        self
    }
}

/// A TCP header with `flags`, a data offset of `words` and zeros for options.
pub fn tcp_header(flags: u8, words: u8, source: u16, destination: u16) -> Vec<u8> {
    let mut bytes = vec![0; usize::from(words.max(5)) * 4];
    bytes[0..2].copy_from_slice(&source.to_be_bytes());
    bytes[2..4].copy_from_slice(&destination.to_be_bytes());
    bytes[12] = words << 4;
    bytes[13] = flags;
    bytes
}

/// A TCP header from port 80 to port 25, as in the attack that began it all.
pub fn tcp(flags: u8) -> Vec<u8> {
    tcp_header(flags, 5, 80, 25)
}

/// A SYN from an IPv4 source.
pub fn syn_from(source: [u8; 4]) -> Frame {
    Frame::ipv4(
        &Ipv4 {
            source,
            ..Ipv4::default()
        },
        &tcp(SYN),
    )
}

/// A SYN from an IPv6 source.
pub fn syn_from6(source: [u8; 16]) -> Frame {
    Frame::ipv6(
        &Ipv6 {
            source,
            ..Ipv6::default()
        },
        &tcp(SYN),
    )
}
