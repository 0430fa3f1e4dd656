//! What an interface's controller tells: to the log, and to whoever wants events.

use std::cell::Cell;
use std::collections::HashMap;
use std::mem;

use synguard_common::budget::{Budget, LiveBudget};
use tracing::{Level, error, info, warn};

use super::{Event, Promoted, sinks, words};
use crate::class::Class;
use crate::log;
use crate::metrics::Watched;

/// Events about single sources that are told at once, and then a second: who floods from
/// ever new sources shall fill neither log nor disk.
const BURST: u32 = 1_000;
const RATE: u32 = 10;
/// Sources of which the class of the last ban is known.
const CLASSES: usize = 16_384;

/// The voice of one interface's controller.
pub(crate) struct Voice {
    interface: String,
    budget: LiveBudget,
    omitted: u64,
    classes: HashMap<String, Class>,
    /// What metrics are told.
    pub(crate) watched: Watched,
}

impl Voice {
    /// Of an interface, with `hz` ticks per second.
    pub(crate) fn of(interface: &str, hz: u32) -> Self {
        log::watches(interface);
        let Budget { due, cost, slack } = Budget::new(RATE, BURST, hz);
        Self {
            interface: interface.to_owned(),
            budget: LiveBudget {
                due: Cell::new(due),
                cost,
                slack,
            },
            omitted: 0,
            classes: HashMap::new(),
            watched: Watched::begin(interface),
        }
    }

    /// Tells of an event at `now`, in ticks.
    pub(crate) fn tell(&mut self, event: &Event, now: u64) {
        self.watched.count(event);
        if event.is_about_a_source() && !self.budget.take(now) {
            self.omitted += 1;
            self.watched.update(|told| told.events_omitted += 1);
            return;
        }
        self.say(event);
        if let Some(changed) = self.class_change(event) {
            self.say(&changed);
        }
    }

    /// Tells how many there were that were not told; to be called now and then.
    pub(crate) fn tell_omitted(&mut self) {
        let events = mem::take(&mut self.omitted);
        if events > 0 {
            self.say(&Event::Omitted { events });
        }
    }

    fn say(&self, event: &Event) {
        let name = &self.interface;
        for (level, text) in words::lines(name, event) {
            match level {
                Level::ERROR => error!("{name}: {text}"),
                Level::WARN => warn!("{name}: {text}"),
                _ => info!("{name}: {text}"),
            }
        }
        sinks::offer(name, event);
    }

    /// Whether a source was something else when it was banned before.
    fn class_change(&mut self, event: &Event) -> Option<Event> {
        let Event::Promoted(Promoted { source, class, .. }) = event else {
            return None;
        };
        if self.classes.len() >= CLASSES && !self.classes.contains_key(source) {
            self.classes.clear();
        }
        let former_class = self.classes.insert(source.clone(), *class)?;
        (former_class != *class).then(|| Event::ClassChanged {
            source: source.clone(),
            former_class,
            class: *class,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HZ: u32 = 250;

    fn promoted(number: u32, class: Class) -> Event {
        Event::Promoted(Promoted {
            source: std::net::Ipv4Addr::from(number).to_string(),
            class,
            ban: Duration::from_secs(600),
            dry_run: false,
            syns: 501,
            syns_per_second: 501,
            handshakes: 0,
            resets: 0,
            offence: 1,
            destination_ports: Vec::new(),
            distinct_ports: 0,
            source_port: None,
            latency: None,
        })
    }

    #[test]
    fn who_floods_from_ever_new_sources_is_told_of_in_part() {
        let mut voice = Voice::of("test-voice", HZ);
        for number in 0..3 * BURST {
            voice.tell(&promoted(number, Class::Flood), 1000);
        }
        assert_eq!(voice.omitted, u64::from(2 * BURST));
        // What is about the interface always is.
        voice.tell(&Event::Confirmed {}, 1000);
        voice.tell_omitted();
        assert_eq!(voice.omitted, 0);
        for number in 0..BURST {
            voice.tell(&promoted(number, Class::Flood), 1000 + u64::from(HZ));
        }
        let told = u64::from(BURST) - voice.omitted;
        assert!((1..=u64::from(RATE) + 1).contains(&told), "{told}");
        voice.watched.forget();
    }

    #[test]
    fn a_source_that_is_another_kind_of_offender_now_is_told_of() {
        let mut voice = Voice::of("test-voice-classes", HZ);
        for (class, expected) in [
            (Class::Reflection, None),
            (Class::Reflection, None),
            (Class::Flood, Some((Class::Reflection, Class::Flood))),
            (Class::Scan, Some((Class::Flood, Class::Scan))),
        ] {
            let changed = match voice.class_change(&promoted(1, class)) {
                Some(Event::ClassChanged {
                    former_class,
                    class,
                    ..
                }) => Some((former_class, class)),
                _ => None,
            };
            assert_eq!(changed, expected);
        }
        for number in 0..2 * CLASSES as u32 {
            voice.class_change(&promoted(number, Class::Scan));
        }
        assert!(voice.classes.len() <= CLASSES);
        voice.watched.forget();
    }
}
