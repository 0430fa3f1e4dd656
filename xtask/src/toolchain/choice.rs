//! Which toolchain it is to be: decided from facts, without looking anywhere.

use super::facts::Facts;

const NIGHTLY: &str = "rustup's nightly";
const DEBIAN: &str = "Debian's rustc-web with this work tree's own bpf-linker";

/// A way to compile for BPF. Both get the same flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// rustup's nightly, which compiles `core` itself.
    Nightly,
    /// Debian's rustc-web, which brings a compiled `core`.
    Debian,
}

/// What the toolchain is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To build the kernel side.
    Build,
    /// To build it and to lint it.
    Lint,
}

/// A part of Debian's toolchain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// rustc with `core` for BPF.
    Compiler,
    /// Our own bpf-linker.
    Linker,
    /// The clippy that matches the compiler.
    Lint,
}

/// The toolchain to use, or the parts of Debian's that are lacking.
///
/// A nightly that can do it comes first: its owner set it up for this.
pub fn choose(facts: &Facts, purpose: Purpose) -> Result<Toolchain, Vec<Part>> {
    if facts.nightly_has_source && facts.linker_on_path {
        return Ok(Toolchain::Nightly);
    }
    let mut lacking = Vec::new();
    if !facts.debian_compiles {
        lacking.push(Part::Compiler);
    }
    if !facts.own_linker {
        lacking.push(Part::Linker);
    }
    if !facts.debian_lints && purpose == Purpose::Lint {
        lacking.push(Part::Lint);
    }
    if lacking.is_empty() {
        Ok(Toolchain::Debian)
    } else {
        Err(lacking)
    }
}

/// One line that says what was chosen and why.
pub fn why(toolchain: Toolchain, facts: &Facts) -> String {
    let (chosen, reason) = match toolchain {
        Toolchain::Nightly => (NIGHTLY, "it has rust-src, and a bpf-linker is on PATH"),
        Toolchain::Debian if !facts.nightly => (DEBIAN, "rustup has no nightly here"),
        Toolchain::Debian if !facts.nightly_has_source => {
            (DEBIAN, "rustup's nightly lacks rust-src")
        }
        Toolchain::Debian => (DEBIAN, "no bpf-linker for rustup's nightly is on PATH"),
    };
    format!("eBPF toolchain: {chosen}, as {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Facts = Facts {
        nightly: false,
        nightly_has_source: false,
        linker_on_path: false,
        debian_compiles: false,
        debian_lints: false,
        own_linker: false,
    };
    const ALL_OF_NIGHTLY: Facts = Facts {
        nightly: true,
        nightly_has_source: true,
        linker_on_path: true,
        ..NOTHING
    };
    const ALL_OF_DEBIAN: Facts = Facts {
        debian_compiles: true,
        debian_lints: true,
        own_linker: true,
        ..NOTHING
    };

    #[test]
    fn the_first_complete_toolchain_is_taken() {
        use Purpose::{Build, Lint};
        let no_source = Facts {
            nightly_has_source: false,
            ..ALL_OF_NIGHTLY
        };
        let no_linker = Facts {
            linker_on_path: false,
            ..ALL_OF_NIGHTLY
        };
        let both = Facts {
            nightly: true,
            nightly_has_source: true,
            linker_on_path: true,
            ..ALL_OF_DEBIAN
        };
        let no_clippy = Facts {
            debian_lints: false,
            ..ALL_OF_DEBIAN
        };
        let everything = vec![Part::Compiler, Part::Linker];
        for (what, facts, purpose, expected) in [
            (
                "a complete nightly",
                ALL_OF_NIGHTLY,
                Lint,
                Ok(Toolchain::Nightly),
            ),
            ("both", both, Build, Ok(Toolchain::Nightly)),
            ("Debian's", ALL_OF_DEBIAN, Lint, Ok(Toolchain::Debian)),
            (
                "Debian's without clippy, to build",
                no_clippy,
                Build,
                Ok(Toolchain::Debian),
            ),
            (
                "Debian's without clippy, to lint",
                no_clippy,
                Lint,
                Err(vec![Part::Lint]),
            ),
            (
                "Debian's without a linker",
                Facts {
                    own_linker: false,
                    ..ALL_OF_DEBIAN
                },
                Build,
                Err(vec![Part::Linker]),
            ),
            (
                "only a linker",
                Facts {
                    own_linker: true,
                    ..NOTHING
                },
                Build,
                Err(vec![Part::Compiler]),
            ),
            (
                "a nightly without source",
                no_source,
                Build,
                Err(everything.clone()),
            ),
            (
                "a nightly without linker",
                no_linker,
                Build,
                Err(everything.clone()),
            ),
            ("nothing", NOTHING, Build, Err(everything)),
        ] {
            assert_eq!(choose(&facts, purpose), expected, "{what}");
        }
    }

    #[test]
    fn the_reason_names_what_the_nightly_lacks() {
        for (facts, word) in [
            (ALL_OF_DEBIAN, "no nightly"),
            (
                Facts {
                    nightly: true,
                    ..ALL_OF_DEBIAN
                },
                "rust-src",
            ),
            (
                Facts {
                    nightly: true,
                    nightly_has_source: true,
                    ..ALL_OF_DEBIAN
                },
                "on PATH",
            ),
        ] {
            let why = why(Toolchain::Debian, &facts);
            assert!(why.contains(word), "{why}");
        }
    }
}
