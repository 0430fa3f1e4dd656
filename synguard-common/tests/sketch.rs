//! What the sketch promises: never too little, seldom much too much.

use std::collections::HashMap;

use proptest::prelude::*;
use synguard_common::sketch::{CELLS, COLUMNS, bumped, count, places};
use synguard_common::source::{SourceKey, hash};

struct Sketch {
    cells: Vec<u32>,
    seed: u64,
}

impl Sketch {
    fn new(seed: u64) -> Self {
        Self {
            cells: vec![0; CELLS as usize],
            seed,
        }
    }

    fn add(&mut self, source: SourceKey, epoch: u32) {
        for place in places(hash(source, self.seed)) {
            let cell = &mut self.cells[place as usize];
            *cell = bumped(*cell, epoch);
        }
    }

    fn estimate(&self, source: SourceKey, epoch: u32) -> u32 {
        let counts =
            places(hash(source, self.seed)).map(|place| count(self.cells[place as usize], epoch));
        counts.into_iter().min().unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_estimate_is_never_too_low(
        seed in any::<u64>(), epoch in 1..u32::MAX,
        // Few distinct sources, so that they repeat, and any, so that they collide.
        sources in proptest::collection::vec(prop_oneof![
            (0..50_u32).prop_map(|last| [0, 0, 0xffff_0000, last]), any::<SourceKey>()
        ], 1..5000),
    ) {
        let mut sketch = Sketch::new(seed);
        let mut truth = HashMap::new();
        for source in &sources {
            sketch.add(*source, epoch);
            *truth.entry(*source).or_insert(0) += 1;
        }
        for (source, times) in truth {
            prop_assert!(sketch.estimate(source, epoch) >= times, "{source:?}");
        }
    }
}

/// Theorem 1 of the paper, on neighbouring addresses as a real sweep sends them:
/// more than e·N/COLUMNS too much in at most e^-2 of all cases.
#[test]
fn an_estimate_is_seldom_much_too_high() {
    for (n, seed) in [(100_000_u32, 1), (1_000_000, 2), (3_000_000, 3)] {
        let mut sketch = Sketch::new(seed);
        let source = |index: u32| [0, 0, 0xffff_0000, index.to_be()];
        for index in 0..n {
            sketch.add(source(index), 1);
        }
        let bound = 1.0 + std::f64::consts::E * f64::from(n) / f64::from(COLUMNS);
        let over = (0..n).filter(|index| f64::from(sketch.estimate(source(*index), 1)) > bound);
        let share = over.count() as f64 / f64::from(n);
        assert!(share <= (-2.0_f64).exp(), "{n} sources: {share}");
    }
}
