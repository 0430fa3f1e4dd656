//! The answer to any SYN, as an independent packet library reads it.

use etherparse::{
    IpHeaders, Ipv4Header, Ipv6Header, LinkExtSlice, NetSlice, PacketBuilder, SlicedPacket,
    TcpHeader, TcpHeaderSlice, TcpOptionElement, TransportSlice, VlanId,
};
use proptest::prelude::*;
use synguard_common::cookie::{
    Agreement, Answer, Header, Ipv4, Ipv6, Options, Question, Terms, ability, network_layer,
    timestamp,
};

const CLIENT: [u8; 6] = [2, 4, 6, 8, 10, 12];
const SERVER: [u8; 6] = [2, 1, 1, 1, 1, 1];
const SERVER_V4: [u8; 4] = [192, 0, 2, 1];
const SERVER_V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// What the answer is read as, by etherparse alone.
#[derive(Debug, PartialEq)]
struct Seen {
    tags: Vec<u16>,
    hops: u8,
    ecn: bool,
    ports: (u16, u16),
    sequence: u32,
    acknowledgment: u32,
    window: u16,
    options: Vec<TcpOptionElement>,
}

/// Answers a frame as the kernel side does, on bytes.
fn answered(frame: &[u8], terms: &Terms) -> Option<Vec<u8>> {
    let (kind, at) = network_layer(frame)?;
    if kind == Ipv4::ETHER_TYPE {
        Some(written(
            frame,
            &Question::<Ipv4>::read(frame, at)?.answer(terms),
        ))
    } else {
        Some(written(
            frame,
            &Question::<Ipv6>::read(frame, at)?.answer(terms),
        ))
    }
}

fn written<H: Header>(frame: &[u8], answer: &Answer<H>) -> Vec<u8> {
    let mut out = frame.to_vec();
    out.resize(answer.frame_len(), 0xee);
    answer
        .write(&mut out[..])
        .expect("the frame is long enough");
    out
}

/// Reads an answer and checks whatever is the same for all.
fn seen(answer: &[u8], client: &[u8]) -> Seen {
    let packet = SlicedPacket::from_ethernet(answer).expect("it parses");
    let Some(etherparse::LinkSlice::Ethernet2(ethernet)) = packet.link else {
        panic!("no Ethernet");
    };
    assert_eq!(ethernet.source(), SERVER);
    assert_eq!(ethernet.destination(), CLIENT);
    let tags = packet.link_exts.iter().map(|tag| match tag {
        LinkExtSlice::Vlan(tag) => tag.vlan_identifier().value(),
        other => panic!("{other:?}"),
    });
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else {
        panic!("no TCP");
    };
    let header = tcp.to_header();
    let hops = match packet.net.expect("an IP header") {
        NetSlice::Ipv4(ip) => hops_v4(&ip.header().to_header(), &header, client),
        NetSlice::Ipv6(ip) => hops_v6(&ip.header().to_header(), &header, client),
        other => panic!("{other:?}"),
    };
    assert!(tcp.payload().is_empty());
    assert!(header.syn && header.ack);
    let others = [header.fin, header.rst, header.psh, header.urg, header.cwr];
    assert_eq!(others, [false; 5]);
    Seen {
        tags: tags.collect(),
        hops,
        ecn: header.ece,
        ports: (header.source_port, header.destination_port),
        sequence: header.sequence_number,
        acknowledgment: header.acknowledgment_number,
        window: header.window_size,
        options: options_of(&tcp.slice()[..tcp.header_len()]),
    }
}

fn hops_v4(ip: &Ipv4Header, tcp: &TcpHeader, client: &[u8]) -> u8 {
    assert_eq!((&ip.source, &ip.destination[..]), (&SERVER_V4, client));
    assert_eq!(ip.header_checksum, ip.calc_header_checksum());
    assert!(ip.dont_fragment && !ip.more_fragments);
    assert_eq!(ip.identification, 0);
    assert_eq!(tcp.checksum, tcp.calc_checksum_ipv4(ip, &[]).unwrap());
    assert_eq!(usize::from(ip.total_len), 20 + tcp.header_len());
    ip.time_to_live
}

fn hops_v6(ip: &Ipv6Header, tcp: &TcpHeader, client: &[u8]) -> u8 {
    assert_eq!((&ip.source, &ip.destination[..]), (&SERVER_V6, client));
    assert_eq!(tcp.checksum, tcp.calc_checksum_ipv6(ip, &[]).unwrap());
    assert_eq!(usize::from(ip.payload_length), tcp.header_len());
    ip.hop_limit
}

/// Without fillers, which say nothing.
fn options_of(header: &[u8]) -> Vec<TcpOptionElement> {
    TcpHeaderSlice::from_slice(header)
        .unwrap()
        .options_iterator()
        .map(|option| option.expect("a well-formed option"))
        .filter(|option| *option != TcpOptionElement::Noop)
        .collect()
}

/// Options in any order and number that fits, some of them foreign or twice.
fn options() -> impl Strategy<Value = Vec<TcpOptionElement>> {
    use TcpOptionElement::*;
    let option = prop_oneof![
        2 => any::<u16>().prop_map(MaximumSegmentSize),
        2 => any::<u8>().prop_map(WindowScale),
        2 => Just(SelectiveAcknowledgementPermitted),
        4 => any::<(u32, u32)>().prop_map(|(ours, yours)| Timestamp(ours, yours)),
        1 => Just(Noop),
        1 => any::<(u32, u32)>().prop_map(|block| SelectiveAcknowledgement(block, [None; 3])),
    ];
    proptest::collection::vec(option, 0..8).prop_map(|mut options| {
        while TcpHeader::new(1, 1, 1, 1).set_options(&options).is_err() {
            options.pop();
        }
        options
    })
}

/// What a reader of the option list makes of it: the last of a kind counts.
fn wanted(options: &[TcpOptionElement]) -> Options {
    let mut wanted = Options::NONE;
    for option in options {
        match *option {
            TcpOptionElement::MaximumSegmentSize(0) => {}
            TcpOptionElement::MaximumSegmentSize(mss) => wanted.mss = mss.into(),
            TcpOptionElement::WindowScale(shift) => wanted.shift = shift.min(14).into(),
            TcpOptionElement::SelectiveAcknowledgementPermitted => wanted.sack = 1,
            TcpOptionElement::Timestamp(ours, _) => {
                (wanted.stamped, wanted.timestamp) = (1, ours);
            }
            _ => {}
        }
    }
    wanted
}

#[derive(Clone, Debug)]
enum Client {
    V4([u8; 4]),
    V6([u8; 16]),
}

impl Client {
    fn octets(&self) -> &[u8] {
        match self {
            Self::V4(octets) => octets,
            Self::V6(octets) => octets,
        }
    }

    fn headers(&self, marks: u8) -> IpHeaders {
        match self {
            Self::V4(client) => {
                let mut ip = Ipv4Header::new(0, 64, etherparse::ip_number::TCP, *client, SERVER_V4)
                    .expect("a short packet");
                ip.ecn = etherparse::IpEcn::try_new(marks).unwrap();
                ip.identification = 0x1234;
                IpHeaders::Ipv4(ip, Default::default())
            }
            Self::V6(client) => {
                let ip = Ipv6Header {
                    source: *client,
                    destination: SERVER_V6,
                    traffic_class: marks,
                    hop_limit: 64,
                    ..Default::default()
                };
                IpHeaders::Ipv6(ip, Default::default())
            }
        }
    }
}

fn client() -> impl Strategy<Value = Client> {
    let v4 = (1..=223_u8, any::<[u8; 3]>())
        .prop_filter("a host", |(first, _)| *first != 127)
        .prop_map(|(a, [b, c, d])| Client::V4([a, b, c, d]));
    let v6 = any::<[u8; 15]>().prop_map(|rest| {
        let mut octets = [0x20; 16];
        octets[1..].copy_from_slice(&rest);
        Client::V6(octets)
    });
    prop_oneof![v4, v6]
}

prop_compose! {
    fn syn()(
        client in client(), tags in proptest::collection::vec(0..4096_u16, 0..=2), marks in 0..2_u8,
        ports in any::<(u16, u16)>(), sequence in any::<u32>(), ecn in any::<bool>(),
        options in options(), payload in proptest::collection::vec(any::<u8>(), 0..80),
    ) -> Asked {
        let mut tcp = TcpHeader::new(ports.0, ports.1, sequence, 8192);
        tcp.syn = true;
        (tcp.ece, tcp.cwr) = (ecn, ecn);
        tcp.set_options(&options).unwrap();
        let frame = frame(&tags, client.headers(marks), tcp, &payload);
        Asked { client, tags, ports, sequence, ecn: ecn && marks == 0, options: wanted(&options), frame }
    }
}

/// A SYN, and what is in it.
#[derive(Clone, Debug)]
struct Asked {
    client: Client,
    tags: Vec<u16>,
    ports: (u16, u16),
    sequence: u32,
    ecn: bool,
    options: Options,
    frame: Vec<u8>,
}

fn frame(tags: &[u16], ip: IpHeaders, tcp: TcpHeader, payload: &[u8]) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2(CLIENT, SERVER);
    let id = |id: u16| VlanId::try_new(id).unwrap();
    let mut bytes = Vec::new();
    match *tags {
        [outer, inner] => ethernet
            .double_vlan(id(outer), id(inner))
            .ip(ip)
            .tcp_header(tcp)
            .write(&mut bytes, payload),
        [tag] => ethernet
            .single_vlan(id(tag))
            .ip(ip)
            .tcp_header(tcp)
            .write(&mut bytes, payload),
        _ => ethernet.ip(ip).tcp_header(tcp).write(&mut bytes, payload),
    }
    .unwrap();
    bytes
}

prop_compose! {
    fn terms()(
        cookie in any::<u32>(), mss in any::<u16>(), window in any::<u16>(), shift in 0..15_u32,
        abilities in 0..16_u32, hops in any::<u8>(), milliseconds in any::<u64>(),
    ) -> Terms {
        Terms {
            cookie, mss: mss.into(), window: window.into(), shift, abilities, hops: hops.into(), milliseconds,
        }
    }
}

/// What the answer must look like, by the words of the RFCs.
fn expected(asked: &Asked, terms: &Terms) -> Seen {
    use TcpOptionElement::*;
    let can = |which| terms.abilities & which != 0;
    let stamped = asked.options.stamped == 1 && can(ability::TIMESTAMPS);
    let sack = stamped && asked.options.sack == 1 && can(ability::SACK);
    let ecn = stamped && asked.ecn && can(ability::ECN);
    let shifts = stamped && asked.options.shift < 15 && can(ability::WINDOW_SCALING);
    let agreed = Agreement {
        timestamps: stamped.into(),
        sack: sack.into(),
        shift: if shifts { asked.options.shift } else { 15 },
        ecn: ecn.into(),
    };
    let stamp = timestamp(terms.milliseconds, &agreed);
    let options = [
        Some(MaximumSegmentSize(u16::try_from(terms.mss).unwrap())),
        sack.then_some(SelectiveAcknowledgementPermitted),
        stamped.then_some(Timestamp(stamp, asked.options.timestamp)),
        shifts.then_some(WindowScale(u8::try_from(terms.shift).unwrap())),
    ];
    Seen {
        tags: asked.tags.clone(),
        hops: u8::try_from(terms.hops).unwrap(),
        ecn,
        ports: (asked.ports.1, asked.ports.0),
        sequence: terms.cookie,
        acknowledgment: asked.sequence.wrapping_add(1),
        window: u16::try_from(terms.window).unwrap(),
        options: options.into_iter().flatten().collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_syn_gets_the_answer_that_it_asks_for(asked in syn(), terms in terms()) {
        let answer = answered(&asked.frame, &terms).expect("it is a SYN");
        prop_assert_eq!(seen(&answer, asked.client.octets()), expected(&asked, &terms));
    }

    #[test]
    fn options_are_read_as_they_were_written(asked in syn()) {
        let (kind, at) = network_layer(&asked.frame[..]).unwrap();
        let syn = if kind == Ipv4::ETHER_TYPE {
            Question::<Ipv4>::read(&asked.frame[..], at).unwrap().syn
        } else {
            Question::<Ipv6>::read(&asked.frame[..], at).unwrap().syn
        };
        prop_assert_eq!(syn.options, asked.options);
        prop_assert_eq!(syn.ecn == 1, asked.ecn);
    }

    #[test]
    fn broken_frames_get_a_whole_answer_or_none(
        asked in syn(), terms in terms(), cut in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = asked.frame;
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(14 + cut.index(bytes.len() - 13));
        if let Some(answer) = answered(&bytes, &terms) {
            let packet = SlicedPacket::from_ethernet(&answer).expect("it parses");
            prop_assert!(matches!(packet.transport, Some(TransportSlice::Tcp(_))));
        }
    }

    #[test]
    fn what_is_no_syn_of_a_host_gets_no_answer(asked in syn(), terms in terms(), flags in any::<u8>()) {
        let mut bytes = asked.frame;
        let at = 14 + 4 * asked.tags.len();
        let tcp = at + if matches!(asked.client, Client::V4(_)) { 20 } else { 40 };
        bytes[tcp + 13] = flags;
        let is_syn = flags & 0b1_0111 == 2;
        prop_assert_eq!(answered(&bytes, &terms).is_some(), is_syn, "flags {:#x}", flags);
        bytes[tcp + 13] = 2;
        prop_assert!(answered(&bytes, &terms).is_some());
        // To a group: not for this host alone.
        bytes[0] |= 1;
        prop_assert!(answered(&bytes, &terms).is_none());
    }
}
