//! The live view: who is doing what, and what was done about it.
//!
//! [`App`] is pure: an [`Event`] comes in, an [`Effect`] may come out, and [`view`] draws
//! what it knows onto any ratatui frame. Terminal, maps and clock are left to [`Screen`]
//! and to `commands/top.rs`.

mod app;
mod dialog;
mod face;
mod history;
mod keys;
mod order;
mod pace;
mod rows;
mod screen;
#[cfg(test)]
mod tests;
pub mod view;

pub use app::{App, Effect, Event, Notice};
pub use dialog::{Dialog, Verdict};
pub use face::Face;
pub use history::History;
pub use order::{Order, Verb};
pub use pace::Pace;
pub use rows::{Row, Sort, State};
pub use screen::Screen;
