//! Cases of the whole view: events in, screens out.

mod actions;
mod moving;
mod scene;
mod screens;
