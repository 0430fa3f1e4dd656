//! Rules for the addresses that this host depends on.

use ipnet::IpNet;
use synguard_common::abi::{Rule, action, origin};

use crate::Result;
use crate::dataplane::Maps;
use crate::protected::Protected;
use crate::rules::{BLANK, is_protection};

/// Makes the protections those of `protected`: earlier ones go, new ones come,
/// automatic bans of them are lifted, and what a person said stays.
pub(super) fn renew(maps: &mut Maps, protected: &Protected, now: u64) -> Result<()> {
    for net in outdated(maps, protected)? {
        maps.remove_rule(&net)?;
    }
    for (address, why) in protected {
        let net = IpNet::from(*address);
        let said = maps
            .rule(&net)?
            .is_some_and(|rule| rule.origin == origin::MANUAL && rule.active(now));
        if !said {
            maps.insert_rule(&net, protection(*why, now))?;
        }
    }
    Ok(())
}

fn outdated(maps: &Maps, protected: &Protected) -> Result<Vec<IpNet>> {
    let mut outdated = Vec::new();
    for entry in maps.rules() {
        let (net, rule) = entry?;
        if is_protection(&rule) && !protected.contains_key(&net.addr()) {
            outdated.push(net);
        }
    }
    Ok(outdated)
}

const fn protection(why: u8, now: u64) -> Rule {
    Rule {
        action: action::ALLOW,
        origin: why,
        since: now,
        ..BLANK
    }
}
