//! What this kernel lets SynGuard do: by loading every program, not by its version.

use super::Finding;
use crate::Result;
use crate::dataplane::{Handshakes, Trial};

const NEWER: &str = "a newer kernel has it (Debian: the one of the next release, or of backports)";

/// Judges what loading the programs showed.
pub fn of_trial(trial: &Result<Trial>) -> Vec<Finding> {
    const TOPIC: &str = "programs";
    let trial = match trial {
        Ok(trial) => trial,
        Err(error) => return vec![Finding::fail(TOPIC, error.to_string())],
    };
    vec![
        Finding::ok(TOPIC, "the kernel takes the filter, ring buffers included"),
        of_multi_buffer(trial.multi_buffer),
        of_part(
            "cookie helpers",
            &trial.answers,
            "SYNs can be answered with cookies",
        ),
        of_part(
            "captures",
            &trial.samples,
            "packets can be captured and kept as evidence",
        ),
        of_handshakes(&trial.handshakes),
    ]
}

fn of_multi_buffer(has_it: bool) -> Finding {
    const TOPIC: &str = "multi-buffer XDP";
    if has_it {
        return Finding::ok(TOPIC, "frames above one page can be filtered");
    }
    Finding::warn(
        TOPIC,
        "this kernel has none (from Linux 5.18 on): native mode may refuse an MTU above one page",
        NEWER.to_owned(),
    )
}

fn of_part(topic: &'static str, outcome: &Result<()>, good: &str) -> Finding {
    match outcome {
        Ok(()) => Finding::ok(topic, good),
        Err(error) => Finding::warn(topic, error.to_string(), NEWER.to_owned()),
    }
}

fn of_handshakes(handshakes: &Handshakes) -> Finding {
    const TOPIC: &str = "handshakes";
    match handshakes {
        Handshakes::Counted { outlives: true } => {
            Finding::ok(TOPIC, "are counted, with or without a controller")
        }
        Handshakes::Counted { outlives: false } => Finding::warn(
            TOPIC,
            "are counted while a controller runs, and not without one (from Linux 5.15 on)",
            NEWER.to_owned(),
        ),
        Handshakes::NotMounted => {
            Finding::ok(TOPIC, "can be counted once attach has mounted tracefs")
        }
        Handshakes::Lacking(why) => Finding::warn(
            TOPIC,
            format!(
                "cannot be counted ({why}): busy clients are told from floods by their rate alone"
            ),
            "a kernel with CONFIG_FTRACE and CONFIG_PERF_EVENTS, as distributions have it"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::doctor::Level;

    fn trial() -> Trial {
        Trial {
            multi_buffer: true,
            answers: Ok(()),
            samples: Ok(()),
            handshakes: Handshakes::Counted { outlives: true },
        }
    }

    fn refused() -> Result<()> {
        Err(Error::Unsupported("no such helper".to_owned()))
    }

    #[test]
    fn what_a_kernel_lacks_is_a_warning_about_just_that() {
        let cases = [
            (
                Trial {
                    multi_buffer: false,
                    ..trial()
                },
                "multi-buffer XDP",
            ),
            (
                Trial {
                    answers: refused(),
                    ..trial()
                },
                "cookie helpers",
            ),
            (
                Trial {
                    samples: refused(),
                    ..trial()
                },
                "captures",
            ),
            (
                Trial {
                    handshakes: Handshakes::Counted { outlives: false },
                    ..trial()
                },
                "handshakes",
            ),
            (
                Trial {
                    handshakes: Handshakes::Lacking("no such file".to_owned()),
                    ..trial()
                },
                "handshakes",
            ),
        ];
        for (trial, topic) in cases {
            let findings = of_trial(&Ok(trial));
            let bad: Vec<_> = findings
                .iter()
                .filter(|one| one.level != Level::Ok)
                .collect();
            assert_eq!(bad.len(), 1, "{findings:?}");
            assert_eq!((bad[0].topic, bad[0].level), (topic, Level::Warn));
            assert!(bad[0].remedy.is_some());
        }
    }

    #[test]
    fn a_kernel_that_has_all_is_fine_and_one_that_refuses_the_filter_fails() {
        let not_mounted = Trial {
            handshakes: Handshakes::NotMounted,
            ..trial()
        };
        for trial in [trial(), not_mounted] {
            let findings = of_trial(&Ok(trial));
            assert!(findings.iter().all(|one| one.level == Level::Ok));
        }
        let error = Error::Unsupported("too old".to_owned());
        assert_eq!(of_trial(&Err(error))[0].level, Level::Fail);
    }
}
