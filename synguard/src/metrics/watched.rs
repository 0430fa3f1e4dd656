//! What the controllers of this process last told of their interfaces.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::RuleCounts;
use super::table::{Duty, End, Table};
use crate::class::Class;
use crate::events::{Event, LiftReason, Lifted, Promoted};

static TABLE: Mutex<Table> = Mutex::new(Table::new());

/// What a controller last told of its interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Whether the filter was in place at its last look.
    pub(crate) in_place: bool,
    /// Whether nobody is to miss it where it is not, as the interface is gone and only a
    /// glob means it.
    pub(super) excused: bool,
    /// When that was.
    pub(crate) looked_at: Option<SystemTime>,
    /// What went wrong in its loop.
    pub(crate) errors: u64,
    /// Sources over their rate that have time yet to complete what got through.
    pub(crate) suspects: usize,
    /// Bans in force, by class.
    pub(crate) bans: BTreeMap<&'static str, u64>,
    /// How many bans there may be.
    pub(crate) most_bans: u32,
    /// At the last sweep.
    pub(crate) rules: RuleCounts,
    /// Sources that had a record at the last scan.
    pub(crate) sources: usize,
    /// How long that scan took.
    pub(crate) scan: Duration,
    /// Bans whose packets were not kept.
    pub(crate) evidence_dropped: u64,
    /// Promotions so far, by class.
    pub(crate) promotions: BTreeMap<&'static str, u64>,
    /// Ends of rules so far, by why.
    pub(crate) lifts: BTreeMap<&'static str, u64>,
    /// Events so far.
    pub(crate) events: u64,
    /// Of them, too many to be told one by one.
    pub(crate) events_omitted: u64,
    /// Whether the last reload was refused; none where there was none.
    pub(crate) reload_failed: Option<bool>,
}

/// An interface under watch. Dropping it says that its filter is watched no longer, for no
/// good reason.
#[derive(Debug)]
pub(crate) struct Watched {
    interface: String,
    told: Arc<Mutex<Told>>,
}

impl Watched {
    /// Begins anew.
    pub(crate) fn begin(interface: &str) -> Self {
        let zero = |labels: &[&'static str]| labels.iter().map(|label| (*label, 0)).collect();
        let told = Arc::new(Mutex::new(Told {
            bans: zero(&CLASSES.map(Class::label)),
            promotions: zero(&CLASSES.map(Class::label)),
            lifts: zero(&LIFTS.map(lift_label)),
            ..Told::default()
        }));
        lock(&TABLE).begin(interface, &told);
        Self {
            interface: interface.to_owned(),
            told,
        }
    }

    /// Tells something new.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Told)) {
        change(&mut lock(&self.told));
    }

    /// Counts an event.
    pub(crate) fn count(&self, event: &Event) {
        self.update(|told| {
            told.events += 1;
            match event {
                Event::Promoted(Promoted { class, .. }) => {
                    *told.promotions.entry(class.label()).or_default() += 1;
                }
                Event::Lifted(Lifted { reason, .. }) => {
                    *told.lifts.entry(lift_label(*reason)).or_default() += 1;
                }
                Event::Reloaded { refused, .. } => told.reload_failed = Some(refused.is_some()),
                _ => {}
            }
        });
    }

    /// Ends the watch on purpose: nothing is missing.
    pub(crate) fn forget(&self) {
        self.end(End::Meant);
    }

    /// Ends the watch: the filter is off, and is missed.
    pub(crate) fn lose(&self) {
        self.end(End::Lost);
    }

    fn end(&self, end: End) {
        lock(&TABLE).end(&self.interface, &self.told, end);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.end(End::Failed);
    }
}

/// Goes along with what is there; `wanted` are names that are to be filtered, there or not,
/// and that no controller of this process is in charge of.
pub(crate) fn look<'n>(wanted: impl Iterator<Item = &'n str>, duty: impl Fn(&str) -> Duty) {
    lock(&TABLE).look(wanted, duty);
}

/// What was last told, by interface; none where nothing filters it.
pub(super) fn told() -> BTreeMap<String, Option<Told>> {
    lock(&TABLE).shown()
}

/// All classes of sources.
pub(super) const CLASSES: [Class; 3] = [Class::Flood, Class::Reflection, Class::Scan];
const LIFTS: [LiftReason; 2] = [LiftReason::Expired, LiftReason::CompletesHandshakes];

const fn lift_label(reason: LiftReason) -> &'static str {
    match reason {
        LiftReason::Expired => "expired",
        LiftReason::CompletesHandshakes => "completes_handshakes",
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_gone_is_no_longer_in_place_and_who_is_forgotten_is_not_shown() {
        let watched = Watched::begin("test-watched");
        watched.update(|told| told.in_place = true);
        let in_place = || told()["test-watched"].as_ref().map(|told| told.in_place);
        assert_eq!(in_place(), Some(true));
        // Attached again before the old one is gone.
        let again = Watched::begin("test-watched");
        again.update(|told| told.in_place = true);
        watched.forget();
        drop(watched);
        assert_eq!(in_place(), Some(true));
        again.forget();
        assert!(!told().contains_key("test-watched"));
        let lost = Watched::begin("test-watched");
        lost.update(|told| told.in_place = true);
        drop(lost);
        assert_eq!(in_place(), None);
    }
}
