//! `cargo xtask demo`: the story in about half a minute, between network
//! namespaces. Needs root and the path of the binary in `SYNGUARD_BIN`.

use std::process::ExitCode;

use synguard_tests::{demo, interrupt};

/// What a shell shows for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let told = interrupt::listen().and_then(|()| demo::run());
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if interrupt::requested() => {
            eprintln!("Interrupted; everything has been cleaned up.");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
