//! Settings under which time plays no part in a test.

use std::time::Duration;

use synguard::clock::Clock;
use synguard::replay::HostTables;
use synguard::settings::{DEFAULT, Settings};
use synguard_common::abi;
use synguard_common::decide::decide;
use synguard_common::packet::parse;
use synguard_common::verdict::Decision;

const SEED: u64 = 0x5eed;

/// SYNs per window. With a window this long no test crosses its end.
pub const LIMIT: u32 = 10;
const WINDOW: Duration = Duration::from_secs(3600);

/// What both sides are told.
pub fn settings(clock: &Clock) -> abi::Settings {
    let settings = Settings {
        syn_rate: 1,
        window: WINDOW,
        ..DEFAULT
    };
    abi::Settings {
        limit: u64::from(LIMIT),
        ..settings.for_kernel(clock, SEED, DEFAULT.max_sources)
    }
}

/// The maps on the host, for these settings.
pub fn host() -> HostTables {
    HostTables::new(DEFAULT.source_mask(), SEED, DEFAULT.max_sources)
}

/// Decides about a frame on the host as the kernel would.
pub fn run(host: &HostTables, frame: &[u8], now: u64, settings: &abi::Settings) -> Decision {
    decide(parse(frame), now, settings, host)
}
