//! What the controllers of this process last told of their interfaces.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::RuleCounts;
use crate::class::Class;
use crate::events::{Event, LiftReason, Lifted, Promoted};

/// The interfaces under watch, by name.
static WATCHED: Mutex<BTreeMap<String, Arc<Mutex<Told>>>> = Mutex::new(BTreeMap::new());

/// What a controller last told of its interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Whether the filter was in place at its last look.
    pub(crate) in_place: bool,
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

/// An interface under watch. Dropping it says that its filter is watched no longer.
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
        lock(&WATCHED).insert(interface.to_owned(), Arc::clone(&told));
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
        let mut all = lock(&WATCHED);
        let is_ours = |other: &Arc<_>| Arc::ptr_eq(other, &self.told);
        if all.get(&self.interface).is_some_and(is_ours) {
            all.remove(&self.interface);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.update(|told| told.in_place = false);
    }
}

/// What was last told, by interface.
pub(super) fn told() -> BTreeMap<String, Told> {
    let all = lock(&WATCHED);
    all.iter()
        .map(|(name, told)| (name.clone(), lock(told).clone()))
        .collect()
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_gone_is_no_longer_in_place_and_who_is_forgotten_is_not_shown() {
        let watched = Watched::begin("test-watched");
        watched.update(|told| told.in_place = true);
        assert!(told()["test-watched"].in_place);
        // Attached again before the old one is gone.
        let again = Watched::begin("test-watched");
        again.update(|told| told.in_place = true);
        watched.forget();
        drop(watched);
        assert!(told()["test-watched"].in_place);
        again.forget();
        assert!(!told().contains_key("test-watched"));
        let lost = Watched::begin("test-watched");
        lost.update(|told| told.in_place = true);
        drop(lost);
        assert!(!told()["test-watched"].in_place);
    }
}
