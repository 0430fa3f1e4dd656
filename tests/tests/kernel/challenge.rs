//! SYNs answered with cookies by the loaded program, in a namespace with a listener.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

use anyhow::Result;
use etherparse::{SlicedPacket, TransportSlice};
use synguard::address;
use synguard::capture::filter;
use synguard::dataplane::{Sandbox, Sizes};
use synguard::rules::BLANK;
use synguard_common::abi::{
    Listener, NEVER, Rule, Settings, SourceRecord, action, budget, hindrance, verdict,
};
use synguard_common::budget::Budget;
use synguard_common::cookie::{Header, Ipv4, Ipv6, Question, Terms, ability, network_layer};
use synguard_common::verdict::{Decision, Reason, Verdict};
use synguard_tests::namespace::Namespace;

use crate::frames::{self, ACK, CWR, ECE, Frame, SYN, V4, V6};
use crate::settings::settings;

const SERVER_V4: [u8; 4] = [192, 0, 2, 1];
/// Where `frames` sends everything.
const SERVER_V6: [u8; 16] = [0x20; 16];
const ALL: u32 = ability::TIMESTAMPS | ability::SACK | ability::WINDOW_SCALING | ability::ECN;
const LISTENER: Listener = Listener {
    namespace: -1,
    abilities: ALL,
    shift: 7,
    mss: 1460,
    hindrance: hindrance::NONE,
};
/// As Linux sends them: MSS, SACK permitted, timestamps, a filler, window scale.
const OPTIONS: [u8; 20] = [
    2, 4, 5, 180, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 10,
];

/// A namespace in which both addresses have a listener, and the loaded programs.
struct Bench {
    sandbox: Sandbox,
    port: u16,
    _listeners: [TcpListener; 2],
}

impl Bench {
    fn new() -> Result<Self> {
        let v4 = TcpListener::bind((Ipv4Addr::from(SERVER_V4), 0))?;
        let port = v4.local_addr()?.port();
        let v6 = TcpListener::bind((Ipv6Addr::from(SERVER_V6), port))?;
        let mut sandbox = Sandbox::new(Sizes::default(), |clock| Settings {
            answers: u32::MAX,
            answers_until: NEVER,
            answers_each: u32::MAX,
            // All SYNs here come from the same source.
            limit: u64::from(u32::MAX),
            ..settings(clock)
        })?;
        sandbox.load_challenge()?;
        let listeners = [
            ((SERVER_V4, port).into(), LISTENER),
            ((SERVER_V6, port).into(), LISTENER),
        ];
        sandbox.maps().set_listeners(&listeners)?;
        Ok(Self {
            sandbox,
            port,
            _listeners: [v4, v6],
        })
    }

    fn tell(&mut self, change: impl FnOnce(Settings) -> Settings) -> Result<()> {
        let settings = self.sandbox.maps().settings()?;
        Ok(self.sandbox.maps().set_settings(change(settings))?)
    }

    /// At the IPv4 address alone.
    fn listen(&mut self, listener: Listener) -> Result<()> {
        let listeners = [((SERVER_V4, self.port).into(), listener)];
        Ok(self.sandbox.maps().set_listeners(&listeners)?)
    }

    fn syn(&self, flags: u8, options: &[u8]) -> Vec<u8> {
        let words = 5 + u8::try_from(options.len() / 4).unwrap();
        let mut segment = frames::tcp_header(flags, words, 40_000, self.port);
        segment[20..].copy_from_slice(options);
        segment[4..8].copy_from_slice(&[1, 2, 3, 255]);
        segment
    }

    #[track_caller]
    fn expect(&mut self, frame: &Frame, reason: Reason) {
        let decision = self.sandbox.run(&frame.0).unwrap();
        let expected = Decision::new(reason, false);
        assert_eq!(decision, expected);
    }

    /// The kernel's answer is the one that the host makes on the same terms.
    #[track_caller]
    fn expect_answer(&mut self, frame: &Frame, abilities: u32) {
        let (decision, answer) = self.sandbox.answer(&frame.0).unwrap();
        assert_eq!(decision, Decision::new(Reason::SynAnswered, false));
        let (cookie, milliseconds) = cookie_and_time(&answer);
        let terms = Terms {
            cookie,
            mss: LISTENER.mss,
            window: 64_240,
            shift: LISTENER.shift,
            abilities,
            hops: 64,
            milliseconds,
        };
        let (kind, at) = network_layer(&frame.0[..]).unwrap();
        let expected = if kind == Ipv4::ETHER_TYPE {
            answered::<Ipv4>(&frame.0, at, &terms)
        } else {
            answered::<Ipv6>(&frame.0, at, &terms)
        };
        assert_eq!(answer, expected);
    }
}

fn answered<H: Header>(frame: &[u8], at: usize, terms: &Terms) -> Vec<u8> {
    let answer = Question::<H>::read(frame, at).unwrap().answer(terms);
    let mut frame = frame.to_vec();
    frame.resize(answer.frame_len(), 0);
    answer.write(&mut frame[..]).unwrap();
    frame
}

/// What only the kernel knows: at the time of the timestamp that was sent the same
/// one comes out again.
fn cookie_and_time(answer: &[u8]) -> (u32, u64) {
    let packet = SlicedPacket::from_ethernet(answer).unwrap();
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else {
        panic!("no TCP: {answer:02x?}");
    };
    let stamp = tcp
        .options()
        .get(8..12)
        .map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
    (tcp.sequence_number(), stamp.into())
}

/// Runs in a new namespace whose listeners hand out cookies for every SYN.
fn in_a_namespace(case: impl FnOnce(Bench) -> Result<()> + Send) -> Result<()> {
    let namespace = Namespace::new("listener")?;
    namespace.sysctl("ipv4/tcp_syncookies", "2")?;
    namespace.batch(&[
        format!("addr add {}/32 dev lo", Ipv4Addr::from(SERVER_V4)),
        format!("addr add {}/128 dev lo nodad", Ipv6Addr::from(SERVER_V6)),
    ])?;
    namespace.inside(|| case(Bench::new()?))?
}

fn ipv4(segment: &[u8]) -> Frame {
    Frame::ipv4(&frames::Ipv4::default(), segment)
}

fn ipv6(segment: &[u8]) -> Frame {
    Frame::ipv6(&frames::Ipv6::default(), segment)
}

#[test]
fn the_answer_is_the_one_that_the_host_makes() -> Result<()> {
    in_a_namespace(|mut bench| {
        for flags in [SYN, SYN | ECE | CWR] {
            for len in [0, 4, 8, 16, 20] {
                let syn = bench.syn(flags, &OPTIONS[..len]);
                for tags in [&[][..], &[0x8100], &[0x88a8, 0x8100]] {
                    bench.expect_answer(&ipv4(&syn).tagged(tags), ALL);
                    bench.expect_answer(&ipv6(&syn).tagged(tags), ALL);
                }
            }
        }
        let with_data = [bench.syn(SYN, &OPTIONS), vec![7; 900]].concat();
        bench.expect_answer(&ipv4(&with_data), ALL);
        bench.expect_answer(&ipv6(&with_data).tagged(&[0x8100]), ALL);
        // Padding goes too.
        let bare = bench.syn(SYN, &[]);
        bench.expect_answer(&ipv4(&bare).padded(60), ALL);
        // Fillers alone, as many as there can be.
        let fillers = bench.syn(SYN, &[1; 40]);
        bench.expect_answer(&ipv4(&fillers), ALL);
        Ok(())
    })
}

#[test]
fn no_more_is_promised_than_the_server_can() -> Result<()> {
    in_a_namespace(|mut bench| {
        let syn = bench.syn(SYN | ECE | CWR, &OPTIONS);
        for abilities in 0..=ALL {
            bench.listen(Listener {
                abilities,
                ..LISTENER
            })?;
            bench.expect_answer(&ipv4(&syn), abilities);
        }
        Ok(())
    })
}

#[test]
fn whose_clients_would_hang_is_left_to_the_kernel() -> Result<()> {
    in_a_namespace(|mut bench| {
        let syn = bench.syn(SYN, &OPTIONS);
        bench.listen(Listener {
            hindrance: hindrance::PUBLISHED,
            ..LISTENER
        })?;
        bench.expect(&ipv4(&syn), Reason::SynHindered);
        bench.expect(&ipv6(&syn), Reason::SynNoListener);
        Ok(())
    })
}

#[test]
fn what_no_listener_takes_is_passed() -> Result<()> {
    in_a_namespace(|mut bench| {
        let syn = bench.syn(SYN, &OPTIONS);
        let closed = frames::tcp_header(SYN, 5, 40_000, 1);
        bench.expect(&ipv4(&closed), Reason::SynNoListener);
        bench.expect(&ipv6(&closed), Reason::SynNoListener);
        for (flags, reason) in [
            (SYN | frames::FIN, Reason::SynUnanswerable),
            (SYN | frames::RST, Reason::SynUnanswerable),
            (SYN | ACK, Reason::NotSyn),
        ] {
            let segment = bench.syn(flags, &OPTIONS);
            bench.expect(&ipv4(&segment), reason);
        }
        let options = frames::Ipv4 {
            ihl: 6,
            ..frames::Ipv4::default()
        };
        bench.expect(&Frame::ipv4(&options, &syn), Reason::SynUnanswerable);
        let fragment = frames::Ipv4 {
            fragment: 0x2000,
            ..frames::Ipv4::default()
        };
        bench.expect(&Frame::ipv4(&fragment, &syn), Reason::SynUnanswerable);
        // An address that is not one of the servers'.
        let mut elsewhere = ipv4(&syn);
        elsewhere.0[33] = 9;
        bench.expect(&elsewhere, Reason::SynNoListener);
        Ok(())
    })
}

#[test]
fn who_signs_his_syns_is_left_to_the_kernel() -> Result<()> {
    in_a_namespace(|mut bench| {
        // TCP-MD5 (RFC 2385) and TCP-AO (RFC 5925), each padded with fillers.
        for kind in [19, 29] {
            let mut options = [1; 20];
            options[..18].fill(0xab);
            options[..2].copy_from_slice(&[kind, 18]);
            let syn = bench.syn(SYN, &options);
            bench.expect(&ipv4(&syn), Reason::SynUnanswerable);
            bench.expect(&ipv6(&syn), Reason::SynUnanswerable);
        }
        Ok(())
    })
}

#[test]
fn nobody_is_asked_any_more_once_the_controller_is_gone_for_long() -> Result<()> {
    in_a_namespace(|mut bench| {
        let now = bench.sandbox.clock().now();
        bench.tell(|settings| Settings {
            answers_until: now,
            ..settings
        })?;
        let syn = ipv4(&bench.syn(SYN, &OPTIONS));
        bench.expect(&syn, Reason::SynCounted);
        Ok(())
    })
}

#[test]
fn the_allowed_and_the_good_are_not_asked() -> Result<()> {
    in_a_namespace(|mut bench| {
        let syn = ipv4(&bench.syn(SYN, &OPTIONS));
        let source = address::to_words(V4.into());
        let record = |syns, handshakes| SourceRecord {
            syns,
            handshakes,
            ..SourceRecord::BLANK
        };
        for (syns, handshakes, reason) in [
            (1, 1, Reason::SynProven),
            (3, 2, Reason::SynProven),
            (0, 0, Reason::SynAnswered),
            (9, 1, Reason::SynAnswered),
        ] {
            let records = [(source, record(syns, handshakes))];
            bench.sandbox.maps().set_sources(&records)?;
            bench.expect(&syn, reason);
        }
        let allow = Rule {
            action: action::ALLOW,
            ..BLANK
        };
        bench
            .sandbox
            .maps()
            .insert_rule(&"5.39.90.0/24".parse()?, allow)?;
        bench.expect(&syn, Reason::SynAllowed);
        Ok(())
    })
}

#[test]
fn answers_are_limited_in_all() -> Result<()> {
    in_a_namespace(|mut bench| {
        bench.tell(|settings| Settings {
            answers: 256,
            epoch_shift: 63,
            ..settings
        })?;
        let syn = bench.syn(SYN, &OPTIONS);
        let mut answered = 0;
        for network in 0..=u16::MAX {
            let [high, low] = network.to_be_bytes();
            let decision = bench.sandbox.run(&from([198, high, low, 1], &syn).0)?;
            if decision.reason == Reason::DroppedAnswers {
                break;
            }
            assert_eq!(decision.reason, Reason::SynAnswered);
            answered += 1;
        }
        // Counted by sample: one in 32 stands for all.
        assert!((64..1024).contains(&answered), "{answered}");
        bench.expect(&ipv6(&syn), Reason::DroppedAnswers);
        Ok(())
    })
}

/// The SYN with another source.
fn from(source: [u8; 4], syn: &[u8]) -> Frame {
    let header = frames::Ipv4 {
        source,
        ..frames::Ipv4::default()
    };
    Frame::ipv4(&header, syn)
}

#[test]
fn answers_are_limited_for_each_network() -> Result<()> {
    in_a_namespace(|mut bench| {
        bench.tell(|settings| Settings {
            answers_each: 2,
            // All of this is one epoch.
            epoch_shift: 63,
            ..settings
        })?;
        let syn = bench.syn(SYN, &OPTIONS);
        let from = |source| from(source, &syn);
        bench.expect(&from([203, 0, 113, 1]), Reason::SynAnswered);
        bench.expect(&from([203, 0, 113, 2]), Reason::SynAnswered);
        bench.expect(&from([203, 0, 113, 3]), Reason::DroppedAnswers);
        bench.expect(&from([203, 0, 112, 3]), Reason::SynAnswered);
        bench.expect(&ipv6(&syn), Reason::SynAnswered);
        Ok(())
    })
}

#[test]
fn without_the_program_or_in_a_dry_run_syns_pass_as_ever() -> Result<()> {
    in_a_namespace(|mut bench| {
        let syn = ipv4(&bench.syn(SYN, &OPTIONS));
        bench.tell(|settings| Settings {
            dry_run: 1,
            ..settings
        })?;
        bench.expect(&syn, Reason::SynCounted);
        let mut without = Sandbox::new(Sizes::default(), |clock| Settings {
            answers: u32::MAX,
            answers_until: NEVER,
            ..settings(clock)
        })?;
        let decision = without.run(&syn.0)?;
        assert_eq!(decision.verdict, Verdict::Pass);
        assert_eq!(decision.reason, Reason::SynCounted);
        Ok(())
    })
}

#[test]
fn both_families_are_who_they_are() {
    // The frames' addresses, on which all of the above rests.
    assert_eq!(&frames::syn_from(V4).0[30..34], SERVER_V4);
    assert_eq!(&frames::syn_from6(V6).0[38..54], SERVER_V6);
}

#[test]
fn a_capture_is_shown_the_syn_and_not_its_answer() -> Result<()> {
    in_a_namespace(|mut bench| {
        bench.sandbox.load_sample()?;
        bench.tell(|settings| Settings {
            samples_until: NEVER,
            ..settings
        })?;
        let plenty = Budget::new(1_000_000, 1_000, bench.sandbox.clock().hz);
        let maps = bench.sandbox.maps();
        maps.set_capture(filter(None, &[]))?;
        maps.set_budget(budget::CAPTURE, plenty)?;
        let (syn, closed) = (
            bench.syn(SYN, &OPTIONS),
            frames::tcp_header(SYN, 5, 40_000, 1),
        );
        for (frame, reason, became) in [
            (ipv4(&syn), Reason::SynAnswered, verdict::ANSWER),
            (ipv6(&syn), Reason::SynAnswered, verdict::ANSWER),
            (
                ipv4(&syn).tagged(&[0x8100]),
                Reason::SynAnswered,
                verdict::ANSWER,
            ),
            (ipv4(&closed), Reason::SynNoListener, verdict::PASS),
        ] {
            bench.expect(&frame, reason);
            let [shown, _] = bench.sandbox.shown();
            assert_eq!(shown.len(), 1, "{reason:?}");
            let sample = &shown[0];
            assert_eq!((sample.reason, sample.verdict), (reason as u32, became));
            let bytes = &sample.words.as_flattened()[..sample.captured as usize];
            assert_eq!(bytes, &frame.0[..], "{reason:?}");
        }
        // By the reason that was found in the end.
        bench
            .sandbox
            .maps()
            .set_capture(filter(None, &[Reason::SynAnswered]))?;
        bench.expect(&ipv4(&closed), Reason::SynNoListener);
        assert!(bench.sandbox.shown().iter().all(Vec::is_empty));
        bench.expect(&ipv4(&syn), Reason::SynAnswered);
        assert_eq!(bench.sandbox.shown()[0].len(), 1);
        Ok(())
    })
}

#[test]
fn a_capture_where_nobody_answers_is_shown_what_passes() -> Result<()> {
    let mut sandbox = Sandbox::new(Sizes::default(), |clock| Settings {
        answers: u32::MAX,
        answers_until: NEVER,
        samples_until: NEVER,
        ..settings(clock)
    })?;
    sandbox.load_sample()?;
    let plenty = Budget::new(1_000_000, 1_000, sandbox.clock().hz);
    sandbox.maps().set_capture(filter(None, &[]))?;
    sandbox.maps().set_budget(budget::CAPTURE, plenty)?;
    let decision = sandbox.run(&frames::syn_from(V4).0)?;
    assert_eq!(decision, Decision::new(Reason::SynCounted, false));
    let [shown, _] = sandbox.shown();
    assert_eq!((shown.len(), shown[0].verdict), (1, verdict::PASS));
    Ok(())
}
