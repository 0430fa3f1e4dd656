//! `synguard replay`, and `report` of what it reads: captures of every form, the story's attack, real floods. The
//! library where its answer is data, the real binary where it is what a person sees.

mod commands;
mod damage;
mod formats;
mod handshakes;
mod kernel;
mod links;
mod oddities;
mod real;
mod report;
mod story;
mod support;
