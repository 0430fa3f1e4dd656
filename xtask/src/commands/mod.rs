//! The tasks that are made of other tasks.

pub mod bench;
pub mod build;
pub mod build_ebpf;
pub mod demo;
pub mod kernels;
pub mod run;
pub mod setup;
mod steps;
pub mod test;
mod test_packages;
