//! Rules as nft 1.0.6 prints them, and what they do to the ports 80 and 81.

use serde_json::{Value, json};

use super::{Listing, SetName, opaque_tables, tables, wanted};
use crate::firewall::Firewall;

/// One chain of the input hook: its policy, its rules as `nft -j` prints their
/// expressions, and what is wrong with port 80 and with port 81.
struct Row {
    policy: &'static str,
    rules: &'static [&'static str],
    wrong: [&'static str; 2],
}

const fn row(
    policy: &'static str,
    rules: &'static [&'static str],
    wrong_80: &'static str,
    wrong_81: &'static str,
) -> Row {
    Row {
        policy,
        rules,
        wrong: [wrong_80, wrong_81],
    }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // ct state new tcp flags & (fin|syn|rst|ack) != syn drop
    row("accept", &[
        r#"[{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "new"}}, {"match": {"op": "!=", "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, ["fin", "syn", "rst", "ack"]]}, "right": "syn"}}, {"drop": null}]"#,
    ], "strict", "strict"),
    // ct state new tcp flags != syn drop
    row("accept", &[
        r#"[{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "new"}}, {"match": {"op": "!=", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": "syn"}}, {"drop": null}]"#,
    ], "strict", "strict"),
    // ct state new tcp flags ! syn drop
    row("accept", &[
        r#"[{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "new"}}, {"match": {"op": "!", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": "syn"}}, {"drop": null}]"#,
    ], "strict", "strict"),
    // ct state new tcp flags syn / fin,syn,rst,ack accept; ct state new drop
    row("accept", &[
        r#"[{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "new"}}, {"match": {"op": "==", "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, ["fin", "syn", "rst", "ack"]]}, "right": "syn"}}, {"accept": null}]"#,
        r#"[{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "new"}}, {"drop": null}]"#,
    ], "strict", "strict"),
    // ct state & (new|established) == new tcp flags == ack drop
    row("accept", &[
        r#"[{"match": {"op": "==", "left": {"&": [{"ct": {"key": "state"}}, ["established", "new"]]}, "right": "new"}}, {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": "ack"}}, {"drop": null}]"#,
    ], "strict", "strict"),
    // tcp flags & (fin|syn|rst|psh|ack|urg) > syn drop
    row("accept", &[
        r#"[{"match": {"op": ">", "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, {"|": [{"|": [{"|": [{"|": [{"|": ["fin", "syn"]}, "rst"]}, "psh"]}, "ack"]}, "urg"]}]}, "right": "syn"}}, {"drop": null}]"#,
    ], "strict", "strict"),
    // tcp flags { syn, syn|ack } accept; tcp option maxseg exists accept; drop
    row("accept", &[
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": {"set": [{"|": ["syn", "ack"]}, "syn"]}}}, {"accept": null}]"#,
        r#"[{"match": {"op": "==", "left": {"tcp option": {"name": "maxseg"}}, "right": true}}, {"accept": null}]"#,
        r#"[{"drop": null}]"#,
    ], "strict", "strict"),
    // meta length > 60 drop
    row("accept", &[
        r#"[{"match": {"op": ">", "left": {"meta": {"key": "length"}}, "right": 60}}, {"drop": null}]"#,
    ], "strict", "strict"),
    // ct state established drop; ct state untracked drop; ct status dnat drop
    row("accept", &[
        r#"[{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "established"}}, {"drop": null}]"#,
        r#"[{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "untracked"}}, {"drop": null}]"#,
        r#"[{"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}}, {"drop": null}]"#,
    ], "-", "-"),
    // ct state { established, related } accept; ct state != invalid tcp dport 80 accept
    row("drop", &[
        r#"[{"match": {"op": "==", "left": {"ct": {"key": "state"}}, "right": {"set": ["established", "related"]}}}, {"accept": null}]"#,
        r#"[{"match": {"op": "!=", "left": {"ct": {"key": "state"}}, "right": "invalid"}}, {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"accept": null}]"#,
    ], "-", "closed"),
    // ct state vmap { established : accept, invalid : drop }; tcp dport 79-80 accept
    row("drop", &[
        r#"[{"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["invalid", {"drop": null}], ["established", {"accept": null}]]}}}]"#,
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"range": [79, 80]}}}, {"accept": null}]"#,
    ], "-", "closed"),
    // tcp dport != 81 accept
    row("drop", &[
        r#"[{"match": {"op": "!=", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 81}}, {"accept": null}]"#,
    ], "-", "closed"),
    // tcp dport < 81 accept
    row("drop", &[
        r#"[{"match": {"op": "<", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 81}}, {"accept": null}]"#,
    ], "-", "closed"),
    // ip protocol tcp accept
    row("drop", &[
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "protocol"}}, "right": "tcp"}}, {"accept": null}]"#,
    ], "-", "-"),
    // meta nfproto ipv4 th dport 80 accept; meta l4proto . th dport { tcp . 80 } accept
    row("drop", &[
        r#"[{"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}}, {"match": {"op": "==", "left": {"payload": {"protocol": "th", "field": "dport"}}, "right": 80}}, {"accept": null}]"#,
        r#"[{"match": {"op": "==", "left": {"concat": [{"meta": {"key": "l4proto"}}, {"payload": {"protocol": "th", "field": "dport"}}]}, "right": {"set": [{"concat": ["tcp", 80]}]}}}, {"accept": null}]"#,
    ], "-", "closed"),
    // iifname . tcp dport { "eth0" . 80, "lo" . 81 } accept
    row("drop", &[
        r#"[{"match": {"op": "==", "left": {"concat": [{"meta": {"key": "iifname"}}, {"payload": {"protocol": "tcp", "field": "dport"}}]}, "right": {"set": [{"concat": ["eth0", 80]}, {"concat": ["lo", 81]}]}}}, {"accept": null}]"#,
    ], "-", "closed"),
    // tcp dport vmap { 80 : accept, * : drop }
    row("drop", &[
        r#"[{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[80, {"accept": null}], ["*", {"drop": null}]]}}}]"#,
    ], "-", "closed"),
    // udp dport 81 accept; icmp type echo-request accept; iif lo accept; tcp dport 80 accept
    row("drop", &[
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": 81}}, {"accept": null}]"#,
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "icmp", "field": "type"}}, "right": "echo-request"}}, {"accept": null}]"#,
        r#"[{"match": {"op": "==", "left": {"meta": {"key": "iif"}}, "right": "lo"}}, {"accept": null}]"#,
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"accept": null}]"#,
    ], "-", "closed"),
    // tcp flags syn limit rate 10/second accept; tcp flags syn drop; tcp dport 80 accept
    row("drop", &[
        r#"[{"match": {"op": "in", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": "syn"}}, {"limit": {"rate": 10, "burst": 5, "per": "second"}}, {"accept": null}]"#,
        r#"[{"match": {"op": "in", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": "syn"}}, {"drop": null}]"#,
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"accept": null}]"#,
    ], "-", "strict"),
    // tcp dport 80 tcp flags syn limit rate over 10/second drop; tcp dport 80 accept
    row("drop", &[
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"match": {"op": "in", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": "syn"}}, {"limit": {"rate": 10, "burst": 5, "per": "second", "inv": true}}, {"drop": null}]"#,
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"accept": null}]"#,
    ], "-", "closed"),
    // tcp flags syn add @dyn { ip saddr limit rate over 5/second } drop; ip saddr @bad drop; tcp dport 80 accept
    row("drop", &[
        r#"[{"match": {"op": "in", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": "syn"}}, {"set": {"op": "add", "elem": {"payload": {"protocol": "ip", "field": "saddr"}}, "set": "@dyn", "stmt": [{"limit": {"rate": 5, "burst": 5, "per": "second", "inv": true}}]}}, {"drop": null}]"#,
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@bad"}}, {"drop": null}]"#,
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"accept": null}]"#,
    ], "-", "closed"),
    // tcp flags syn add @bad { ip saddr }; ip saddr @bad tcp dport 80 accept
    row("drop", &[
        r#"[{"match": {"op": "in", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": "syn"}}, {"set": {"op": "add", "elem": {"payload": {"protocol": "ip", "field": "saddr"}}, "set": "@bad"}}]"#,
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@bad"}}, {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"accept": null}]"#,
    ], "strict", "closed"),
    // tcp flags syn meta mark set 7; meta mark 7 accept; drop
    row("accept", &[
        r#"[{"match": {"op": "in", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": "syn"}}, {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 7}}]"#,
        r#"[{"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 7}}, {"accept": null}]"#,
        r#"[{"drop": null}]"#,
    ], "strict", "strict"),
    // meta mark set 7; meta mark 7 accept; drop
    row("accept", &[
        r#"[{"mangle": {"key": {"meta": {"key": "mark"}}, "value": 7}}]"#,
        r#"[{"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 7}}, {"accept": null}]"#,
        r#"[{"drop": null}]"#,
    ], "-", "-"),
    // tcp dport 80 synproxy mss 1460 wscale 7 timestamp sack-perm
    row("accept", &[
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"synproxy": {"mss": 1460, "wscale": 7, "flags": ["timestamp", "sack-perm"]}}]"#,
    ], "synproxy", "-"),
    // tcp dport 80 tcp dport set 8080
    row("accept", &[
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"mangle": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "value": 8080}}]"#,
    ], "published", "-"),
    // tcp dport 80 reject with tcp reset
    row("accept", &[
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"reject": {"type": "tcp reset"}}]"#,
    ], "closed", "-"),
    // tcp dport 80 queue num 3
    row("accept", &[
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"queue": {"num": 3}}]"#,
    ], "unreadable", "-"),
    // tcp flags syn tcp option maxseg size set rt mtu; log prefix "in "; counter
    row("accept", &[
        r#"[{"match": {"op": "in", "left": {"payload": {"protocol": "tcp", "field": "flags"}}, "right": "syn"}}, {"mangle": {"key": {"tcp option": {"name": "maxseg", "field": "size"}}, "value": {"rt": {"key": "mtu"}}}}]"#,
        r#"[{"log": {"prefix": "in "}}]"#,
        r#"[{"counter": {"packets": 0, "bytes": 0}}]"#,
    ], "-", "-"),
    // As newer versions of nft write it: ct state new tcp flags != syn / fin,syn,rst,ack drop
    row("accept", &[
        r#"[{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": {"|": ["new", "invalid"]}}}, {"match": {"op": "!=", "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, {"|": ["fin", "syn", "rst", "ack"]}]}, "right": "syn"}}, {"drop": null}]"#,
    ], "strict", "strict"),
    // A statement of the future
    row("accept", &[
        r#"[{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}, {"teleport": {"to": "elsewhere"}}]"#,
    ], "unreadable", "-"),
];

fn listing(policy: &str, rules: &[&str]) -> Value {
    let head = [
        json!({"table": {"family": "inet", "name": "filter"}}),
        json!({"set": {"family": "inet", "table": "filter", "name": "bad", "type": "ipv4_addr"}}),
        json!({"set": {"family": "inet", "table": "filter", "name": "dyn", "type": "ipv4_addr",
            "flags": "dynamic"}}),
        json!({"chain": {"family": "inet", "table": "filter", "name": "input",
            "type": "filter", "hook": "input", "prio": 0, "policy": policy}}),
    ];
    let rules = rules.iter().enumerate().map(|(index, rule)| {
        let expressions: Value = serde_json::from_str(rule).unwrap();
        json!({"rule": {"family": "inet", "table": "filter", "chain": "input",
            "handle": index, "expr": expressions}})
    });
    json!({"nftables": head.into_iter().chain(rules).collect::<Vec<_>>()})
}

fn firewall(ruleset: &Value, sets: &[Value]) -> Firewall {
    let tables = tables(&Listing {
        ruleset,
        sets,
        text: "",
    });
    Firewall {
        tables,
        loose: true,
        unread: None,
    }
}

#[test]
fn each_row_is_as_it_says() {
    for row in ROWS {
        let firewall = firewall(&listing(row.policy, row.rules), &[]);
        let wrong = [80, 81].map(|port| firewall.word(port));
        assert_eq!(wrong, row.wrong, "policy {}: {:#?}", row.policy, row.rules);
    }
}

/// Everything of a listing that is about sets, as nft prints it with `-t`.
fn with_named_sets() -> Value {
    json!({"nftables": [
        {"table": {"family": "ip", "name": "nat"}},
        {"set": {"family": "ip", "table": "nat", "name": "ports", "type": "inet_service"}},
        {"set": {"family": "ip", "table": "nat", "name": "people", "type": "ipv4_addr"}},
        {"map": {"family": "ip", "table": "nat", "name": "ways", "map": "verdict",
            "type": ["ipv4_addr", "inet_service"]}},
        {"chain": {"family": "ip", "table": "nat", "name": "web"}},
        {"rule": {"family": "ip", "table": "nat", "chain": "web", "handle": 1,
            "expr": [{"dnat": {"addr": "10.0.0.1"}}]}},
        {"chain": {"family": "ip", "table": "nat", "name": "in", "type": "nat",
            "hook": "prerouting", "prio": -100, "policy": "accept"}},
        {"rule": {"family": "ip", "table": "nat", "chain": "in", "handle": 2, "expr": [
            {"match": {"op": "==", "right": "@ports",
                "left": {"payload": {"protocol": "tcp", "field": "dport"}}}},
            {"redirect": {"port": 9000}}]}},
        {"rule": {"family": "ip", "table": "nat", "chain": "in", "handle": 3, "expr": [
            {"vmap": {"data": "@ways", "key": {"concat": [
                {"payload": {"protocol": "ip", "field": "daddr"}},
                {"payload": {"protocol": "tcp", "field": "dport"}}]}}}]}},
    ]})
}

#[test]
fn named_sets_are_asked_for_where_they_matter() {
    let set = |kind, name: &str| SetName {
        kind,
        family: "ip".to_owned(),
        table: "nat".to_owned(),
        name: name.to_owned(),
    };
    let expected = [set("set", "ports"), set("map", "ways")];
    assert_eq!(wanted(&with_named_sets()), expected);
    assert_eq!(
        expected[1].list_command(),
        ["list", "map", "ip", "nat", "ways"]
    );
}

#[test]
fn elements_of_named_sets_are_known_or_count_against_the_port() {
    let sets = [
        json!({"nftables": [{"set": {"family": "ip", "table": "nat", "name": "ports",
            "type": "inet_service", "elem": [80, {"range": [90, 99]},
                {"elem": {"val": 443, "comment": "the web"}}]}}]}),
        json!({"nftables": [{"map": {"family": "ip", "table": "nat", "name": "ways",
            "map": "verdict", "type": ["ipv4_addr", "inet_service"],
            "elem": [[{"concat": ["192.0.2.1", 25]}, {"jump": {"target": "web"}}]]}}]}),
    ];
    let known = firewall(&with_named_sets(), &sets);
    for port in [80, 95, 443, 25] {
        assert_eq!(known.word(port), "published", "{port}");
    }
    assert_eq!(known.word(81), "-");
    let unknown = firewall(&with_named_sets(), &sets[..1]);
    assert_eq!(unknown.word(81), "unreadable");
    // Any port may be in the set.
    assert_eq!(firewall(&with_named_sets(), &[]).word(81), "published");
    let empty = json!({"nftables": [{"map": {"family": "ip", "table": "nat", "name": "ways",
        "map": "verdict", "type": ["ipv4_addr", "inet_service"]}}]});
    let empty = firewall(&with_named_sets(), &[sets[0].clone(), empty]);
    assert_eq!(empty.word(25), "-");
}

#[test]
fn what_nft_cannot_show_is_told() {
    let rule = r#"[{"xt": {"type": "match", "name": "conntrack"}}, {"drop": null}]"#;
    assert_eq!(opaque_tables(&listing("accept", &[rule])), ["inet filter"]);
    assert!(opaque_tables(&with_named_sets()).is_empty());
}
