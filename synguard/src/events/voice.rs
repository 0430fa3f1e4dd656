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
