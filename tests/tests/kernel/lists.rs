//! Imported lists in the maps: swaps as one, lists beside each other, and what a
//! process that dies in the middle leaves behind.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use proptest::prelude::*;
use synguard::dataplane::{Maps, Sandbox, Sizes};
use synguard::lists::{Lists, Prepared, Swap, end_entries, recover, release};
use synguard::rules::{BLANK, put};
use synguard_common::abi::{NEVER, Rule, action, holder, origin, scope};
use synguard_common::verdict::Reason;

use crate::frames::syn_from;
use crate::settings::settings;

fn sandbox() -> Sandbox {
    Sandbox::new(Sizes::default(), settings).unwrap()
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// A list to put in place.
#[derive(Clone, Copy)]
struct Import<'a> {
    name: &'a str,
    action: u8,
    replace: bool,
    prefixes: &'a [&'a str],
}

const fn block<'a>(name: &'a str, prefixes: &'a [&'a str]) -> Import<'a> {
    Import {
        name,
        action: action::BLOCK,
        replace: true,
        prefixes,
    }
}

impl Import<'_> {
    fn prepare(&self, maps: &mut Maps) -> synguard::Result<Prepared> {
        let mut entries: Vec<_> = self
            .prefixes
            .iter()
            .map(|text| (net(text), NEVER))
            .collect();
        entries.sort_unstable();
        let swap = Swap {
            name: self.name,
            action: self.action,
            scope: if self.action == action::ALLOW {
                scope::SYN
            } else {
                scope::ALL
            },
            replace: self.replace,
            entries: &entries,
            now: maps.clock().unwrap().now(),
            date: 0,
        };
        swap.prepare(maps)
    }

    fn run(&self, maps: &mut Maps) -> u64 {
        self.prepare(maps).unwrap().commit(maps).unwrap()
    }
}

/// The prefixes in force, with what they do.
fn in_force(maps: &Maps) -> BTreeMap<String, u8> {
    let holders = maps.settings().unwrap().holders;
    let rules = maps.rules(|_, rule| rule.in_force(1, holders)).unwrap();
    let shown = rules
        .into_iter()
        .map(|(net, rule)| (net.to_string(), rule.action));
    shown.collect()
}

fn blocked(maps: &Maps) -> Vec<String> {
    in_force(maps).into_keys().collect()
}

fn names(maps: &Maps) -> Vec<String> {
    let lists = Lists::read(maps).unwrap();
    lists
        .each()
        .map(|(_, list)| synguard::lists::name(list))
        .collect()
}

#[test]
fn a_list_blocks_until_it_is_replaced_or_removed() {
    let mut sandbox = sandbox();
    assert_eq!(
        block("a", &["10.0.0.1/32", "10.1.0.0/16"]).run(sandbox.maps()),
        2
    );
    assert_eq!(
        sandbox.run(&syn_from([10, 1, 2, 3]).0).unwrap().reason,
        Reason::DroppedRule
    );
    assert_eq!(
        block("a", &["10.0.0.1/32", "10.2.0.0/16"]).run(sandbox.maps()),
        2
    );
    assert_eq!(blocked(sandbox.maps()), ["10.0.0.1/32", "10.2.0.0/16"]);
    assert_eq!(
        sandbox.run(&syn_from([10, 1, 2, 3]).0).unwrap().reason,
        Reason::SynCounted
    );
    assert_eq!(
        sandbox.run(&syn_from([10, 2, 2, 3]).0).unwrap().reason,
        Reason::DroppedRule
    );
    assert_eq!(sandbox.maps().settings().unwrap().all_rules, 2);
    block("a", &[]).run(sandbox.maps());
    assert!(blocked(sandbox.maps()).is_empty() && names(sandbox.maps()).is_empty());
    assert_eq!(sandbox.maps().settings().unwrap().all_rules, 0);
}

#[test]
fn a_file_is_added_to_its_list() {
    let mut sandbox = sandbox();
    block("a", &["10.0.0.1/32"]).run(sandbox.maps());
    let more = Import {
        replace: false,
        ..block("a", &["10.0.0.2/32"])
    };
    assert_eq!(more.run(sandbox.maps()), 2);
    assert_eq!(blocked(sandbox.maps()), ["10.0.0.1/32", "10.0.0.2/32"]);
}

#[test]
fn a_prefix_stays_as_long_as_one_list_names_it() {
    let mut sandbox = sandbox();
    let maps = sandbox.maps();
    block("a", &["10.0.0.1/32", "10.0.0.2/32"]).run(maps);
    block("b", &["10.0.0.2/32", "10.0.0.3/32"]).run(maps);
    assert_eq!(names(maps), ["a", "b"]);
    block("a", &[]).run(maps);
    assert_eq!(blocked(maps), ["10.0.0.2/32", "10.0.0.3/32"]);
    block("b", &["10.0.0.3/32"]).run(maps);
    assert_eq!(blocked(maps), ["10.0.0.3/32"]);
}

#[test]
fn what_a_person_said_goes_first_and_the_list_comes_back() {
    let mut sandbox = sandbox();
    let maps = sandbox.maps();
    let said = Rule {
        action: action::ALLOW,
        ..BLANK
    };
    put(maps, &net("10.0.0.1/32"), said).unwrap();
    block("a", &["10.0.0.1/32"]).run(maps);
    assert_eq!(in_force(maps)["10.0.0.1/32"], action::ALLOW);
    let rule = maps.rule(&net("10.0.0.1/32")).unwrap().unwrap();
    release(maps, &net("10.0.0.1/32"), &rule).unwrap();
    let rule = maps.rule(&net("10.0.0.1/32")).unwrap().unwrap();
    assert_eq!((rule.action, rule.scope), (action::BLOCK, scope::ALL));
    assert_eq!(rule.origin, origin::LIST);
}

#[test]
fn an_allow_list_beats_a_block_list() {
    let mut sandbox = sandbox();
    let maps = sandbox.maps();
    block("bad", &["10.0.0.1/32"]).run(maps);
    let good = Import {
        action: action::ALLOW,
        ..block("good", &["10.0.0.1/32"])
    };
    good.run(maps);
    assert_eq!(in_force(maps)["10.0.0.1/32"], action::ALLOW);
    block("good", &[]).run(maps);
    assert_eq!(in_force(maps)["10.0.0.1/32"], action::BLOCK);
}

#[test]
fn nothing_changes_before_the_swap_and_all_of_it_with_one_write() {
    let mut sandbox = sandbox();
    let maps = sandbox.maps();
    block("a", &["10.0.0.1/32", "10.0.0.2/32"]).run(maps);
    let prepared = block("a", &["10.0.0.2/32", "10.0.0.3/32"])
        .prepare(maps)
        .unwrap();
    assert_eq!(blocked(maps), ["10.0.0.1/32", "10.0.0.2/32"]);
    flip(maps, 0);
    assert_eq!(blocked(maps), ["10.0.0.2/32", "10.0.0.3/32"]);
    assert_eq!(prepared.commit(maps).unwrap(), 2);
    assert_eq!(blocked(maps), ["10.0.0.2/32", "10.0.0.3/32"]);
}

/// The one write.
fn flip(maps: &mut Maps, list: u32) {
    let mut settings = maps.settings().unwrap();
    settings.holders |= holder::INCOMING | holder::of_list(list);
    settings.holders &= !holder::OUTGOING;
    maps.set_settings(settings).unwrap();
}

#[test]
fn a_swap_whose_process_died_is_undone_or_finished() {
    for (flipped, expected) in [
        (false, ["10.0.0.1/32", "10.0.0.2/32"]),
        (true, ["10.0.0.2/32", "10.0.0.3/32"]),
    ] {
        let mut sandbox = sandbox();
        let maps = sandbox.maps();
        block("a", &["10.0.0.1/32", "10.0.0.2/32"]).run(maps);
        drop(
            block("a", &["10.0.0.2/32", "10.0.0.3/32"])
                .prepare(maps)
                .unwrap(),
        );
        if flipped {
            flip(maps, 0);
        }
        recover(maps).unwrap();
        assert_eq!(blocked(maps), expected);
        let all = maps.rules(|_, _| true).unwrap();
        assert!(
            all.iter()
                .all(|(_, rule)| rule.holders == holder::of_list(0)),
            "{all:?}"
        );
        recover(maps).unwrap();
        assert_eq!(blocked(maps), expected);
    }
}

#[test]
fn a_new_list_whose_import_died_was_never_there() {
    let mut sandbox = sandbox();
    let maps = sandbox.maps();
    drop(block("a", &["10.0.0.1/32"]).prepare(maps).unwrap());
    assert!(blocked(maps).is_empty());
    recover(maps).unwrap();
    assert!(names(maps).is_empty() && maps.rules(|_, _| true).unwrap().is_empty());
}

#[test]
fn a_list_stays_what_it_is() {
    let mut sandbox = sandbox();
    let maps = sandbox.maps();
    let allow = Import {
        action: action::ALLOW,
        ..block("office", &["10.0.0.1/32"])
    };
    allow.run(maps);
    for replace in [false, true] {
        let wrong = Import {
            replace,
            ..block("office", &["10.0.0.2/32"])
        };
        let Err(error) = wrong.prepare(maps) else {
            panic!("an allow list was turned into a block list")
        };
        assert!(error.to_string().contains("--allow"), "{error}");
        assert_eq!(error.exit_code(), 7);
    }
    assert_eq!(
        in_force(maps),
        [("10.0.0.1/32".to_owned(), action::ALLOW)].into()
    );
}

#[test]
fn what_a_person_said_for_a_time_gives_way_to_the_list_again() {
    let mut sandbox = sandbox();
    let maps = sandbox.maps();
    block("a", &["10.0.0.1/32"]).run(maps);
    let now = maps.clock().unwrap().now();
    let said = Rule {
        action: action::ALLOW,
        expires: now,
        ..BLANK
    };
    put(maps, &net("10.0.0.1/32"), said).unwrap();
    // Another list does not take the first one's place.
    block("b", &["10.0.0.1/32"]).run(maps);
    block("b", &[]).run(maps);
    assert_eq!(in_force(maps)["10.0.0.1/32"], action::BLOCK);
    assert_eq!(end_entries(maps, maps.clock().unwrap().now()).unwrap(), 0);
    assert_eq!(in_force(maps)["10.0.0.1/32"], action::BLOCK);
}

#[test]
fn an_entry_with_an_end_keeps_it_though_its_source_is_banned() {
    let mut sandbox = sandbox();
    let maps = sandbox.maps();
    let ban = Rule {
        origin: origin::AUTOMATIC,
        expires: NEVER - 2,
        ..BLANK
    };
    put(maps, &net("10.0.0.1/32"), ban).unwrap();
    let swap = Swap {
        name: "a",
        action: action::BLOCK,
        scope: scope::ALL,
        replace: true,
        entries: &[(net("10.0.0.1/32"), NEVER - 1)],
        now: 1,
        date: 0,
    };
    swap.prepare(maps).unwrap().commit(maps).unwrap();
    let rule = maps.rule(&net("10.0.0.1/32")).unwrap().unwrap();
    assert_eq!((rule.origin, rule.expires), (origin::LIST, NEVER - 1));
    assert_eq!(end_entries(maps, NEVER - 1).unwrap(), 1);
    assert!(maps.rules(|_, _| true).unwrap().is_empty());
}

#[test]
fn a_trie_that_has_no_room_changes_nothing_either() {
    let sizes = Sizes {
        rules: 1024,
        ..Sizes::default()
    };
    let mut sandbox = Sandbox::new(sizes, settings).unwrap();
    let maps = sandbox.maps();
    block("a", &["10.0.0.0/24", "10.0.1.0/24"]).run(maps);
    let many: Vec<_> = (0..2000)
        .map(|n| format!("11.{}.{}.0/24", n / 250, n % 250))
        .collect();
    let mut many: Vec<_> = many.iter().map(String::as_str).collect();
    many.push("10.0.1.0/24");
    for _ in 0..2 {
        assert!(block("a", &many).prepare(maps).is_err());
        assert_eq!(blocked(maps), ["10.0.0.0/24", "10.0.1.0/24"]);
    }
    block("a", &["10.0.2.0/24"]).run(maps);
    assert_eq!(blocked(maps), ["10.0.2.0/24"]);
}

#[test]
fn a_list_that_has_no_room_changes_nothing() {
    let sizes = Sizes {
        rules: 1024,
        ..Sizes::default()
    };
    let mut sandbox = Sandbox::new(sizes, settings).unwrap();
    let maps = sandbox.maps();
    block("a", &["10.0.0.1/32"]).run(maps);
    let many: Vec<_> = (0..2000)
        .map(|n| format!("10.1.{}.{}/32", n / 250, n % 250))
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for name in ["a", "b"] {
        let Err(error) = block(name, &many).prepare(maps) else {
            panic!("it has no room")
        };
        assert!(error.to_string().contains("--max-rules"), "{error}");
        assert_eq!(blocked(maps), ["10.0.0.1/32"]);
        assert_eq!(names(maps), ["a"]);
    }
}

/// What may happen to lists, on few prefixes so that they overlap.
#[derive(Clone, Debug)]
enum Step {
    Import(usize, BTreeSet<usize>, bool),
    Say(usize, u8),
    Unsay(usize),
}

const PREFIXES: [&str; 6] = [
    "10.0.0.1/32",
    "10.0.0.0/24",
    "10.0.0.128/25",
    "2001:db8::/64",
    "2001:db8::/48",
    "2001:db8::1/128",
];
const NAMES: [(&str, u8); 3] = [
    ("one", action::BLOCK),
    ("two", action::BLOCK),
    ("good", action::ALLOW),
];

fn step() -> impl Strategy<Value = Step> {
    let prefix = 0..PREFIXES.len();
    let prefixes = proptest::collection::btree_set(prefix.clone(), 0..5);
    prop_oneof![
        3 => (0..NAMES.len(), prefixes, any::<bool>())
            .prop_map(|(list, prefixes, replace)| Step::Import(list, prefixes, replace)),
        1 => (prefix.clone(), 0..2_u8).prop_map(|(prefix, action)| Step::Say(prefix, action)),
        1 => prefix.prop_map(Step::Unsay),
    ]
}

/// What the lists and the person say, as plain sets.
#[derive(Default)]
struct Model {
    lists: [BTreeSet<usize>; NAMES.len()],
    said: BTreeMap<usize, u8>,
}

impl Model {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Import(list, prefixes, replace) => {
                if *replace {
                    self.lists[*list].clear();
                }
                self.lists[*list].extend(prefixes);
            }
            Step::Say(prefix, action) => {
                self.said.insert(*prefix, *action);
            }
            Step::Unsay(prefix) => {
                self.said.remove(prefix);
            }
        }
    }

    fn in_force(&self) -> BTreeMap<String, u8> {
        let says = |prefix: usize| {
            let listed = self.lists.iter().zip(NAMES);
            let listed = listed.filter(|(list, _)| list.contains(&prefix));
            let listed = listed.map(|(_, (_, action))| action).max();
            Some((
                PREFIXES[prefix].to_owned(),
                self.said.get(&prefix).copied().or(listed)?,
            ))
        };
        (0..PREFIXES.len()).filter_map(says).collect()
    }
}

fn take(maps: &mut Maps, step: &Step) {
    match step {
        Step::Import(list, prefixes, replace) => {
            let prefixes: Vec<_> = prefixes.iter().map(|index| PREFIXES[*index]).collect();
            let (name, action) = NAMES[*list];
            let import = Import {
                name,
                action,
                replace: *replace,
                prefixes: &prefixes,
            };
            import.run(maps);
        }
        Step::Say(prefix, action) => {
            let rule = Rule {
                action: *action,
                ..BLANK
            };
            put(maps, &net(PREFIXES[*prefix]), rule).unwrap();
        }
        Step::Unsay(prefix) => {
            let net = net(PREFIXES[*prefix]);
            match maps.rule(&net).unwrap() {
                Some(rule) if rule.origin == origin::MANUAL => release(maps, &net, &rule).unwrap(),
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn lists_are_sets(steps in proptest::collection::vec(step(), 1..80)) {
        let mut sandbox = sandbox();
        let mut model = Model::default();
        for step in &steps {
            model.take(step);
            take(sandbox.maps(), step);
            prop_assert_eq!(in_force(sandbox.maps()), model.in_force(), "after {:?}", step);
        }
        let all_rules = sandbox.maps().settings().unwrap().all_rules;
        sandbox.maps().tidy().unwrap();
        prop_assert_eq!(sandbox.maps().settings().unwrap().all_rules, all_rules);
    }
}
