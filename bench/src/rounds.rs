//! Side by side: every round measures each case once, so that whatever else the
//! machine does hits all of them alike.

use anyhow::{Result, bail};
use synguard_tests::interrupt;

use crate::report::Results;
use crate::stats::Summary;

/// One thing to measure again and again.
pub struct Case<'a> {
    pub subject: String,
    pub scenario: String,
    measure: Box<dyn FnMut() -> Result<f64> + 'a>,
    samples: Vec<f64>,
    failure: Option<String>,
}

impl<'a> Case<'a> {
    pub fn new(
        subject: impl Into<String>,
        scenario: impl Into<String>,
        measure: impl FnMut() -> Result<f64> + 'a,
    ) -> Self {
        Self {
            subject: subject.into(),
            scenario: scenario.into(),
            measure: Box::new(measure),
            samples: Vec::new(),
            failure: None,
        }
    }
}

impl Case<'_> {
    /// What was measured, one value a round.
    pub fn samples(&self) -> &[f64] {
        &self.samples
    }
}

/// Measures all cases `rounds` times, in turn. One that fails is left out from
/// then on, and the others go on.
///
/// # Errors
/// On Ctrl-C.
pub fn interleave(cases: &mut [Case<'_>], rounds: u16) -> Result<()> {
    // What comes first warms up caches and clock frequencies for the others.
    for case in &mut *cases {
        sample(case)?;
        case.samples.clear();
    }
    for round in 1..=rounds {
        eprintln!("    round {round} of {rounds}");
        for case in &mut *cases {
            sample(case)?;
        }
    }
    Ok(())
}

fn sample(case: &mut Case<'_>) -> Result<()> {
    if interrupt::requested() {
        bail!("interrupted");
    }
    if case.failure.is_some() {
        return Ok(());
    }
    match (case.measure)() {
        Ok(value) => case.samples.push(value),
        Err(error) => {
            // Half of the rounds would not be comparable.
            case.samples.clear();
            case.failure = Some(format!("{error:#}"));
        }
    }
    Ok(())
}

/// Puts what was measured into the results, and what was not.
pub fn report(cases: &[Case<'_>], table: &'static str, unit: &'static str, to: &mut Results) {
    for case in cases {
        if let Some(summary) = Summary::of(&case.samples) {
            to.add(table, &case.subject, &case.scenario, unit, summary);
        }
    }
    failures(cases, to);
}

/// Puts only that into the results.
pub fn failures(cases: &[Case<'_>], to: &mut Results) {
    for case in cases {
        if let Some(failure) = &case.failure {
            to.lacks(format!("{}, {}: {failure}", case.subject, case.scenario));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn cases_take_turns_and_the_first_turn_does_not_count() {
        let order = RefCell::new(String::new());
        let case = |name: &'static str| {
            let order = &order;
            Case::new(name, "", move || {
                order.borrow_mut().push_str(name);
                Ok(order.borrow().len() as f64)
            })
        };
        let mut cases = [case("a"), case("b")];
        interleave(&mut cases, 2).unwrap();
        assert_eq!(*order.borrow(), "ababab");
        assert_eq!(cases[0].samples, [3.0, 5.0]);
    }

    #[test]
    fn one_that_fails_does_not_stop_the_others() {
        let mut turns = 0;
        let failing = Case::new("a", "x", || {
            turns += 1;
            if turns == 3 {
                bail!("no more");
            }
            Ok(1.0)
        });
        let mut cases = [failing, Case::new("b", "x", || Ok(2.0))];
        interleave(&mut cases, 4).unwrap();
        let mut results = Results::default();
        report(&cases, "T", "ns", &mut results);
        assert_eq!(results.rows.len(), 1);
        assert_eq!(results.rows[0].summary.rounds, 4);
        assert_eq!(results.missing, ["a, x: no more"]);
    }
}
