//! The host's decision and the loaded program's, on the same frames and state.

use ipnet::IpNet;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use synguard::dataplane::{Sandbox, Sizes};
use synguard::rules::BLANK;
use synguard::settings::DEFAULT;
use synguard_common::abi::{NEVER, Rule, Settings, SourceRecord, action, holder, origin, scope};
use synguard_common::verdict::{Reason, Verdict};

use crate::frames::Extension::{Authentication, Fragment, Units};
use crate::frames::*;
use crate::settings::{host, run, settings};

const FRAMES: usize = 100_000;
/// After so many frames both sides start with new state.
const ROUND: usize = 2_000;
/// Few enough that the sketch decides about most sources.
const ADMISSIONS: u64 = 5;

#[test]
fn kernel_and_host_agree_on_random_and_mutated_frames() {
    let seed: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 7).unwrap());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut verdicts = std::collections::BTreeMap::new();
    for round in 0..FRAMES / ROUND {
        let mut sandbox = Sandbox::new(Sizes::default(), settings).unwrap();
        sandbox.load_challenge().unwrap();
        let mut host = host();
        for (net, rule) in rules().new_tree(&mut runner).unwrap().current() {
            sandbox.maps().insert_rule(&net, rule).unwrap();
            host.insert_rule(net, rule);
        }
        for (source, record) in records(sandbox.clock().now())
            .new_tree(&mut runner)
            .unwrap()
            .current()
        {
            let source = synguard::address::to_words(source.into()).masked(&DEFAULT.source_mask());
            sandbox.maps().set_sources(&[(source, record)]).unwrap();
            host.set_source(source, &record);
        }
        let settings = Settings {
            admissions: ADMISSIONS,
            // Nobody listens here: who is to be answered is passed for that.
            answers_until: NEVER,
            answers: if round % 2 == 0 { 0 } else { u32::MAX },
            ..sandbox.maps().settings().unwrap()
        };
        sandbox.maps().set_settings(settings).unwrap();
        for _ in 0..ROUND {
            let frame = frame().new_tree(&mut runner).unwrap().current();
            let expected = run(&host, &frame, sandbox.clock().now(), &settings);
            let decided = sandbox.run(&frame).unwrap();
            if expected.verdict == Verdict::Challenge {
                let left = [Reason::SynNoListener, Reason::SynUnanswerable];
                assert!(left.contains(&decided.reason), "frame {frame:02x?}");
            } else {
                assert_eq!(decided, expected, "frame {frame:02x?}");
            }
            *verdicts.entry(decided.reason.label()).or_insert(0_u32) += 1;
        }
    }
    // Frames that all ended at the first check would agree on nothing.
    for reason in [
        "syn_counted",
        "syn_sketched",
        "syn_busy_client",
        "syn_proven",
        "syn_no_listener",
        "syn_unanswerable",
        "syn_allowed",
        "banned",
        "blocked",
        "rate_limited",
        "blocked_all_traffic",
        "tcp_not_syn",
        "tcp_reset",
        "ipv6_extensions",
        "later_fragment",
        "truncated_tcp",
    ] {
        assert!(
            verdicts.get(reason).is_some_and(|count| *count > 20),
            "{reason}: {verdicts:?}"
        );
    }
}

/// Addresses from so few prefixes that rules and rates come into play.
fn source_v4() -> impl Strategy<Value = [u8; 4]> {
    (0..4_u8, 0..4_u8).prop_map(|(third, fourth)| [10, 20, third, fourth])
}

fn source_v6() -> impl Strategy<Value = [u8; 16]> {
    (0..4_u8, 0..4_u8).prop_map(|(seventh, last)| {
        let mut source = V6;
        source[7] = seventh;
        source[15] = last;
        source
    })
}

/// Sources with a past, some of them with handshakes.
fn records(now: u64) -> impl Strategy<Value = Vec<([u8; 4], SourceRecord)>> {
    let record = (0..20_u64, 0..20_u64, 0..10_u64).prop_map(move |(syns, handshakes, dropped)| {
        SourceRecord {
            syns,
            dropped,
            handshakes,
            first_seen: now,
            window_start: now,
            ..SourceRecord::BLANK
        }
    });
    proptest::collection::vec((source_v4(), record), 0..6)
}

fn rules() -> impl Strategy<Value = Vec<(IpNet, Rule)>> {
    let net = prop_oneof![
        (source_v4(), 14..=32_u8).prop_map(|(source, len)| IpNet::new(source.into(), len).unwrap()),
        (source_v6(), 50..=128_u8)
            .prop_map(|(source, len)| IpNet::new(source.into(), len).unwrap()),
    ];
    let rule = (
        prop_oneof![8 => Just(holder::DIRECT), 1 => Just(holder::INCOMING)],
        prop_oneof![2 => Just(action::BLOCK), 1 => Just(action::ALLOW)],
        prop_oneof![Just(scope::SYN), Just(scope::ALL)],
        prop_oneof![Just(origin::AUTOMATIC), Just(origin::MANUAL)],
        prop_oneof![4 => Just(u64::MAX), 1 => Just(0)],
    )
        .prop_map(|(holders, action, scope, origin, expires)| Rule {
            holders,
            action,
            scope,
            origin,
            expires,
            ..BLANK
        });
    proptest::collection::btree_map(net.prop_map(|net| net.trunc()), rule, 0..8)
        .prop_map(|rules| rules.into_iter().collect())
}

fn segment() -> impl Strategy<Value = Vec<u8>> {
    let flags = prop_oneof![3 => Just(SYN), 1 => any::<u8>()];
    (flags, 0..16_u8, any::<u16>(), 0..8_u16).prop_map(|(flags, words, source, destination)| {
        tcp_header(flags, words.max(3), source, destination)
    })
}

fn extensions() -> impl Strategy<Value = Vec<Extension>> {
    let units = prop_oneof![Just(0_u8), Just(43), Just(60), Just(135)];
    let extension = prop_oneof![
        (units, 0..4_u8).prop_map(|(protocol, units)| Units(protocol, units)),
        (0..6_u8).prop_map(Authentication),
        (0..2_u16, any::<bool>()).prop_map(|(offset, more)| Fragment(offset, more)),
    ];
    proptest::collection::vec(extension, 0..8)
}

fn built() -> impl Strategy<Value = Frame> {
    let fragment = prop_oneof![4 => Just(0_u16), 1 => any::<u16>()];
    let protocol = prop_oneof![6 => Just(6_u8), 1 => any::<u8>()];
    let v4 = (source_v4(), 4..16_u8, fragment, protocol.clone(), segment()).prop_map(
        |(source, ihl, fragment, protocol, segment)| {
            Frame::ipv4(
                &Ipv4 {
                    source,
                    ihl,
                    fragment,
                    protocol,
                    ..Ipv4::default()
                },
                &segment,
            )
        },
    );
    let v6 = (source_v6(), extensions(), protocol, segment()).prop_map(
        |(source, extensions, protocol, segment)| {
            let header = Ipv6 {
                source,
                extensions: &extensions,
                protocol,
                ..Ipv6::default()
            };
            Frame::ipv6(&header, &segment)
        },
    );
    let tag = prop_oneof![Just(0x8100_u16), Just(0x88a8), Just(0x9100)];
    let tags = proptest::collection::vec(tag, 0..4);
    (prop_oneof![v4, v6], tags).prop_map(|(frame, tags)| frame.tagged(&tags))
}

/// Built frames, mutated ones, cut ones, and plain noise.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let mutated = (
        built(),
        proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    )
        .prop_map(|(Frame(mut bytes), changes)| {
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes
        });
    let cut = (built(), any::<prop::sample::Index>())
        .prop_map(|(Frame(bytes), at)| bytes[..14 + at.index(bytes.len() - 13)].to_vec());
    let noise = proptest::collection::vec(any::<u8>(), 14..120);
    prop_oneof![4 => built().prop_map(|frame| frame.0), 3 => mutated, 2 => cut, 1 => noise]
}
