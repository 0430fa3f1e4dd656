//! The user side of SynGuard: everything that the command line does.
//!
//! The kernel maps are the database. [`dataplane`] is the only module that
//! knows how to reach them (and the only one that names aya); [`controller`]
//! promotes offenders; [`commands`] holds one file a subcommand.

pub mod address;
pub mod capture;
pub mod challenge;
pub mod class;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod contact;
pub mod controller;
pub mod counters;
pub mod dataplane;
pub mod doctor;
mod error;
pub mod events;
pub mod evidence;
pub mod firewall;
pub mod fleet;
pub mod import;
pub mod interface;
pub mod kernel;
pub mod limits;
pub mod listeners;
pub mod lists;
pub mod log;
pub mod metrics;
mod netlink;
pub mod pcap;
pub mod plot;
pub mod ports;
pub mod privileges;
pub mod protected;
pub mod replay;
pub mod report;
pub mod rules;
pub mod saved;
pub mod service;
pub mod settings;
pub mod status;
pub mod telling;
pub mod text;
pub mod top;

pub use error::{Error, Result};
