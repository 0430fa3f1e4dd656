//! The lab: a home network made of namespaces, real services in it, a flood
//! towards it, and the `synguard` binary as its owner would run it.
//!
//! Everything here stays between network namespaces that the lab itself made.
//! Neither they nor the mounts that synguard sees have a name: when the process
//! that made them ends, by whatever cause, the kernel takes them away with the
//! interfaces and the pins in them, and the children are signalled.
//!
//! The pieces, from the ground up: [`wait`], [`program`], [`namespace`],
//! [`mounts`], [`address`], [`topology`]; in that network [`services`],
//! [`clients`], [`download`], [`upload`], [`far_client`], [`wrk`], [`greeter`],
//! [`prometheus`], [`registry`], [`tcp`], [`handmade`], [`flood`], [`sender`], [`crowd`] and
//! [`real_capture`];
//! watching it [`capture`], [`syn_acks`] and [`ping`]; written down, [`capture_file`]
//! and [`seed_attack`]; and [`synguard`], the thing under test.
//! A person before it: [`tmux`].
//! Apart from it, a host with rules of its own: [`reach`].
//! [`lab`] puts them together, [`demo`] tells the story.

pub mod address;
pub mod capture;
pub mod capture_file;
pub mod clients;
pub mod controller;
pub mod crowd;
pub mod demo;
pub mod download;
pub mod fail2ban;
pub mod far_client;
pub mod flood;
pub mod foreign;
pub mod greeter;
pub mod handmade;
pub mod interrupt;
pub mod knock;
pub mod lab;
pub mod leftovers;
pub mod mounts;
pub mod namespace;
pub mod packet_socket;
pub mod ping;
pub mod program;
pub mod prometheus;
pub mod reach;
pub mod real_capture;
pub mod reboot;
pub mod registry;
pub mod seed_attack;
pub mod seed_packet;
pub mod sender;
pub mod services;
pub mod syn_acks;
pub mod synguard;
pub mod tally;
pub mod tcp;
pub mod tmux;
pub mod topology;
pub mod tunnel;
pub mod upload;
pub mod wait;
pub mod wrk;
