//! End to end: the real binary, real services and real attackers, between
//! network namespaces. Needs root and the path of the binary in `SYNGUARD_BIN`;
//! without either the cases fail, they never pass silently.

mod crash;
mod detaching;
mod dry_run;
mod handshakes;
mod mishaps;
mod modes;
mod protected;
mod refusals;
mod rules;
mod seed_flood;
mod support;
mod variants;
