//! A map of bounded size that forgets what was not used for longest, as the kernel's
//! LRU maps do.
//!
//! Like theirs, its order is approximate: an entry that was used since the hand last
//! came by gets a second chance (the clock algorithm; Corbató, "A paging experiment
//! with the Multics system", 1968).

use std::cell::{Cell, OnceCell, RefCell};
use std::hash::{BuildHasher as _, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Slots are made by so many at once, as they are needed: what was lent stays in its
/// place.
const CHUNK: usize = 1024;

/// At most `capacity` values by key. Values are made once and then used again: whoever
/// claims one finds what was left in it.
pub struct Slots<K, V> {
    index: RefCell<HashTable<u32>>,
    hasher: DefaultHashBuilder,
    chunks: Vec<OnceCell<Chunk<K, V>>>,
    capacity: usize,
    hand: Cell<usize>,
}

type Chunk<K, V> = Box<[Slot<K, V>]>;

#[derive(Default)]
struct Slot<K, V> {
    key: Cell<K>,
    taken: Cell<bool>,
    used: Cell<bool>,
    value: V,
}

impl<K: Copy + Eq + Hash + Default, V: Default> Slots<K, V> {
    /// Room for so many.
    pub fn new(capacity: u32) -> Self {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX).max(1);
        Self {
            index: RefCell::default(),
            hasher: DefaultHashBuilder::default(),
            chunks: (0..capacity.div_ceil(CHUNK))
                .map(|_| OnceCell::new())
                .collect(),
            capacity,
            hand: Cell::new(0),
        }
    }

    /// The value of a key that has one.
    pub fn get(&self, key: K) -> Option<&V> {
        let index = self.index.borrow();
        let at = *index.find(self.hash(key), |at| self.slot(*at).key.get() == key)?;
        let slot = self.slot(at);
        slot.used.set(true);
        Some(&slot.value)
    }

    /// A value for a key that has none: as another key left it, which `evicted` is told
    /// of.
    pub fn claim(&self, key: K, evicted: impl FnOnce(K, &V)) -> &V {
        let at = self.free(evicted);
        let slot = self.slot(at);
        slot.key.set(key);
        slot.taken.set(true);
        // Not used yet: who comes once goes first.
        slot.used.set(false);
        let rehash = |at: &u32| self.hash(self.slot(*at).key.get());
        self.index
            .borrow_mut()
            .insert_unique(self.hash(key), at, rehash);
        &slot.value
    }

    /// Forgets a key.
    pub fn remove(&self, key: K) {
        let mut index = self.index.borrow_mut();
        let found = index.find_entry(self.hash(key), |at| self.slot(*at).key.get() == key);
        if let Ok(entry) = found {
            self.slot(*entry.get()).taken.set(false);
            entry.remove();
        }
    }

    /// Hands over all, in no order.
    pub fn each(&self, mut each: impl FnMut(K, &V)) {
        let made = self.chunks.iter().filter_map(OnceCell::get).flatten();
        made.filter(|slot| slot.taken.get())
            .for_each(|slot| each(slot.key.get(), &slot.value));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.index.borrow().len()
    }

    /// Where a free slot is, or one that is made free.
    fn free(&self, evicted: impl FnOnce(K, &V)) -> u32 {
        loop {
            let at = self.hand.get();
            self.hand.set((at + 1) % self.capacity);
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let slot = self.slot(at);
            if !slot.taken.get() {
                return at;
            }
            if !slot.used.replace(false) {
                let key = slot.key.get();
                evicted(key, &slot.value);
                self.remove(key);
                return at;
            }
        }
    }

    fn slot(&self, at: u32) -> &Slot<K, V> {
        let at = at as usize;
        let chunk =
            self.chunks[at / CHUNK].get_or_init(|| (0..CHUNK).map(|_| Slot::default()).collect());
        &chunk[at % CHUNK]
    }

    fn hash(&self, key: K) -> u64 {
        self.hasher.hash_one(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(slots: &Slots<u32, Cell<u32>>, key: u32) -> Option<u32> {
        let mut gone = None;
        slots.claim(key, |key, _| gone = Some(key)).set(key * 10);
        gone
    }

    #[test]
    fn who_was_used_last_stays() {
        let slots = Slots::new(3);
        for key in 1..=3 {
            assert_eq!(put(&slots, key), None);
        }
        assert_eq!(slots.get(1).map(Cell::get), Some(10));
        assert_eq!(put(&slots, 4), Some(2));
        assert_eq!(slots.get(2).map(Cell::get), None);
        assert_eq!(slots.get(1).map(Cell::get), Some(10));
        assert_eq!(slots.len(), 3);
    }

    #[test]
    fn a_place_that_was_given_up_is_taken_again() {
        let slots = Slots::new(2);
        put(&slots, 1);
        put(&slots, 2);
        slots.remove(2);
        assert_eq!(slots.len(), 1);
        slots.get(1);
        assert_eq!(put(&slots, 3), None);
        let mut keys = Vec::new();
        slots.each(|key, value| keys.push((key, value.get())));
        keys.sort_unstable();
        assert_eq!(keys, [(1, 10), (3, 30)]);
    }

    #[test]
    fn a_million_keys_take_no_more_room_than_there_is() {
        let slots = Slots::<u32, Cell<u32>>::new(5000);
        let evicted = (0..1_000_000)
            .filter(|key| put(&slots, *key).is_some())
            .count();
        assert_eq!((slots.len(), evicted), (5000, 995_000));
    }
}
