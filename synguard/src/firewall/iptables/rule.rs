//! Rules of iptables.

use std::collections::BTreeSet;

use super::condition;
use super::words::{self, Argument};
use crate::firewall::condition::Condition;
use crate::firewall::ruleset::{Action, Rule};

/// Targets that leave a packet as it is, or change what does not matter here.
const HARMLESS: [&str; 21] = [
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "DSCP",
    "ECN",
    "HL",
    "HMARK",
    "IDLETIMER",
    "LED",
    "LOG",
    "NFLOG",
    "RATEEST",
    "SECMARK",
    "CONNSECMARK",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TRACE",
    "TTL",
    "ULOG",
];

/// The chain of a `-A` line, and what the rule does there, in order. `chains`
/// are those of the table.
pub(super) fn read(line: &str, chains: &BTreeSet<&str>) -> Option<(String, Vec<Rule>)> {
    let arguments = words::arguments(line);
    let chain = arguments.iter().find(|one| one.name == "-A")?.value();
    let mut asked = Vec::new();
    let mut actions = Vec::new();
    let mut module = String::new();
    let mut rest = arguments.iter().filter(|one| one.name != "-A");
    while let Some(argument) = rest.next() {
        match argument.name.as_str() {
            "-m" => {
                argument.value().clone_into(&mut module);
                asked.push(condition::of_module(&module));
            }
            "-j" | "-g" => {
                let options: Vec<_> = rest.by_ref().cloned().collect();
                actions.extend(action(argument, &options, chains));
            }
            _ if module == "recent" => recent(argument, &arguments, &mut asked, &mut actions),
            _ => asked.push(condition::of(argument, &module)),
        }
    }
    let rules = actions.into_iter().map(|action| Rule {
        condition: Condition::All(asked.clone()),
        action,
        text: line.into(),
    });
    Some((chain.to_owned(), rules.collect()))
}

fn action(jump: &Argument, options: &[Argument], chains: &BTreeSet<&str>) -> Option<Action> {
    let target = jump.value();
    let option = |name| options.iter().find(|one| one.name == name);
    if chains.contains(target) {
        let target = target.to_owned();
        return Some(match jump.name.as_str() {
            "-g" => Action::Goto(target),
            _ => Action::Jump(target),
        });
    }
    Some(match target {
        "ACCEPT" => Action::Accept,
        "DROP" | "REJECT" => Action::Drop,
        "RETURN" => Action::Return,
        "DNAT" | "DNPT" | "MASQUERADE" | "NETMAP" | "REDIRECT" | "SNAT" | "SNPT" | "TPROXY" => {
            Action::Rewrite
        }
        "SYNPROXY" => Action::SynProxy,
        "NOTRACK" => Action::NoTrack,
        "CT" => return option("--notrack").map(|_| Action::NoTrack),
        "MARK" | "CONNMARK" => Action::Remember("mark".to_owned()),
        "SET" => {
            let set = option("--add-set").or_else(|| option("--del-set"));
            Action::Remember(format!("set {}", set.map_or("", Argument::value)))
        }
        _ if HARMLESS.contains(&target) => return None,
        _ => Action::Opaque,
    })
}

/// `-m recent` notes sources, and asks whether they were noted.
fn recent(
    argument: &Argument,
    all: &[Argument],
    asked: &mut Vec<Condition>,
    actions: &mut Vec<Action>,
) {
    let list = all.iter().find(|one| one.name == "--name");
    let name = format!("recent {}", list.map_or("DEFAULT", Argument::value));
    match argument.name.as_str() {
        "--set" => actions.push(Action::Remember(name)),
        "--rcheck" | "--update" | "--remove" => {
            actions.push(Action::Remember(name.clone()));
            asked.push(Condition::Recalls(name).negated_if(argument.negated));
        }
        _ => {}
    }
}
