//! Which interfaces metrics show, and of which they show only that nothing filters them.
//! Pure.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::watched::{Told, lock};

/// Interfaces by name.
#[derive(Debug)]
pub(super) struct Table(BTreeMap<String, Entry>);

#[derive(Debug)]
enum Entry {
    /// A controller of this process is in charge.
    Watched(Arc<Mutex<Told>>),
    /// It is to be filtered, and is not.
    Missed,
    /// Its controller ended by a failure, and left the filter in place.
    Abandoned,
}

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// On purpose.
    Meant,
    /// The filter is off, and was not to be.
    Lost,
    /// The controller failed.
    Failed,
}

/// Who is to filter an interface, by what is wanted and what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// This process.
    Ours,
    /// Another process, and it does.
    Others,
    /// Nobody: it is not wanted, or gone and only a glob means it.
    Nobodys,
}

impl Table {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn begin(&mut self, name: &str, told: &Arc<Mutex<Told>>) {
        let entry = Entry::Watched(Arc::clone(told));
        self.0.insert(name.to_owned(), entry);
    }

    /// Ends a watch, unless another one of the same name has begun.
    pub(super) fn end(&mut self, name: &str, told: &Arc<Mutex<Told>>, end: End) {
        let is_ours =
            |entry: &&mut Entry| matches!(entry, Entry::Watched(other) if Arc::ptr_eq(other, told));
        let Some(entry) = self.0.get_mut(name).filter(is_ours) else {
            return;
        };
        match end {
            End::Meant => drop(self.0.remove(name)),
            End::Lost => *entry = Entry::Missed,
            End::Failed => *entry = Entry::Abandoned,
        }
    }

    /// Goes along with what is there; `wanted` are names that are to be filtered, there or
    /// not, and that no controller of this process is in charge of.
    pub(super) fn look<'n>(
        &mut self,
        wanted: impl Iterator<Item = &'n str>,
        duty: impl Fn(&str) -> Duty,
    ) {
        for name in wanted {
            let entry = self.0.entry(name.to_owned());
            entry.or_insert(Entry::Missed);
        }
        self.0.retain(|name, entry| {
            let duty = duty(name);
            match entry {
                Entry::Watched(told) => {
                    lock(told).excused = duty == Duty::Nobodys;
                    true
                }
                Entry::Missed => duty == Duty::Ours,
                Entry::Abandoned => duty != Duty::Nobodys,
            }
        });
    }

    /// What is to be shown, by interface; none where that is only that nothing filters it.
    pub(super) fn shown(&self) -> BTreeMap<String, Option<Told>> {
        let entries = self.0.iter();
        entries
            .filter_map(|(name, entry)| {
                let told = match entry {
                    Entry::Watched(told) => Some(lock(told).clone()),
                    Entry::Missed | Entry::Abandoned => None,
                };
                let is_away = |told: &Told| told.excused && !told.in_place;
                (!told.as_ref().is_some_and(is_away)).then(|| (name.clone(), told))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "veth1";

    fn watched(table: &mut Table, in_place: bool) -> Arc<Mutex<Told>> {
        let told = Arc::new(Mutex::new(Told {
            in_place,
            ..Told::default()
        }));
        table.begin(NAME, &told);
        told
    }

    /// Whether it is shown as filtered; none where it is not shown.
    fn up(table: &Table) -> Option<bool> {
        let shown = table.shown();
        let told = shown.get(NAME)?;
        Some(told.as_ref().is_some_and(|told| told.in_place))
    }

    fn look(table: &mut Table, duty: Duty) {
        table.look(std::iter::empty(), |_| duty);
    }

    #[test]
    fn a_name_that_waits_is_down_and_one_that_only_a_glob_means_is_not_shown() {
        let mut table = Table::new();
        let told = watched(&mut table, true);
        look(&mut table, Duty::Ours);
        assert_eq!(up(&table), Some(true));
        lock(&told).in_place = false;
        assert_eq!(up(&table), Some(false));
        look(&mut table, Duty::Nobodys);
        assert_eq!(up(&table), None);
        // There again, first without its filter.
        look(&mut table, Duty::Ours);
        assert_eq!(up(&table), Some(false));
        lock(&told).in_place = true;
        assert_eq!(up(&table), Some(true));
    }

    #[test]
    fn what_is_wanted_and_was_never_filtered_is_down() {
        let mut table = Table::new();
        for (duty, shown) in [
            (Duty::Ours, Some(false)),
            (Duty::Others, None),
            (Duty::Nobodys, None),
        ] {
            table.look([NAME].into_iter(), |_| duty);
            assert_eq!(up(&table), shown, "{duty:?}");
        }
        table.look([NAME].into_iter(), |_| Duty::Ours);
        let told = watched(&mut table, true);
        assert_eq!(up(&table), Some(true));
        table.end(NAME, &told, End::Meant);
        assert_eq!(up(&table), None);
    }

    #[test]
    fn a_lost_filter_is_missed_until_another_process_filters_or_it_is_gone() {
        for (duty, lost, failed) in [
            (Duty::Ours, Some(false), Some(false)),
            // It cannot be told from the filter that was left in place.
            (Duty::Others, None, Some(false)),
            (Duty::Nobodys, None, None),
        ] {
            for (end, expected) in [(End::Lost, lost), (End::Failed, failed)] {
                let mut table = Table::new();
                let told = watched(&mut table, true);
                table.end(NAME, &told, end);
                assert_eq!(up(&table), Some(false));
                // No last look: nobody looks at it.
                assert!(table.shown()[NAME].is_none());
                look(&mut table, duty);
                assert_eq!(up(&table), expected, "{duty:?} {end:?}");
            }
        }
    }

    #[test]
    fn the_end_of_an_old_watch_does_not_end_the_new_one() {
        let mut table = Table::new();
        let old = watched(&mut table, true);
        let new = watched(&mut table, true);
        for end in [End::Meant, End::Lost, End::Failed] {
            table.end(NAME, &old, end);
            assert_eq!(up(&table), Some(true));
        }
        table.end(NAME, &new, End::Lost);
        // What is over is over.
        table.end(NAME, &new, End::Failed);
        look(&mut table, Duty::Others);
        assert_eq!(up(&table), None);
    }
}
