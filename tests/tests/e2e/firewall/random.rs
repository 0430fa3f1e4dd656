//! Random rules: what SynGuard says of them, beside what the kernel does.

use std::cell::Cell;

use anyhow::{Result, ensure};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use synguard::firewall::Hindrance;
use synguard_tests::reach::Host;

use super::survey;

const QUESTIONS: [&str; 18] = [
    "",
    "tcp flags syn",
    "tcp flags != syn",
    "tcp flags & (syn|ack) == ack",
    "ct state new",
    "ct state != new",
    "ct state established,untracked",
    "ct state invalid",
    "tcp dport 80",
    "tcp dport != { 80, 443 }",
    "ip saddr 198.51.100.0/24",
    "ip saddr != 198.51.100.7",
    "ip saddr @seen",
    "iif lo",
    "iifname \"wan0\"",
    "meta length > 40",
    "meta mark 7",
    "limit rate 1000/second",
];

const ACTIONS: [&str; 9] = [
    "accept",
    "drop",
    "return",
    "jump one",
    "goto one",
    "jump two",
    "meta mark set 7",
    "add @seen { ip saddr }",
    "ct state vmap { new : accept, invalid : drop }",
];

/// Rules of up to two questions each.
fn rules(actions: Vec<&'static str>) -> impl Strategy<Value = String> {
    let question = || select(QUESTIONS.to_vec());
    let rule = (question(), question(), select(actions));
    let rule = rule.prop_map(|(one, other, action)| format!("{one} {other} {action}\n"));
    vec(rule, 0..5).prop_map(|rules| rules.concat())
}

prop_compose! {
    fn ruleset()(
        early in select(vec!["", "tcp dport 80 notrack", "tcp flags syn notrack"]),
        drops in any::<bool>(),
        // Chains may only call those that come before them.
        two in rules(ACTIONS[..3].to_vec()),
        one in rules([&ACTIONS[..3], &ACTIONS[5..]].concat()),
        input in rules(ACTIONS.to_vec()),
    ) -> String {
        let policy = if drops { "drop" } else { "accept" };
        format!(
            "table ip rolled {{\n\
             set seen {{ type ipv4_addr; flags dynamic; timeout 1m; }}\n\
             chain early {{ type filter hook prerouting priority raw;\n{early}\n}}\n\
             chain two {{\n{two}}}\n\
             chain one {{\n{one}}}\n\
             chain input {{ type filter hook input priority 0; policy {policy};\n{input}}}\n}}\n"
        )
    }
}

/// Whatever the rules: where nothing is found wrong, the kernel drops no ACK
/// whose SYN it lets in, and what is found closed lets in no SYN.
#[test]
fn random_rules_never_do_more_harm_than_is_told() -> Result<()> {
    let config = ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let unharmed = Cell::new(0);
    TestRunner::new(config).run(&ruleset(), |rules| {
        let count = compare(&rules).map_err(|error| TestCaseError::fail(error.to_string()))?;
        unharmed.set(unharmed.get() + count);
        Ok(())
    })?;
    ensure!(unharmed.get() > 20, "next to all ports were hindered");
    Ok(())
}

/// Gives how many ports were open and found without hindrance.
fn compare(rules: &str) -> Result<u32> {
    let mut host = Host::new()?;
    host.feed("nft", &["-f", "-"], rules)?;
    let firewall = survey(&host)?;
    let mut unharmed = 0;
    for port in [80, 81] {
        let found = firewall.hinders(port);
        let reach = host.reach(port)?;
        let fits = match found {
            None => !reach.syn || reach.ack,
            Some(Hindrance::Closed { .. }) => !reach.syn,
            _ => true,
        };
        ensure!(fits, "port {port}: {found:?}, but {reach:?}");
        unharmed += u32::from(found.is_none() && reach.syn);
    }
    Ok(unharmed)
}
