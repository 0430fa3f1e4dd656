//! What rules and rates do, through the kernel and the host alike.

use ipnet::IpNet;
use synguard::clock::Clock;
use synguard::dataplane::{Sandbox, Sizes};
use synguard::replay::HostTables;
use synguard::rules::BLANK;
use synguard_common::abi::{NEVER, Rule, Settings, SourceRecord, action, holder, origin, scope};
use synguard_common::repeat::{BATCH, BUSY};
use synguard_common::source::Address;
use synguard_common::verdict::{Decision, Reason, Verdict};

use crate::frames::*;
use crate::settings::{LIMIT, host, run, settings};

/// The kernel and the host with the same rules and records.
struct Both {
    sandbox: Sandbox,
    host: HostTables,
}

impl Both {
    fn new() -> Self {
        Self {
            sandbox: Sandbox::new(Sizes::default(), settings).unwrap(),
            host: host(),
        }
    }

    fn rule(mut self, prefix: &str, rule: Rule) -> Self {
        let net: IpNet = prefix.parse().unwrap();
        self.sandbox.maps().insert_rule(&net, rule).unwrap();
        self.host.insert_rule(net, rule);
        self
    }

    fn tell(&mut self, change: impl FnOnce(Settings) -> Settings) {
        let settings = self.sandbox.maps().settings().unwrap();
        self.sandbox.maps().set_settings(change(settings)).unwrap();
    }

    fn now(&self) -> u64 {
        self.sandbox.clock().now()
    }

    fn record(&mut self, record: SourceRecord) {
        let source = synguard::address::to_words(V4.into());
        self.sandbox
            .maps()
            .set_sources(&[(source, record)])
            .unwrap();
        self.host.set_source(source, &record);
    }

    #[track_caller]
    fn expect(&mut self, frame: &Frame, reason: Reason) {
        let settings = self.sandbox.maps().settings().unwrap();
        let decision = Decision::new(reason, settings.is_dry(self.now()));
        assert_eq!(
            run(&self.host, &frame.0, self.now(), &settings),
            decision,
            "host"
        );
        assert_eq!(self.sandbox.run(&frame.0).unwrap(), decision, "kernel");
    }
}

fn syn() -> Frame {
    syn_from(V4)
}

fn ack() -> Frame {
    Frame::ipv4(&Ipv4::default(), &tcp(ACK))
}

fn ban() -> Rule {
    Rule {
        origin: origin::AUTOMATIC,
        ..BLANK
    }
}

fn block(scope: u8) -> Rule {
    Rule { scope, ..BLANK }
}

fn allow() -> Rule {
    Rule {
        action: action::ALLOW,
        ..BLANK
    }
}

#[test]
fn a_ban_stops_new_connections_only() {
    let mut both = Both::new().rule("5.39.90.132/32", ban());
    both.expect(&syn(), Reason::DroppedBan);
    both.expect(&ack(), Reason::NotSyn);
    both.expect(
        &Frame::ipv4(&Ipv4::default(), &tcp(SYN | ACK)),
        Reason::NotSyn,
    );
    both.expect(&syn_from([5, 39, 90, 133]), Reason::SynCounted);
}

#[test]
fn a_ban_ends_in_the_kernel() {
    let both = Both::new();
    let now = both.now();
    // An hour either way: no test takes that long.
    let hour = 3600 * u64::from(both.sandbox.clock().hz);
    let ends = |expires| Rule { expires, ..ban() };
    both.rule("5.39.90.132/32", ends(now + hour))
        .expect(&syn(), Reason::DroppedBan);
    Both::new()
        .rule("5.39.90.132/32", ends(now.saturating_sub(hour)))
        .expect(&syn(), Reason::SynCounted);
    Both::new()
        .rule("5.39.90.132/32", ends(NEVER))
        .expect(&syn(), Reason::DroppedBan);
}

#[test]
fn a_block_with_scope_all_stops_everything() {
    let mut both = Both::new().rule("5.39.90.132/32", block(scope::ALL));
    both.expect(&syn(), Reason::DroppedRule);
    both.expect(&ack(), Reason::DroppedAll);
    both.expect(
        &Frame::ipv4(
            &Ipv4 {
                protocol: 17,
                ..Ipv4::default()
            },
            &[0; 8],
        ),
        Reason::DroppedAll,
    );
    both.expect(
        &Frame::ipv4(
            &Ipv4 {
                fragment: 7,
                ..Ipv4::default()
            },
            &[0; 8],
        ),
        Reason::DroppedAll,
    );
    both.expect(&Frame::ethernet(0x0806).padded(60), Reason::NotIp);
}

#[test]
fn a_block_of_a_prefix_holds_for_every_address_in_it() {
    let mut both = Both::new()
        .rule("5.39.88.0/22", block(scope::ALL))
        .rule("2001:db8::/32", block(scope::SYN));
    both.expect(&syn(), Reason::DroppedRule);
    both.expect(&ack(), Reason::DroppedAll);
    both.expect(&syn_from([5, 39, 92, 1]), Reason::SynCounted);
    both.expect(&syn_from6(V6), Reason::DroppedRule);
    both.expect(&Frame::ipv6(&Ipv6::default(), &tcp(ACK)), Reason::NotSyn);
}

#[test]
fn the_longest_prefix_wins() {
    let mut both = Both::new()
        .rule("5.0.0.0/8", block(scope::ALL))
        .rule("5.39.0.0/16", allow())
        .rule("5.39.90.0/24", block(scope::SYN))
        .rule("5.39.90.200/32", allow());
    both.expect(&syn_from([5, 1, 1, 1]), Reason::DroppedRule);
    both.expect(&syn_from([5, 39, 1, 1]), Reason::SynAllowed);
    both.expect(&syn(), Reason::DroppedRule);
    both.expect(&ack(), Reason::NotSyn);
    both.expect(&syn_from([5, 39, 90, 200]), Reason::SynAllowed);
}

#[test]
fn an_allow_beats_an_automatic_ban() {
    let mut both = Both::new()
        .rule("5.39.90.132/32", ban())
        .rule("5.39.0.0/16", allow());
    both.expect(&syn(), Reason::SynAllowed);
}

#[test]
fn an_allowed_address_stays_open_within_a_banned_ipv6_prefix() {
    let mut both = Both::new()
        .rule("2001:db8:1:2::/64", ban())
        .rule("2001:db8:1:2:3:4:5:6/128", allow());
    both.expect(&syn_from6(V6), Reason::SynAllowed);
    let mut neighbour = V6;
    neighbour[15] = 7;
    both.expect(&syn_from6(neighbour), Reason::DroppedBan);
}

#[test]
fn an_ipv6_source_is_its_prefix() {
    let mut both = Both::new();
    for host in 0..LIMIT {
        let mut source = V6;
        source[15] = u8::try_from(host).unwrap();
        both.expect(&syn_from6(source), Reason::SynCounted);
    }
    both.expect(&syn_from6(V6), Reason::DroppedRate);
}

#[test]
fn a_source_over_its_rate_is_stopped_and_reported_once() {
    let mut both = Both::new();
    for _ in 0..LIMIT {
        both.expect(&syn(), Reason::SynCounted);
    }
    for _ in 0..5 {
        both.expect(&syn(), Reason::DroppedRate);
    }
    let source = synguard::address::to_words(V4.into());
    assert_eq!(both.host.take_reported(), [source.key()]);
    let record = both.sandbox.maps().source(source).unwrap().unwrap();
    assert_eq!((record.syns, record.dropped), (u64::from(LIMIT) + 5, 5));
    assert_eq!(record.constant_source_port(), Some(80));
}

#[test]
fn a_client_that_completes_its_handshakes_is_not_stopped() {
    let mut both = Both::new();
    let record = |both: &Both, handshakes| SourceRecord {
        syns: 1000,
        handshakes,
        first_seen: both.now(),
        window_start: both.now(),
        ..SourceRecord::BLANK
    };
    let busy = record(&both, 900);
    both.record(busy);
    both.expect(&syn(), Reason::SynBusy);
    let flooder = record(&both, 100);
    both.record(flooder);
    both.expect(&syn(), Reason::DroppedRate);
}

#[test]
fn a_dry_run_counts_what_it_would_drop_and_passes_it() {
    let mut both = Both::new().rule("5.39.90.132/32", block(scope::ALL));
    both.tell(|settings| Settings {
        dry_run: 1,
        ..settings
    });
    both.expect(&syn(), Reason::DroppedRule);
    both.expect(&ack(), Reason::DroppedAll);
    let last = both.sandbox.run(&syn().0).unwrap();
    assert_eq!(last.verdict, Verdict::Pass);
}

#[test]
fn from_the_tick_that_nobody_confirmed_before_everything_passes() {
    let mut both = Both::new().rule("5.39.90.132/32", block(scope::ALL));
    let passes_from = both.now() + 1_000_000;
    both.tell(|settings| Settings {
        passes_from,
        ..settings
    });
    both.expect(&syn(), Reason::DroppedRule);
    both.expect(&ack(), Reason::DroppedAll);
    assert_eq!(both.sandbox.run(&ack().0).unwrap().verdict, Verdict::Drop);
    // The kernel's clock may be a tick behind.
    let passes_from = both.now() - 2;
    both.tell(|settings| Settings {
        passes_from,
        ..settings
    });
    both.expect(&syn(), Reason::DroppedRule);
    both.expect(&ack(), Reason::DroppedAll);
    assert_eq!(both.sandbox.run(&syn().0).unwrap().verdict, Verdict::Pass);
}

#[test]
fn a_packet_that_is_no_syn_costs_no_lookup_without_a_rule_for_all_traffic() {
    let mut both = Both::new().rule("5.39.90.132/32", block(scope::ALL));
    both.expect(&ack(), Reason::DroppedAll);
    // Told that there is no such rule, the program does not look.
    both.tell(|settings| Settings {
        all_rules: 0,
        ..settings
    });
    both.expect(&ack(), Reason::NotSyn);
}

#[test]
fn the_count_of_rules_follows_every_change() {
    let mut sandbox = Sandbox::new(Sizes::default(), settings).unwrap();
    let maps = sandbox.maps();
    let net = |text: &str| text.parse::<IpNet>().unwrap();
    for (prefix, rule, expected) in [
        ("192.0.2.1/32", block(scope::ALL), 1),
        ("192.0.2.1/32", block(scope::SYN), 0),
        ("192.0.2.0/24", block(scope::ALL), 1),
        ("192.0.2.0/24", allow(), 0),
        ("2001:db8::/64", block(scope::ALL), 1),
        ("2001:db8::1/128", block(scope::ALL), 2),
    ] {
        maps.insert_rule(&net(prefix), rule).unwrap();
        assert_eq!(maps.settings().unwrap().all_rules, expected, "{prefix}");
    }
    let all = maps.rules(|_, _| true).unwrap();
    assert_eq!(all.len(), 4);
    for (net, _) in all {
        assert!(maps.remove_rule(&net).unwrap().is_some());
    }
    assert_eq!(maps.settings().unwrap().all_rules, 0);
}

#[test]
fn many_rules_at_once_are_as_good_as_one_by_one() {
    let mut sandbox = Sandbox::new(Sizes::default(), settings).unwrap();
    let rules: Vec<(IpNet, Rule)> = (0..10_000_u32)
        .map(|index| {
            let [_, _, high, low] = index.to_be_bytes();
            let net = match index % 4 {
                0 => format!("10.{high}.{low}.0/24"),
                1 => format!("10.{high}.{low}.7/32"),
                2 => format!("2001:db8:{index:x}::/48"),
                _ => format!("2001:db8:{index:x}:1::/64"),
            };
            (net.parse().unwrap(), block(scope::ALL))
        })
        .collect();
    sandbox.maps().insert_rules(&rules).unwrap();
    sandbox.maps().tidy().unwrap();
    assert_eq!(sandbox.maps().settings().unwrap().all_rules, 10_000);
    let mut read = sandbox.maps().rules(|_, _| true).unwrap();
    read.sort_unstable_by_key(|(net, _)| *net);
    let mut written: Vec<_> = rules.iter().map(|(net, _)| *net).collect();
    written.sort_unstable();
    assert!(read.iter().map(|(net, _)| *net).eq(written.iter().copied()));
    for (source, reason) in [
        ([10, 0, 0, 9], Reason::DroppedRule),
        ([10, 0, 1, 7], Reason::DroppedRule),
        ([10, 0, 1, 8], Reason::SynCounted),
    ] {
        let decision = sandbox.run(&syn_from(source).0).unwrap();
        assert_eq!(decision.reason, reason, "{source:?}");
    }
    sandbox.maps().remove_rules(&written).unwrap();
    // Again, as what is not there is no error.
    sandbox.maps().remove_rules(&written).unwrap();
    sandbox.maps().tidy().unwrap();
    assert!(sandbox.maps().rules(|_, _| true).unwrap().is_empty());
    assert_eq!(sandbox.maps().settings().unwrap().all_rules, 0);
}

#[test]
fn a_rule_that_nobody_in_force_holds_does_nothing() {
    let waiting = Rule {
        holders: holder::INCOMING,
        ..block(scope::ALL)
    };
    let mut both = Both::new()
        .rule("5.39.90.132/32", waiting)
        .rule("5.39.90.0/24", waiting);
    both.expect(&syn(), Reason::SynCounted);
    both.tell(|settings| Settings {
        holders: settings.holders | holder::INCOMING,
        ..settings
    });
    both.expect(&syn(), Reason::DroppedRule);
    both.expect(&syn_from([5, 39, 90, 1]), Reason::DroppedRule);
}

#[test]
fn resets_are_counted_for_a_known_source() {
    let mut both = Both::new();
    let reset = Frame::ipv4(&Ipv4::default(), &tcp(RST));
    let source = synguard::address::to_words(V4.into());
    both.expect(&reset, Reason::Reset);
    assert_eq!(both.sandbox.maps().source(source).unwrap(), None);
    both.expect(&syn(), Reason::SynCounted);
    both.expect(&reset, Reason::Reset);
    both.expect(
        &Frame::ipv4(&Ipv4::default(), &tcp(RST | ACK)),
        Reason::NotSyn,
    );
    let record = both.sandbox.maps().source(source).unwrap().unwrap();
    assert_eq!((record.syns, record.resets), (1, 1));
    assert_eq!(both.host.source(source).unwrap().resets, 1);
}

#[test]
fn hits_are_counted_at_the_rule() {
    let mut both = Both::new().rule("5.39.90.132/32", ban());
    for _ in 0..3 {
        both.expect(&syn(), Reason::DroppedBan);
    }
    let rule = both
        .sandbox
        .maps()
        .rule(&"5.39.90.132/32".parse().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(rule.hits, 3);
    let source = Address::from_key(synguard::address::to_words(V4.into()).key());
    assert_eq!(
        both.sandbox.maps().source(source).unwrap(),
        None,
        "a banned source takes no record"
    );
}

#[test]
fn a_flood_at_one_rule_is_counted_but_for_a_batch() {
    let net: IpNet = "5.39.90.132/32".parse().unwrap();
    let mut both = Both::new().rule("5.39.90.132/32", block(scope::ALL));
    // Each CPU has a batch of its own, and this thread may be moved to another one.
    let cpus = std::thread::available_parallelism().unwrap().get() as u64;
    for sent in 1..=500 {
        both.expect(&syn(), Reason::DroppedRule);
        let hits = both.sandbox.maps().rule(&net).unwrap().unwrap().hits;
        assert!(
            hits <= sent && hits + cpus * BATCH >= sent,
            "{hits} of {sent}"
        );
    }
    for _ in 0..100 {
        both.expect(&ack(), Reason::DroppedAll);
    }
}

#[test]
fn a_rule_that_goes_in_a_flood_is_gone_with_the_next_tick() {
    let net: IpNet = "5.39.90.132/32".parse().unwrap();
    let mut sandbox = Sandbox::new(Sizes::default(), settings).unwrap();
    sandbox.maps().insert_rule(&net, ban()).unwrap();
    for _ in 0..3 * BUSY {
        assert_eq!(sandbox.run(&syn().0).unwrap().reason, Reason::DroppedBan);
    }
    sandbox.maps().remove_rule(&net).unwrap();
    let tick = sandbox.clock().now();
    // The program may see a tick one later than this side's clock.
    while sandbox.clock().now() < tick + 2 {
        std::hint::spin_loop();
    }
    assert_eq!(sandbox.run(&syn().0).unwrap().reason, Reason::SynCounted);
}

/// An IPv4 source that no other test and no other `index` uses.
fn stranger(index: u32) -> Frame {
    let [_, a, b, c] = index.to_be_bytes();
    syn_from([11, a, b, c])
}

#[test]
fn a_flood_of_new_sources_gets_no_records() {
    let mut both = Both::new();
    both.tell(|settings| Settings {
        admissions: 2,
        ..settings
    });
    both.expect(&stranger(0), Reason::SynCounted);
    both.expect(&stranger(1), Reason::SynCounted);
    for index in 2..50 {
        both.expect(&stranger(index), Reason::SynSketched);
    }
    let mut known = 0;
    both.sandbox.maps().each_source(|_, _| known += 1).unwrap();
    assert_eq!(known, 2);
}

#[test]
fn a_cpu_whose_clock_is_a_moment_late_forgives_no_admissions() {
    let host = host();
    let told = Settings {
        admissions: 2,
        ..settings(&Clock { hz: 250, offset: 0 })
    };
    let epoch = 1 << told.epoch_shift;
    let at = |index, now| run(&host, &stranger(index).0, now, &told).reason;
    assert_eq!(at(0, 9 * epoch), Reason::SynCounted);
    assert_eq!(at(1, 9 * epoch), Reason::SynCounted);
    assert_eq!(at(2, 9 * epoch), Reason::SynSketched);
    assert_eq!(at(3, 9 * epoch - 1), Reason::SynSketched);
    assert_eq!(at(4, 9 * epoch), Reason::SynSketched);
    // After a thousand epochs all is forgiven.
    assert_eq!(at(5, 2000 * epoch), Reason::SynCounted);
}

#[test]
fn an_offender_gets_its_record_through_a_flood_of_new_sources() {
    let mut both = Both::new();
    both.tell(|settings| Settings {
        admissions: 0,
        ..settings
    });
    for index in 0..3 {
        both.expect(&syn(), Reason::SynSketched);
        both.expect(&stranger(index), Reason::SynSketched);
    }
    for _ in 0..LIMIT {
        both.expect(&syn(), Reason::SynCounted);
    }
    both.expect(&syn(), Reason::DroppedRate);
}

#[test]
fn a_rule_whose_time_is_over_does_not_hide_a_wider_one() {
    let over = |rule: Rule| Rule { expires: 0, ..rule };
    let mut both = Both::new()
        .rule("5.0.0.0/8", block(scope::ALL))
        .rule("5.39.0.0/16", over(allow()))
        .rule("5.39.90.0/24", over(block(scope::SYN)))
        .rule("2001:db8::/32", allow())
        .rule("2001:db8:1::/48", over(block(scope::ALL)));
    both.expect(&syn(), Reason::DroppedRule);
    both.expect(&ack(), Reason::DroppedAll);
    both.expect(&syn_from6(V6), Reason::SynAllowed);
}

#[test]
fn what_the_host_depends_on_is_stopped_over_its_rate_but_never_banned() {
    let gateway = Rule {
        origin: origin::GATEWAY,
        ..allow()
    };
    let mut both = Both::new().rule("5.39.90.132/32", gateway);
    for _ in 0..LIMIT {
        both.expect(&syn(), Reason::SynCounted);
    }
    both.expect(&syn(), Reason::DroppedRate);
    both.expect(&ack(), Reason::NotSyn);
}

#[test]
fn the_other_end_of_an_ssh_session_stays_open_whatever_comes() {
    let peer = Rule {
        origin: origin::SSH_PEER,
        ..allow()
    };
    let mut both = Both::new().rule("5.39.90.132/32", peer);
    for _ in 0..LIMIT * 3 {
        both.expect(&syn(), Reason::SynAllowed);
    }
}

#[test]
fn an_allowed_address_does_not_count_against_its_prefix() {
    let mut both = Both::new().rule("2001:db8:1:2:3:4:5:6/128", allow());
    for _ in 0..LIMIT * 3 {
        both.expect(&syn_from6(V6), Reason::SynAllowed);
    }
    let mut neighbour = V6;
    neighbour[15] = 7;
    both.expect(&syn_from6(neighbour), Reason::SynCounted);
}
