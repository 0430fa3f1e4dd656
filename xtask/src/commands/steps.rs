//! Steps with names, announced and timed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// What has been done so far.
#[derive(Debug, Default)]
pub struct Steps {
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    /// Announces the step and does it.
    pub fn run<T>(&mut self, name: &'static str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("==> {name}");
        let start = Instant::now();
        let value = step().with_context(|| format!("step \"{name}\" failed"))?;
        self.done.push((name, start.elapsed()));
        Ok(value)
    }

    /// What was done and how long it took, one line each.
    pub fn summary(&self) -> String {
        let lines = self
            .done
            .iter()
            .map(|(name, time)| format!("{:7.1} s  {name}\n", time.as_secs_f64()));
        let total: Duration = self.done.iter().map(|(_, time)| *time).sum();
        lines
            .chain([format!("{:7.1} s  in all\n", total.as_secs_f64())])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn a_failure_names_its_step() {
        let mut steps = Steps::default();
        steps.run("first", || Ok(())).expect("nothing fails");
        let error = steps
            .run::<()>("second", || bail!("no"))
            .expect_err("it fails");
        assert_eq!(format!("{error:#}"), "step \"second\" failed: no");
        assert!(steps.summary().contains("first") && !steps.summary().contains("second"));
    }
}
