//! Whether new clients could be challenged with SYN cookies, and where not.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use synguard_common::abi::{Listener, hindrance};

use super::{Finding, Level};
use crate::challenge::{Firewalls, Hindrance, Plan, Wanted};
use crate::listeners::{self, OWN, Survey, ambiguous};
use crate::ports::Ports;
use crate::settings::Challenge;

const TOPIC: &str = "SYN cookies";

/// Where somebody listens, and how.
type Place = (SocketAddr, Listener);

/// As attach does by default.
const WANTED: Wanted = Wanted {
    challenge: Challenge::Auto,
    ports: Ports::ALL,
    manage_sysctls: false,
};

/// Looks at all listeners, and at what is on the way to them.
pub fn of_challenges() -> Vec<Finding> {
    let survey = match listeners::survey() {
        Ok(survey) => survey,
        Err(error) => {
            let remedy = "run it as root".to_owned();
            return vec![Finding::warn(TOPIC, error.to_string(), remedy)];
        }
    };
    let plan = WANTED.plan(&survey, &Firewalls::read(&survey));
    let mut findings = of_plan(&plan, &survey);
    findings.extend(of_survey(&survey));
    findings
}

fn of_plan(plan: &Plan, survey: &Survey) -> Vec<Finding> {
    let mut findings = Vec::new();
    let answered = |place: &&Place| place.1.hindrance == hindrance::NONE;
    let answered: Vec<_> = plan.listeners.iter().filter(answered).copied().collect();
    if !answered.is_empty() {
        findings.push(Finding::ok(
            TOPIC,
            format!(
                "in a spoofed flood SynGuard answers for {}",
                shown(survey, &answered).join(" ")
            ),
        ));
    }
    for ((hindrance, reason, remedy), addresses) in grouped(plan) {
        let places = shown(survey, &addresses).join(" ");
        let reason = format!("the kernel answers for {places}: {reason}");
        let level = match hindrance {
            Hindrance::Strict
            | Hindrance::Unreadable
            | Hindrance::Syncookies
            | Hindrance::Timestamps => Level::Warn,
            _ => Level::Ok,
        };
        findings.push(Finding {
            level,
            remedy,
            ..Finding::ok(TOPIC, reason)
        });
    }
    if plan.listeners.is_empty() {
        findings.push(Finding::ok(TOPIC, "nobody listens here"));
    }
    findings
}

/// Listeners that are left to the kernel, by why, the reason and the remedy.
fn grouped(plan: &Plan) -> BTreeMap<(Hindrance, String, Option<String>), Vec<Place>> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for place @ (address, listener) in &plan.listeners {
        let Some(hindrance) = Hindrance::of(listener.hindrance) else {
            continue;
        };
        let (reason, remedy) = match plan.rules.get(address) {
            Some(rule) => (rule.to_string(), rule.remedy()),
            None => (
                hindrance.reason().to_owned(),
                Some(hindrance.remedy().to_owned()),
            ),
        };
        let group = groups.entry((hindrance, reason, remedy)).or_default();
        group.push(*place);
    }
    groups
}

/// Addresses, each with the container that it is in.
fn shown(survey: &Survey, places: &[Place]) -> Vec<String> {
    let shown = places.iter().map(|(address, listener)| {
        let mut containers = survey.namespaces.iter();
        match containers.find(|one| one.id == listener.namespace && one.id != OWN) {
            Some(container) => format!("{address} ({})", container.label),
            None => address.to_string(),
        }
    });
    shown.collect()
}

fn of_survey(survey: &Survey) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !survey.missing.is_empty() {
        findings.push(Finding::warn(
            "containers",
            format!(
                "cannot be looked into without {}: the kernel answers for their listeners",
                survey.missing.join(" and ")
            ),
            "run it as root, or give it these capabilities".to_owned(),
        ));
    }
    for (address, holders) in ambiguous(survey) {
        let labels: Vec<_> = holders.iter().map(|one| one.label.as_str()).collect();
        findings.push(Finding::warn(
            "containers",
            format!(
                "{address} is the address of {}: the kernel answers there",
                labels.join(" and of ")
            ),
            "give each an address of its own".to_owned(),
        ));
    }
    findings
}
