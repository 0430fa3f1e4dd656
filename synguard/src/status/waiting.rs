//! Interfaces that are not there, and where filters are.

use serde::Serialize;

use crate::dataplane::Pins;
use crate::text;

/// What a filter is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The interface of this name.
    Interface(String),
    /// None: its interface is gone, or somebody took it off.
    Nobody,
    /// What another network namespace has, where it cannot be seen from here.
    Elsewhere,
}

/// An interface that a controller waits for, and never attached.
#[derive(Debug, Serialize)]
pub struct Waiting {
    /// Its name.
    pub interface: String,
    /// The controller's process.
    pub controller_pid: u32,
}

impl Waiting {
    /// That of an interface that is not attached; nothing without a controller.
    pub fn of(pins: &Pins) -> Option<Self> {
        Some(Self {
            interface: pins.interface().to_owned(),
            controller_pid: pins.controller()?,
        })
    }

    /// For people.
    pub fn show(&self) -> String {
        format!(
            "{}: NOT FILTERING: there is no such interface so far: waiting for it, controller \
             running (process {})\n",
            text::plain(&self.interface),
            self.controller_pid
        )
    }
}
