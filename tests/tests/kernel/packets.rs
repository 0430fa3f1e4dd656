//! What each kind of packet is counted as: a table, through the kernel and the
//! host alike.

use synguard::dataplane::{Sandbox, Sizes};
use synguard_common::verdict::Reason;

use crate::frames::Extension::{Authentication, Fragment, Units};
use crate::frames::*;
use crate::settings::{host, run, settings};

/// A description, a frame, and the reason it must be counted under.
type Row = (String, Frame, Reason);

/// The least that the kernel test-runs: an Ethernet header.
const LEAST: usize = 14;

#[test]
fn every_kind_of_packet_is_counted_as_what_it_is() {
    let rows = rows();
    assert!(rows.len() >= 60, "only {} rows", rows.len());
    let mut sandbox = Sandbox::new(Sizes::default(), settings).unwrap();
    let settings = sandbox.maps().settings().unwrap();
    for (description, frame, expected) in rows {
        // A source over its limit would be counted differently: start anew.
        let on_host = run(&host(), &frame.0, sandbox.clock().now(), &settings);
        assert_eq!(on_host.reason, expected, "host: {description}");
        assert_eq!(on_host.verdict, expected.verdict(), "host: {description}");
        for source in [synguard::address::to_words(V4.into()), masked_v6()] {
            sandbox.maps().forget_source(source).unwrap();
        }
        let kernel = sandbox.run(&frame.0).unwrap();
        assert_eq!(kernel.reason, expected, "kernel: {description}");
        assert_eq!(kernel.verdict, expected.verdict(), "kernel: {description}");
    }
}

fn masked_v6() -> synguard_common::source::Address {
    synguard::address::to_words(V6.into()).masked(&synguard::settings::DEFAULT.source_mask())
}

fn rows() -> Vec<Row> {
    [
        link_layer(),
        ipv4_headers(),
        ipv4_fragments(),
        ipv6_headers(),
        ipv6_fragments(),
        flags(),
        tcp_headers(),
        truncations(),
    ]
    .concat()
}

fn row(description: impl Into<String>, frame: Frame, reason: Reason) -> Row {
    (description.into(), frame, reason)
}

fn plain() -> Frame {
    syn_from(V4)
}

fn link_layer() -> Vec<Row> {
    vec![
        row("untagged", plain(), Reason::SynCounted),
        row("802.1Q", plain().tagged(&[0x8100]), Reason::SynCounted),
        row("802.1ad", plain().tagged(&[0x88a8]), Reason::SynCounted),
        row(
            "QinQ",
            plain().tagged(&[0x88a8, 0x8100]),
            Reason::SynCounted,
        ),
        row(
            "two 802.1Q tags",
            plain().tagged(&[0x8100, 0x8100]),
            Reason::SynCounted,
        ),
        row(
            "old QinQ",
            plain().tagged(&[0x9100, 0x8100]),
            Reason::SynCounted,
        ),
        row(
            "IPv6 in QinQ",
            syn_from6(V6).tagged(&[0x88a8, 0x8100]),
            Reason::SynCounted,
        ),
        row(
            "three tags",
            plain().tagged(&[0x88a8, 0x8100, 0x8100]),
            Reason::TooManyTags,
        ),
        row(
            "tag, then ARP",
            Frame::ethernet(0x0806).tagged(&[0x8100]).padded(60),
            Reason::NotIp,
        ),
        row("ARP", Frame::ethernet(0x0806).padded(60), Reason::NotIp),
        row("LLDP", Frame::ethernet(0x88cc).padded(60), Reason::NotIp),
        row(
            "PPPoE session",
            Frame::ethernet(0x8864).padded(60),
            Reason::NotIp,
        ),
        row("MPLS", Frame::ethernet(0x8847).padded(60), Reason::NotIp),
        row(
            "IEEE 802.3 length",
            Frame::ethernet(46).padded(60),
            Reason::NotIp,
        ),
        row("padded to 60 bytes", plain().padded(60), Reason::SynCounted),
    ]
}

fn ipv4_headers() -> Vec<Row> {
    let mut rows = Vec::new();
    for ihl in 5..=15 {
        let frame = Frame::ipv4(
            &Ipv4 {
                ihl,
                ..Ipv4::default()
            },
            &tcp(SYN),
        );
        rows.push(row(format!("IHL {ihl}"), frame, Reason::SynCounted));
    }
    for ihl in 0..5 {
        let frame = Frame::ipv4(
            &Ipv4 {
                ihl,
                ..Ipv4::default()
            },
            &tcp(SYN),
        );
        rows.push(row(format!("IHL {ihl}"), frame, Reason::BadIpv4));
    }
    for version in [0, 5, 6, 15] {
        let frame = Frame::ipv4(
            &Ipv4 {
                version,
                ..Ipv4::default()
            },
            &tcp(SYN),
        );
        rows.push(row(
            format!("version {version} as IPv4"),
            frame,
            Reason::BadIpv4,
        ));
    }
    for (total, reason) in [
        (0, Reason::BadIpv4),
        (19, Reason::BadIpv4),
        (20, Reason::TruncatedTcp),
        (39, Reason::TruncatedTcp),
        (40, Reason::SynCounted),
        (1500, Reason::SynCounted),
    ] {
        let frame = Frame::ipv4(
            &Ipv4 {
                total: Some(total),
                ..Ipv4::default()
            },
            &tcp(SYN),
        );
        rows.push(row(format!("total length {total}"), frame, reason));
    }
    for (name, protocol) in [
        ("ICMP", 1),
        ("UDP", 17),
        ("IPv6 in IPv4", 41),
        ("GRE", 47),
        ("SCTP", 132),
    ] {
        let frame = Frame::ipv4(
            &Ipv4 {
                protocol,
                ..Ipv4::default()
            },
            &tcp(SYN),
        );
        rows.push(row(name, frame, Reason::NotTcp));
    }
    rows
}

fn ipv4_fragments() -> Vec<Row> {
    const DONT: u16 = 0x4000;
    const MORE: u16 = 0x2000;
    const RESERVED: u16 = 0x8000;
    [
        ("don't fragment", DONT, Reason::SynCounted),
        ("reserved bit", RESERVED, Reason::SynCounted),
        ("first fragment", MORE, Reason::SynCounted),
        (
            "fragment that overwrites the flags",
            MORE | 1,
            Reason::LaterFragment,
        ),
        ("later fragment", MORE | 185, Reason::LaterFragment),
        ("last fragment", 185, Reason::LaterFragment),
        (
            "last fragment at the highest offset",
            0x1fff,
            Reason::LaterFragment,
        ),
        (
            "later fragment with don't fragment",
            DONT | 1,
            Reason::LaterFragment,
        ),
    ]
    .map(|(name, fragment, reason)| {
        row(
            name,
            Frame::ipv4(
                &Ipv4 {
                    fragment,
                    ..Ipv4::default()
                },
                &tcp(SYN),
            ),
            reason,
        )
    })
    .into_iter()
    .chain([8, 16].map(|len| {
        // It may hide a SYN: RFC 3128.
        row(
            format!("tiny first fragment: {len} bytes of TCP"),
            Frame::ipv4(
                &Ipv4 {
                    fragment: MORE,
                    ..Ipv4::default()
                },
                &tcp(SYN)[..len],
            ),
            Reason::SynCounted,
        )
    }))
    .collect()
}

fn ipv6(extensions: &[Extension], protocol: u8) -> Frame {
    Frame::ipv6(
        &Ipv6 {
            extensions,
            protocol,
            ..Ipv6::default()
        },
        &tcp(SYN),
    )
}

fn ipv6_headers() -> Vec<Row> {
    const HOP: Extension = Units(0, 0);
    const ROUTING: Extension = Units(43, 1);
    const OPTIONS: Extension = Units(60, 2);
    let mut rows = vec![
        row("IPv6", syn_from6(V6), Reason::SynCounted),
        row("hop-by-hop", ipv6(&[HOP], 6), Reason::SynCounted),
        row("routing", ipv6(&[ROUTING], 6), Reason::SynCounted),
        row(
            "destination options",
            ipv6(&[OPTIONS], 6),
            Reason::SynCounted,
        ),
        row(
            "longest destination options",
            ipv6(&[Units(60, 255)], 6),
            Reason::SynCounted,
        ),
        row("mobility", ipv6(&[Units(135, 0)], 6), Reason::SynCounted),
        row(
            "host identity",
            ipv6(&[Units(139, 4)], 6),
            Reason::SynCounted,
        ),
        row("shim6", ipv6(&[Units(140, 0)], 6), Reason::SynCounted),
        row(
            "authentication",
            ipv6(&[Authentication(4)], 6),
            Reason::SynCounted,
        ),
        row(
            "shortest authentication",
            ipv6(&[Authentication(0)], 6),
            Reason::SynCounted,
        ),
        row(
            "the order of RFC 8200",
            ipv6(
                &[
                    HOP,
                    OPTIONS,
                    ROUTING,
                    Fragment(0, true),
                    Authentication(4),
                    OPTIONS,
                ],
                6,
            ),
            Reason::SynCounted,
        ),
        row(
            "seven extension headers",
            ipv6(&[OPTIONS; 7], 6),
            Reason::Ipv6Extensions,
        ),
        row("UDP over IPv6", ipv6(&[], 17), Reason::NotTcp),
        row(
            "UDP behind an extension header",
            ipv6(&[HOP], 17),
            Reason::NotTcp,
        ),
        row("ICMPv6", ipv6(&[], 58), Reason::NotTcp),
        row("ESP", ipv6(&[], 50), Reason::NotTcp),
        row("no next header", ipv6(&[HOP], 59), Reason::NotTcp),
    ];
    for version in [4, 7] {
        let frame = Frame::ipv6(
            &Ipv6 {
                version,
                ..Ipv6::default()
            },
            &tcp(SYN),
        );
        rows.push(row(
            format!("version {version} as IPv6"),
            frame,
            Reason::BadIpv6,
        ));
    }
    let mut mapped = [0; 16];
    mapped[10..].copy_from_slice(&[0xff, 0xff, 5, 39, 90, 132]);
    let header = Ipv6 {
        source: mapped,
        ..Ipv6::default()
    };
    rows.push(row(
        "a mapped IPv4 source".to_owned(),
        Frame::ipv6(&header, &tcp(SYN)),
        Reason::BadIpv6,
    ));
    for (payload, reason) in [
        (0, Reason::SynCounted),
        (1, Reason::Ipv6Extensions),
        (8, Reason::TruncatedTcp),
        (27, Reason::TruncatedTcp),
        (28, Reason::SynCounted),
    ] {
        let header = Ipv6 {
            extensions: &[HOP],
            payload: Some(payload),
            ..Ipv6::default()
        };
        let frame = Frame::ipv6(&header, &tcp(SYN));
        rows.push(row(
            format!("payload length {payload} with eight bytes of extension"),
            frame,
            reason,
        ));
    }
    rows
}

fn ipv6_fragments() -> Vec<Row> {
    vec![
        row(
            "atomic fragment",
            ipv6(&[Fragment(0, false)], 6),
            Reason::SynCounted,
        ),
        row(
            "first IPv6 fragment",
            ipv6(&[Fragment(0, true)], 6),
            Reason::SynCounted,
        ),
        row(
            "later IPv6 fragment",
            ipv6(&[Fragment(1, true)], 6),
            Reason::LaterFragment,
        ),
        row(
            "last IPv6 fragment",
            ipv6(&[Fragment(185, false)], 6),
            Reason::LaterFragment,
        ),
        row(
            "fragment behind hop-by-hop",
            ipv6(&[Units(0, 0), Fragment(0, true)], 6),
            Reason::SynCounted,
        ),
        row(
            "later fragment of UDP",
            ipv6(&[Fragment(9, true)], 17),
            Reason::LaterFragment,
        ),
        row(
            "first fragment of UDP",
            ipv6(&[Fragment(0, true)], 17),
            Reason::NotTcp,
        ),
        row("tiny IPv6 first fragment", tiny_ipv6(8), Reason::SynCounted),
        row(
            "IPv6 first fragment of nothing",
            tiny_ipv6(0),
            Reason::TruncatedTcp,
        ),
        row(
            "two fragment headers",
            ipv6(&[Fragment(0, true), Fragment(3, true)], 6),
            Reason::LaterFragment,
        ),
    ]
}

/// An IPv6 first fragment with only so many bytes of TCP.
fn tiny_ipv6(len: usize) -> Frame {
    let header = Ipv6 {
        extensions: &[Fragment(0, true)],
        ..Ipv6::default()
    };
    Frame::ipv6(&header, &tcp(SYN)[..len])
}

fn flags() -> Vec<Row> {
    [
        ("SYN", SYN, Reason::SynCounted),
        ("SYN with ECE and CWR", SYN | ECE | CWR, Reason::SynCounted),
        ("SYN with ECE", SYN | ECE, Reason::SynCounted),
        ("SYN with CWR", SYN | CWR, Reason::SynCounted),
        ("SYN with FIN", SYN | FIN, Reason::SynCounted),
        ("SYN with RST", SYN | RST, Reason::SynCounted),
        ("SYN with PSH and URG", SYN | PSH | URG, Reason::SynCounted),
        ("everything but ACK", !ACK, Reason::SynCounted),
        ("SYN-ACK", SYN | ACK, Reason::NotSyn),
        ("SYN-ACK with ECE", SYN | ACK | ECE, Reason::NotSyn),
        ("ACK", ACK, Reason::NotSyn),
        ("PSH and ACK", PSH | ACK, Reason::NotSyn),
        ("FIN and ACK", FIN | ACK, Reason::NotSyn),
        ("RST", RST, Reason::Reset),
        ("no flags", 0, Reason::NotSyn),
        ("all flags", 0xff, Reason::NotSyn),
    ]
    .map(|(name, flags, reason)| row(name, Frame::ipv4(&Ipv4::default(), &tcp(flags)), reason))
    .to_vec()
}

fn tcp_headers() -> Vec<Row> {
    let with = |words, extra: usize| {
        let mut segment = tcp_header(SYN, words, 80, 25);
        segment.resize(segment.len() + extra, 0);
        Frame::ipv4(&Ipv4::default(), &segment)
    };
    let mut rows = vec![row("SYN with data", with(5, 100), Reason::SynCounted)];
    for words in 5..=15 {
        rows.push(row(
            format!("data offset {words}"),
            with(words, 0),
            Reason::SynCounted,
        ));
    }
    for words in 0..5 {
        rows.push(row(
            format!("data offset {words}"),
            with(words, 0),
            Reason::BadTcp,
        ));
    }
    rows
}

/// Every header cut at every byte from the first that the kernel takes.
fn truncations() -> Vec<Row> {
    const TAG: usize = 4;
    let mut rows = Vec::new();
    let mut cut_all = |name: &str, frame: &Frame, layers: &[(usize, Reason)]| {
        let mut start = LEAST;
        for (len, reason) in layers {
            for end in start..start + len {
                rows.push(row(
                    format!("{name} cut to {end} bytes"),
                    frame.cut(end),
                    *reason,
                ));
            }
            start += len;
        }
        rows.push(row(
            format!("{name} whole"),
            frame.clone(),
            Reason::SynCounted,
        ));
    };
    let tcp = (20, Reason::TruncatedTcp);
    cut_all("IPv4", &plain(), &[(20, Reason::TruncatedIpv4), tcp]);
    cut_all("IPv6", &syn_from6(V6), &[(40, Reason::TruncatedIpv6), tcp]);
    let tags = (TAG, Reason::TruncatedVlan);
    cut_all(
        "QinQ",
        &plain().tagged(&[0x88a8, 0x8100]),
        &[tags, tags, (20, Reason::TruncatedIpv4), tcp],
    );
    let options = Frame::ipv4(
        &Ipv4 {
            ihl: 15,
            ..Ipv4::default()
        },
        &crate::frames::tcp(SYN),
    );
    cut_all(
        "IPv4 with options",
        &options,
        &[(20, Reason::TruncatedIpv4), (40, Reason::TruncatedTcp), tcp],
    );
    let chain = ipv6(&[Fragment(0, true)], 6);
    cut_all(
        "IPv6 fragment",
        &chain,
        &[
            (40, Reason::TruncatedIpv6),
            (8, Reason::Ipv6Extensions),
            tcp,
        ],
    );
    let options = ipv6(&[Units(60, 1)], 6);
    // Two bytes tell how long an extension header is; behind them TCP is missing.
    cut_all(
        "IPv6 options",
        &options,
        &[
            (40, Reason::TruncatedIpv6),
            (2, Reason::Ipv6Extensions),
            (14, Reason::TruncatedTcp),
            tcp,
        ],
    );
    rows
}

#[test]
fn a_frame_cut_within_the_ethernet_header_passes() {
    // The kernel neither test-runs nor receives such a frame.
    let sandbox = Sandbox::new(Sizes::default(), settings).unwrap();
    let settings = settings(&sandbox.clock());
    for len in 0..LEAST {
        let decision = run(&host(), &plain().cut(len).0, 0, &settings);
        assert_eq!(decision.reason, Reason::TruncatedEthernet, "{len} bytes");
    }
}
