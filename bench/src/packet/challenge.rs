//! SYNs that are answered: `renew` in front of the filter makes the answer a SYN
//! again, from another source each time.
//!
//! The SYN has the options that Linux sends, so that its answer is as long. What
//! `renew` itself costs is taken off, as in [`super::flood`].

use std::net::TcpListener;

use anyhow::{Context, Result, ensure};
use synguard::dataplane::{Sandbox, Sizes};
use synguard_common::abi::{Listener, NEVER, Settings, hindrance};
use synguard_common::cookie::ability;
use synguard_common::verdict::Reason;
use synguard_tests::address::CONTAINER;
use synguard_tests::topology::Topology;

use super::{PORT, filter, flood};
use crate::cores;
use crate::frames;
use crate::kernel::{Programs, SYN};
use crate::names::{scenario, subject as who};
use crate::rounds::Case;

const LISTENER: Listener = Listener {
    namespace: -1,
    abilities: ability::TIMESTAMPS | ability::SACK | ability::WINDOW_SCALING,
    shift: 7,
    mss: 1460,
    hindrance: hindrance::NONE,
};

/// The loaded programs, and somebody who listens in a lab's container.
pub struct Challenging {
    sandbox: Sandbox,
    topology: Topology,
    /// What `renew` makes of every packet.
    pub syn: [u8; SYN],
    _listener: TcpListener,
}

impl Challenging {
    pub fn new(topology: &Topology) -> Result<Self> {
        let container = &topology.container;
        container.sysctl("ipv4/tcp_syncookies", "2")?;
        let listener = container.inside(|| TcpListener::bind((CONTAINER, PORT)))??;
        let mut sandbox = Sandbox::new(Sizes::default(), |clock| Settings {
            answers: u32::MAX,
            answers_until: NEVER,
            answers_each: u32::MAX,
            ..filter::settings(clock)
        })?;
        sandbox.load_challenge()?;
        let listeners = [((CONTAINER, PORT).into(), LISTENER)];
        sandbox.maps().set_listeners(&listeners)?;
        Ok(Self {
            sandbox,
            topology: topology.clone(),
            syn: frames::question(CONTAINER, PORT)?,
            _listener: listener,
        })
    }

    /// Nanoseconds for each answer.
    pub fn case<'a>(&'a self, programs: &'a Programs) -> Case<'a> {
        let measure = move || {
            let before = self.answered()?;
            // The kernel looks for listeners where the caller is.
            let (cost, packets) = self.topology.container.inside(|| {
                cores::stay_on_first()?;
                let program = self.sandbox.program()?;
                flood::beyond(programs, "renew", program, &self.syn, flood::EPOCH)
            })??;
            let answered = self.answered()? - before;
            ensure!(
                answered == packets,
                "of {packets} SYNs {answered} were answered"
            );
            Ok(cost)
        };
        Case::new(who::CHALLENGING, scenario::ANSWERED, measure)
    }

    fn answered(&self) -> Result<u64> {
        let counters = self.sandbox.counters().context("no counters")?;
        Ok(counters.of(Reason::SynAnswered))
    }
}
