//! The whole lab as one value.

use anyhow::Result;

use crate::leftovers;
use crate::services::Services;
use crate::synguard::Synguard;
use crate::topology::Topology;

/// The home network, its services, and synguard ready to be attached.
#[derive(Debug)]
pub struct Lab {
    // Order matters: what is dropped first is what needs the rest.
    /// The binary under test, bound to this lab's uplink.
    pub synguard: Synguard,
    /// nginx and postfix.
    pub services: Option<Services>,
    /// The namespaces.
    pub topology: Topology,
}

impl Lab {
    /// The network with the services running.
    pub fn new() -> Result<Self> {
        let mut lab = Self::without_services()?;
        lab.services = Some(Services::start(&lab.topology)?);
        Ok(lab)
    }

    /// The network alone, for cases in which nobody needs an answer.
    pub fn without_services() -> Result<Self> {
        leftovers::sweep()?;
        let topology = Topology::new()?;
        Ok(Self {
            synguard: Synguard::new(&topology)?,
            services: None,
            topology,
        })
    }
}
