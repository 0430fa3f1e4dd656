//! A dossier for an abuse desk: what one source did, with evidence, and in words
//! that fit who probably owns its address.
//!
//! Everything here but [`on_interface`] is pure. Nothing here sends anything.

mod destination;
mod dossier;
mod evidence;
mod facts;
mod finding;
mod in_capture;
mod letter;
mod mail;
mod markdown;
mod on_interface;
mod plain;
mod reporter;
mod sample;
mod subject;
mod xarf;

pub use destination::destination;
pub use dossier::{Dossier, SCHEMA_VERSION, main_of};
pub use evidence::{Evidence, Place, PortCount, RuleFact};
pub use finding::{Finding, reasons};
pub use in_capture::in_capture;
pub use letter::{Letter, letter};
pub use mail::mail;
pub use markdown::markdown;
pub use on_interface::{Glance, glance, on_interface};
pub use reporter::{Reporter, parse_email, parse_organisation};
pub use sample::Sample;
pub use subject::counted_as;
pub use xarf::xarf;
