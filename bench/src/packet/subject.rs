//! A program, a packet, and what it must decide.

use std::os::fd::BorrowedFd;

use anyhow::{Result, ensure};

use crate::kernel::{self, Action};
use crate::rounds::Case;

/// So many packets make a sample: some ten milliseconds.
const REPEAT: u32 = 300_000;

/// One program with one packet.
pub struct Subject<'a> {
    program: BorrowedFd<'a>,
    frame: Vec<u8>,
    action: Action,
}

impl<'a> Subject<'a> {
    /// Runs it once, to see that it decides as it should.
    pub fn new(program: BorrowedFd<'a>, frame: Vec<u8>, action: Action) -> Result<Self> {
        let subject = Self {
            program,
            frame,
            action,
        };
        subject.run(1)?;
        Ok(subject)
    }

    /// Nanoseconds per packet, again and again.
    pub fn case(self, subject: &str, scenario: &str) -> Case<'a> {
        Case::new(subject, scenario, move || self.run(REPEAT))
    }

    fn run(&self, repeat: u32) -> Result<f64> {
        let run = kernel::test_run(self.program, &self.frame, repeat)?;
        ensure!(
            run.action == self.action,
            "decided {:?} instead of {:?}",
            run.action,
            self.action
        );
        Ok(run.each.as_nanos() as f64)
    }
}
