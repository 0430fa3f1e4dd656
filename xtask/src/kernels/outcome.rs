//! What a guest reported.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::share::Share;

/// How much of a log is shown.
const TAIL: usize = 40;

/// What a guest left behind when it had finished.
#[derive(Debug)]
pub struct Outcome {
    status: String,
    uname: String,
    log: String,
    /// What `synguard attach` logged.
    attach: String,
}

impl Outcome {
    /// Reads it; none while the guest has not finished.
    pub fn read(share: &Share) -> Option<Self> {
        let status = share.read("status");
        (!status.is_empty()).then(|| Self {
            status,
            uname: share.read("uname"),
            log: share.read("log"),
            attach: share.read("attach-first.log") + &share.read("attach-second.log"),
        })
    }

    /// One line for a person and, below it, what the kernel lacks; an error
    /// unless all is well.
    pub fn verdict(&self, uname: &str, time: Duration) -> Result<String> {
        ensure!(
            self.status.trim() == "0",
            "on {uname}:\n{}",
            tail(&self.log)
        );
        ensure!(
            self.uname.trim() == uname,
            "not {uname} was booted but {}",
            self.uname.trim()
        );
        let passed = passed(&self.log);
        // As when the names of the tests change, and none is left.
        ensure!(passed > 0, "no test was run on {uname}");
        let shortfalls = shortfalls(&self.attach);
        let missing = match shortfalls.as_slice() {
            [] => "nothing falls short".to_owned(),
            lines => format!("synguard says what falls short:\n  {}", lines.join("\n  ")),
        };
        Ok(format!(
            "{uname}: {passed} tests, the lifecycle and the package passed in {} s; {missing}",
            time.as_secs()
        ))
    }
}

/// The end of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

fn passed(log: &str) -> u32 {
    log.lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "))
        .filter_map(|rest| rest.split(' ').next()?.parse::<u32>().ok())
        .sum()
}

/// The warnings, each once, without their time.
fn shortfalls(log: &str) -> Vec<&str> {
    let mut found: Vec<_> = log
        .lines()
        .filter_map(|line| Some(line.split_once(" WARN ")?.1))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: &str) -> Outcome {
        Outcome {
            status: status.into(),
            uname: "6.1.0-56-amd64\n".into(),
            log: "test result: ok. 22 passed; 0 failed\nFAILED: attach\n".into(),
            attach: "2026  INFO attached\n2026  WARN vb: no a\n2027  WARN vb: no a\n".into(),
        }
    }

    #[test]
    fn a_good_end_names_what_falls_short() {
        let verdict = outcome("0\n").verdict("6.1.0-56-amd64", Duration::from_secs(44));
        assert_eq!(
            verdict.expect("all is well"),
            "6.1.0-56-amd64: 22 tests, the lifecycle and the package passed in 44 s; \
             synguard says what falls short:\n  vb: no a"
        );
    }

    #[test]
    fn a_bad_end_shows_the_log() {
        let error = outcome("1\n").verdict("6.1.0-56-amd64", Duration::ZERO);
        assert!(
            error
                .expect_err("it failed")
                .to_string()
                .ends_with("FAILED: attach")
        );
    }

    #[test]
    fn another_kernel_or_no_test_is_no_success() {
        assert!(outcome("0").verdict("6.12.1", Duration::ZERO).is_err());
        let mut none = outcome("0");
        none.log = "test result: ok. 0 passed; 0 failed\n".into();
        assert!(none.verdict("6.1.0-56-amd64", Duration::ZERO).is_err());
    }
}
