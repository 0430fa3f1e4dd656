//! End to end: the real binary, real services and real attackers, between
//! network namespaces. Needs root and the path of the binary in `SYNGUARD_BIN`;
//! without either the cases fail, they never pass silently.

mod ban_scope;
mod bouncers;
mod busy_client;
mod capture;
mod challenge;
mod config;
mod confirm;
mod crash;
mod detaching;
mod doctor;
mod dry_run;
mod escalation;
mod evidence;
mod firewall;
mod handshakes;
mod import;
mod listeners;
mod many_sources;
mod mishaps;
mod modes;
mod panic;
mod protected;
mod real_floods;
mod refusals;
mod reload;
mod report;
mod report_contact;
mod rules;
mod seed_flood;
mod source_prefix;
mod support;
mod top;
mod variants;
