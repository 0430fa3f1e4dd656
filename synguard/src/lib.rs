//! The user side of SynGuard: everything that the command line does.
//!
//! The kernel maps are the database. [`dataplane`] is the only module that
//! knows how to reach them (and the only one that names aya); [`controller`]
//! promotes offenders; [`commands`] holds one file a subcommand.

pub mod address;
pub mod class;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod controller;
pub mod counters;
pub mod dataplane;
mod error;
pub mod import;
pub mod interface;
pub mod kernel;
pub mod lists;
pub mod pcap;
pub mod plot;
pub mod privileges;
pub mod protected;
pub mod replay;
pub mod rules;
pub mod settings;
pub mod status;
pub mod text;

pub use error::{Error, Result};
