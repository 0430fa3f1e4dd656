//! What this process may use.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process open as many files as it may. Each interface takes some 130 of them,
/// mostly maps, and the usual limit of 1,024 is there for programs that use select(2).
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // Where that is refused, there is room for fewer interfaces, which attaching says.
    let _ = setrlimit(Resource::Nofile, raised);
}
