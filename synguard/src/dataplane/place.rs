//! In which map a rule lives, and under which key.

use ipnet::IpNet;
use synguard_common::abi::{Rule, TrieV4, TrieV6};
use synguard_common::source::{Address, SourceMask};

use super::trie::TrieKey;
use crate::address;

/// Where the rule for a prefix lives: exactly one source in a hash map, any
/// other prefix in a trie.
pub(super) enum Place {
    ExactV4(u32),
    ExactV6([u32; 4]),
    TrieV4(TrieKey<TrieV4>),
    TrieV6(TrieKey<TrieV6>),
}

impl Place {
    pub(super) fn of(net: &IpNet, mask: &SourceMask) -> Self {
        let words = address::to_words(net.network());
        if address::is_source(net, mask) {
            Self::exact(words)
        } else {
            Self::trie(words, u32::from(net.prefix_len()))
        }
    }

    pub(super) const fn exact(address: Address) -> Self {
        match address {
            Address::V4([.., word]) => Self::ExactV4(word),
            Address::V6(words) => Self::ExactV6(words),
        }
    }

    pub(super) const fn trie(address: Address, bits: u32) -> Self {
        match address {
            Address::V4([.., word]) => Self::TrieV4(TrieKey {
                bits,
                words: [word, 0],
            }),
            Address::V6(words) => Self::TrieV6(TrieKey { bits, words }),
        }
    }
}

/// Keys and rules for the batches, by map.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) v4: (Vec<u32>, Vec<Rule>),
    pub(super) v6: (Vec<[u32; 4]>, Vec<Rule>),
    pub(super) trie_v4: (Vec<TrieKey<TrieV4>>, Vec<Rule>),
    pub(super) trie_v6: (Vec<TrieKey<TrieV6>>, Vec<Rule>),
}

impl Sorted {
    pub(super) fn of<'n>(
        rules: impl Iterator<Item = (&'n IpNet, Rule)>,
        mask: &SourceMask,
    ) -> Self {
        let mut sorted = Self::default();
        for (net, rule) in rules {
            let rule = Rule {
                prefix_len: net.prefix_len(),
                ..rule
            };
            match Place::of(net, mask) {
                Place::ExactV4(key) => push(&mut sorted.v4, key, rule),
                Place::ExactV6(key) => push(&mut sorted.v6, key, rule),
                Place::TrieV4(key) => push(&mut sorted.trie_v4, key, rule),
                Place::TrieV6(key) => push(&mut sorted.trie_v6, key, rule),
            }
        }
        sorted
    }
}

fn push<K>((keys, rules): &mut (Vec<K>, Vec<Rule>), key: K, rule: Rule) {
    keys.push(key);
    rules.push(rule);
}
