//! Sets as nft prints them and as people write them.

use super::super::tests::{assert_bad, read};

/// As nftables 1.0.6 printed it.
const RULESET: &str = r#"table inet filter {
	set bad {
		type ipv4_addr
		flags interval,timeout
		timeout 1d
		elements = { 1.2.3.0/24 expires 23h59m59s984ms, 1.2.4.4-1.2.4.9 expires 23h59m59s984ms,
			     5.6.7.8 timeout 1h2m3s expires 58m59s984ms comment "foo { } , # #", 8.8.8.8 expires 0s,
			     13.1.1.1 timeout 500ms expires 496ms, 15.1.1.1 timeout 1d2h3m4s }
	}

	set bad6 {
		type ipv6_addr
		flags interval
		counter
		auto-merge
		comment "hello"
		elements = { ::1 counter packets 0 bytes 0,
			     2001:db8::/32 counter packets 0 bytes 0 comment "a
b" }
	}

	set t { # handle 4
		typeof ip saddr
		elements = { 9.9.9.9 }
	}

	set e {
		type ipv4_addr . inet_service
		size 65535
		flags dynamic,timeout
		timeout 1h
		gc-interval 10s
	}

	map mm {
		type ipv4_addr : verdict
		elements = { 1.1.1.1 : drop, 2.2.2.2 : accept }
	}

	chain input {
		type filter hook input priority filter; policy accept;
		ip saddr @bad drop
		ip saddr { 3.3.3.3, 4.4.4.4 } counter packets 0 bytes 0 drop
		tcp dport { 80, 443 } add @e { ip saddr timeout 10s limit rate 10/second }
		log prefix "elements = { 6.6.6.6 }" drop
		counter packets 0 bytes 0 ip saddr vmap { 1.1.1.1 : drop }
	}
}
"#;

#[test]
fn what_nft_lists_is_read() {
    assert_eq!(
        read(RULESET),
        [
            "1.2.3.0/24 line 6 for 23h 59m 59s",
            "1.2.4.4/30 line 6 for 23h 59m 59s",
            "1.2.4.8/31 line 6 for 23h 59m 59s",
            "5.6.7.8/32 line 7 for 58m 59s",
            "8.8.8.8/32 line 7 for 1ms",
            "9.9.9.9/32 line 24",
            "13.1.1.1/32 line 8 for 496ms",
            "15.1.1.1/32 line 8 for 1day 2h 3m 4s",
            "::1/128 line 17",
            "2001:db8::/32 line 18",
        ]
    );
}

#[test]
fn what_people_write_for_nft_is_read() {
    let text = "#!/usr/sbin/nft -f\r\nflush ruleset\r\n\
                table ip t { set s { type ipv4_addr; flags timeout; timeout 1h; \
                elements = { 192.0.2.1, }; }\n}\n\
                add rule ip t c tcp dport { 22 } ip saddr { 203.0.113.1 } drop\n\
                add element ip t s { 192.0.2.2, # one\n 192.0.2.4 -\n 192.0.2.5 timeout 5m }\n\
                create element t s {192.0.2.6 timeout never}; add element t s{192.0.2.7}\n\
                add set t u { typeof ip6 saddr; elements = { 2001:db8::1 } }\n\
                delete table ip old\n";
    assert_eq!(
        read(text),
        [
            "192.0.2.1/32 line 3 for 1h",
            "192.0.2.2/32 line 6 for 1h",
            "192.0.2.4/31 line 7 for 5m",
            "192.0.2.6/32 line 9",
            "192.0.2.7/32 line 9 for 1h",
            "2001:db8::1/128 line 10",
        ]
    );
    assert_eq!(read("elements = { 192.0.2.1 }"), ["192.0.2.1/32 line 1"]);
}

#[test]
fn definitions_are_the_list_where_there_is_nothing_else() {
    let text = "define BAD = {\n 192.0.2.1,\n 192.0.2.2 }\ndefine ONE = 198.51.100.0/24\n\
                define ALL = { $BAD, $ONE }\n";
    assert_eq!(
        read(text),
        [
            "192.0.2.1/32 line 2",
            "192.0.2.2/32 line 3",
            "198.51.100.0/24 line 4"
        ]
    );
}

#[test]
fn definitions_are_read_where_sets_name_them() {
    let text = "define LAN = { 10.0.0.0/8 }\ndefine WAN = eth0\ndefine BAD = { 192.0.2.1, $MORE }\n\
                define MORE = { 192.0.2.2, $BAD }\n\
                table ip t {\n set a { type ipv4_addr; timeout 1h; elements = $BAD }\n \
                set b { type ipv4_addr; timeout 2h\n elements = { 192.0.2.3, $BAD } } }\n";
    assert_eq!(
        read(text),
        [
            "192.0.2.1/32 line 3 for 2h",
            "192.0.2.2/32 line 4 for 2h",
            "192.0.2.3/32 line 8 for 2h"
        ]
    );
    let text = "define BAD = { 192.0.2.1 }\nadd element ip t s $BAD\n";
    assert_eq!(read(text), ["192.0.2.1/32 line 1"]);
}

#[test]
fn every_bad_element_is_named() {
    let text = "table ip t { set s { type ipv4_addr\n elements = {\n 192.0.2.1/24,\n $UNKNOWN,\n \
                example.org, 192.0.2.9-192.0.2.1,\n 192.0.2.1 timeout soon,\n 0.0.0.0/0,\n \
                { 192.0.2.1 },\n }\n}\n}\n";
    assert_bad(
        text,
        &[
            (3, "192.0.2.0/24"),
            (4, "$UNKNOWN is not defined"),
            (5, "is a name"),
            (5, "backwards"),
            (6, "soon is no time"),
            (7, "narrower"),
            (8, "only elements and commas"),
            (11, "closes nothing"),
        ],
    );
}

#[test]
fn sets_of_something_else_are_refused_once_if_they_have_elements() {
    let text = "table ip t {\n set p {\n type ipv4_addr . inet_service\n \
                elements = { 192.0.2.1 . 80,\n 192.0.2.1 . 81 } }\n \
                set i { typeof tcp dport; elements = { 22 } }\n \
                set e { type inet_service; } }\n";
    assert_bad(
        text,
        &[
            (4, "set p holds ipv4_addr . inet_service"),
            (6, "set i holds tcp dport"),
        ],
    );
}

#[test]
fn nothing_is_lost_without_a_word() {
    for (text, line, hint) in [
        ("table of bad ones\n192.0.2.1\n", 2, "no statement"),
        ("elements = { 192.0.2.1 }\n192.0.2.2\n", 2, "no statement"),
        ("elements = { 192.0.2.1", 1, "never closed"),
        ("table ip t {\n set s {", 1, "never closed"),
        ("table ip t { }\n}", 2, "closes nothing"),
        ("table ip t { chain c {\n", 1, "never closed"),
        ("define X = { 192.0.2.1\n", 1, "never closed"),
        ("define X = 192.0.2.1, 192.0.2.2\n", 1, "need { }"),
        (
            "define X = { 192.0.2.1 }\ndefine X = { 192.0.2.2 }\n",
            2,
            "twice",
        ),
        ("add element ip t s 192.0.2.1\n", 1, "missing"),
        ("delete element ip t s { 192.0.2.1 }\n", 1, "away again"),
        ("set s { elements { 192.0.2.1 } }\n", 1, "elements = {"),
        (
            "set s { elements = { 192.0.2.1 }\n timeout 1h }\n",
            2,
            "before the elements",
        ),
        ("set s { timeout soon; }\n", 1, "soon is no time"),
        ("elements = { \"192.0.2.1, }\n", 1, "never closed"),
    ] {
        let bad = super::super::parse(text.as_bytes(), &mut |_| ()).unwrap_err();
        let found = bad
            .first()
            .iter()
            .any(|bad| bad.line == line && bad.what.contains(hint));
        assert!(found, "{text}: {bad}");
    }
}
