//! Is this kernel new enough?

use crate::{Error, Result};

/// The oldest that SynGuard works on, and what older ones lack.
const OLDEST: Version = Version(5, 10);
const NEEDED: [(Version, &str); 3] = [
    (Version(5, 5), "bpf_jiffies64"),
    (Version(5, 8), "BPF ring buffers and CAP_BPF"),
    (Version(5, 9), "BPF links for XDP"),
];

/// The first with XDP for frames of several buffers.
const MULTI_BUFFER: Version = Version(5, 18);

/// Major and minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// Checks the running kernel.
///
/// # Errors
///
/// [`Error::Unsupported`] naming what it lacks.
pub fn check() -> Result<()> {
    check_release(&release())
}

/// Whether the running kernel is of a version with multi-buffer XDP.
pub fn has_multi_buffer() -> bool {
    // As in `check`.
    parse(&release()).is_none_or(|version| version >= MULTI_BUFFER)
}

fn release() -> String {
    let name = rustix::system::uname();
    name.release().to_string_lossy().into_owned()
}

fn check_release(release: &str) -> Result<()> {
    // A version that cannot be read is no reason to refuse: loading will tell.
    let Some(version) = parse(release) else {
        return Ok(());
    };
    if version >= OLDEST {
        return Ok(());
    }
    let lacking: Vec<_> = NEEDED
        .iter()
        .filter(|(since, _)| version < *since)
        .map(|(since, what)| format!("{what} (from Linux {}.{} on)", since.0, since.1))
        .collect();
    let lacking = if lacking.is_empty() {
        "was never tried".to_owned()
    } else {
        format!("lacks {}", lacking.join(", "))
    };
    Err(Error::Unsupported(format!(
        "Linux {release} is too old: it {lacking}; SynGuard needs Linux {}.{} or newer",
        OLDEST.0, OLDEST.1
    )))
}

fn parse(release: &str) -> Option<Version> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some(Version(
        numbers.next()?.parse().ok()?,
        numbers.next()?.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_kernels_are_told_what_they_lack() {
        for (release, lacks) in [
            ("4.19.0-27-amd64", "bpf_jiffies64"),
            ("5.7.19", "BPF ring buffers"),
            ("5.8.0", "BPF links for XDP"),
            ("5.9.16", "never tried"),
        ] {
            let error = check_release(release).unwrap_err();
            assert_eq!(error.exit_code(), 5);
            assert!(error.to_string().contains(lacks), "{error}");
        }
    }

    #[test]
    fn newer_and_unreadable_ones_pass() {
        for release in [
            "5.10.0-33-amd64",
            "6.1.0",
            "6.18.44-fc-v657",
            "10.0",
            "custom",
        ] {
            assert!(check_release(release).is_ok(), "{release}");
        }
    }
}
