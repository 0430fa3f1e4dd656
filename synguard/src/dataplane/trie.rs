//! A longest-prefix trie of the kernel, one entry or all of them at a time.

use std::os::fd::{AsFd as _, OwnedFd};

use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{Map, MapData};
use synguard_common::abi::Rule;
use synguard_common::abi::layout::Part;

use super::batch;
use super::plain::{Plain, Words};
use super::raw_map::RawMap;
use super::table::{describe, full, gone, no_room, present};
use crate::Result;
use crate::error::Context as _;

/// Rules by prefix; `D` is the address in words.
pub(super) struct Trie<D: Words + aya::Pod> {
    map: LpmTrie<MapData, D, Plain<Rule>>,
    fd: OwnedFd,
    name: &'static str,
    capacity: u32,
}

/// A key as it lies in the map: `struct bpf_lpm_trie_key`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct TrieKey<D> {
    pub(super) bits: u32,
    pub(super) words: D,
}

impl<D: Words + aya::Pod> Trie<D>
where
    TrieKey<D>: Words,
{
    pub(super) fn open(map: Map, name: &'static str) -> Result<Self> {
        let (fd, capacity) = describe(&map, name)?;
        let map = map.try_into().context(format!("opening {name}"))?;
        Ok(Self {
            map,
            fd,
            name,
            capacity,
        })
    }

    /// The longest prefix that covers the key.
    pub(super) fn get(&self, key: &TrieKey<D>) -> Result<Option<Rule>> {
        present(self.map.get(&aya_key(key), 0)).context(format!("reading {}", self.name))
    }

    pub(super) fn insert(&mut self, key: &TrieKey<D>, rule: Rule) -> Result<()> {
        self.map
            .insert(&aya_key(key), Plain(rule), 0)
            .map_err(|error| full(error, self.name, self.capacity))
    }

    /// Removes exactly this prefix, there or not.
    pub(super) fn remove(&mut self, key: &TrieKey<D>) -> Result<()> {
        gone(self.map.remove(&aya_key(key))).context(format!("writing {}", self.name))
    }

    /// Hands every entry to `each`.
    pub(super) fn each(&self, mut each: impl FnMut(TrieKey<D>, Rule)) -> Result<()> {
        match batch::read(self.fd.as_fd(), &mut each) {
            Err(error) if batch::is_unsupported(&error) => self.each_singly(each),
            outcome => outcome.context(format!("reading {}", self.name)),
        }
    }

    /// Writes many; those before the first that finds no room stay.
    pub(super) fn insert_all(&mut self, keys: &[TrieKey<D>], rules: &[Rule]) -> Result<()> {
        match batch::update(self.fd.as_fd(), keys, rules) {
            Err((_, error)) if batch::is_unsupported(&error) => keys
                .iter()
                .zip(rules)
                .try_for_each(|(key, rule)| self.insert(key, *rule)),
            Err((_, error)) => Err(no_room(error, self.name, self.capacity)),
            Ok(()) => Ok(()),
        }
    }

    /// Takes the entries of another build's map along.
    pub(super) fn copy(&mut self, from: &RawMap, part: Part) -> Result<()> {
        let (mut keys, mut rules) = (Vec::new(), Vec::new());
        from.each(part.bytes, |key, rule| {
            keys.push(key);
            rules.push(rule);
        })?;
        self.insert_all(&keys, &rules)
    }

    pub(super) fn remove_all(&mut self, keys: &[TrieKey<D>]) -> Result<()> {
        match batch::delete(self.fd.as_fd(), keys) {
            Err(error) if batch::is_unsupported(&error) => {
                keys.iter().try_for_each(|key| self.remove(key))
            }
            outcome => outcome.context(format!("writing {}", self.name)),
        }
    }

    /// For kernels whose tries know no batches.
    fn each_singly(&self, mut each: impl FnMut(TrieKey<D>, Rule)) -> Result<()> {
        for entry in self.map.iter() {
            let (key, rule) = entry.context(format!("reading {}", self.name))?;
            let key = TrieKey {
                bits: key.prefix_len(),
                words: key.data(),
            };
            each(key, rule.0);
        }
        Ok(())
    }
}

fn aya_key<D: Words + aya::Pod>(key: &TrieKey<D>) -> Key<D> {
    Key::new(key.bits, key.words)
}
