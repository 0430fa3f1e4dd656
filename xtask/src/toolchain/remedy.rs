//! What to do about a toolchain that is not there: decided from facts.

/// What this user may do on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Means {
    /// Debian packages are missing.
    pub packages_missing: bool,
    /// apt offers a compiler that fits, or it is installed.
    pub debian_has_compiler: bool,
    /// The user is root.
    pub root: bool,
}

/// How the toolchain can come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The xtask installs what is missing.
    SetUp,
    /// Root has to install packages first.
    AskRoot,
    /// The user has to install a nightly: there is nothing for us here.
    AskForNightly,
}

/// Decides.
pub fn remedy(means: Means) -> Remedy {
    match means {
        Means {
            packages_missing: false,
            ..
        } => Remedy::SetUp,
        Means {
            debian_has_compiler: false,
            ..
        } => Remedy::AskForNightly,
        Means { root: false, .. } => Remedy::AskRoot,
        Means { root: true, .. } => Remedy::SetUp,
    }
}

/// What a user types where Debian's packages are no help.
pub const NIGHTLY_COMMANDS: [&str; 3] = [
    "rustup toolchain install nightly --component rust-src,clippy",
    "cargo install cargo-binstall",
    "cargo binstall bpf-linker",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies() {
        for (packages_missing, debian_has_compiler, root, expected) in [
            (true, true, true, Remedy::SetUp),
            (true, true, false, Remedy::AskRoot),
            (true, false, true, Remedy::AskForNightly),
            (true, false, false, Remedy::AskForNightly),
            (false, true, false, Remedy::SetUp),
            (false, true, true, Remedy::SetUp),
        ] {
            let means = Means {
                packages_missing,
                debian_has_compiler,
                root,
            };
            assert_eq!(remedy(means), expected, "{means:?}");
        }
    }
}
