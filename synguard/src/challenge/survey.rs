//! Finding out where SYNs can be answered: every listener of this host and of its
//! containers, and what the firewalls on the way to it do.

use super::{Plan, Wanted, managed};
use crate::error::Context as _;
use crate::firewall::Firewall;
use crate::listeners::{self, Endpoint, Survey, inside_of};
use crate::{Result, firewall};

/// What to find out, and whether to set sysctls for it.
#[derive(Clone, Debug)]
pub struct Errand {
    /// What was asked for.
    pub wanted: Wanted,
    /// Whether to set the sysctls that are wanted.
    pub lease: bool,
    /// For this interface.
    pub interface: String,
}

impl Errand {
    /// Does it. Takes some milliseconds, and some more where there are firewall rules.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where sockets cannot be listed.
    pub fn run(&self) -> Result<Plan> {
        let mut survey = listeners::survey()?;
        let mut failures = Vec::new();
        if self.lease {
            failures = managed::take(&self.interface, &survey)?;
            survey = listeners::survey()?;
        }
        let firewalls = Firewalls::read(&survey);
        Ok(Plan {
            prepared: self.lease || !self.wanted.manage_sysctls,
            failures,
            ..self.wanted.plan(&survey, &firewalls)
        })
    }
}

/// The firewall of each namespace of a survey, in order.
#[derive(Debug)]
pub struct Firewalls(Vec<Firewall>);

impl Firewalls {
    /// Reads them. Of one that cannot be read, all that is known is that it hinders: a
    /// container may have ended since the survey.
    pub fn read(survey: &Survey) -> Self {
        let namespaces = survey.namespaces.iter();
        let firewalls = namespaces.map(|namespace| {
            let firewall = inside_of(namespace.inode, firewall::survey)
                .context("entering a network namespace")
                .and_then(|firewall| firewall);
            firewall.unwrap_or_else(|error| Firewall::unknown(&error))
        });
        Self(firewalls.collect())
    }

    /// What is in the way to this endpoint: the own namespace's rules see every packet
    /// that comes in, and a container's those that are for it.
    pub(super) fn hindrance(
        &self,
        survey: &Survey,
        endpoint: &Endpoint<'_>,
    ) -> Option<firewall::Hindrance> {
        let mut all = survey.namespaces.iter().zip(&self.0);
        all.find_map(|(namespace, firewall)| match namespace.id {
            id if id == endpoint.namespace => firewall.hinders(endpoint.port),
            listeners::OWN => firewall.hinders_forwarded(endpoint.port),
            _ => None,
        })
    }
}
