//! What this process may do.

use caps::{CapSet, Capability};

use crate::error::Context as _;
use crate::{Error, Result};

/// What loading and attaching needs: CAP_BPF and CAP_PERFMON are from Linux
/// 5.8, and CAP_SYS_ADMIN stands for both (capabilities(7)).
const TO_ATTACH: [Capability; 3] = [
    Capability::CAP_BPF,
    Capability::CAP_NET_ADMIN,
    Capability::CAP_PERFMON,
];

/// What reading and writing pinned maps needs.
const TO_USE_MAPS: [Capability; 1] = [Capability::CAP_BPF];

/// Checks the privileges to attach.
///
/// # Errors
///
/// [`Error::Privilege`] naming what is missing.
pub fn to_attach() -> Result<()> {
    require(&TO_ATTACH)
}

/// Checks the privileges to read and write pinned maps.
///
/// # Errors
///
/// [`Error::Privilege`] naming what is missing.
pub fn to_use_maps() -> Result<()> {
    require(&TO_USE_MAPS)
}

fn require(needed: &[Capability]) -> Result<()> {
    let held =
        caps::read(None, CapSet::Effective).context("reading this process's capabilities")?;
    let missing = missing(needed, |capability| held.contains(&capability));
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Privilege(format!(
        "missing {}: run it as root, or give it {}",
        missing.join(", "),
        if missing.len() == 1 {
            "that capability"
        } else {
            "those capabilities"
        },
    )))
}

fn missing(needed: &[Capability], held: impl Fn(Capability) -> bool) -> Vec<String> {
    let covered = |capability| {
        held(capability)
            || (capability != Capability::CAP_NET_ADMIN && held(Capability::CAP_SYS_ADMIN))
    };
    needed
        .iter()
        .filter(|capability| !covered(**capability))
        .map(ToString::to_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        use Capability::{CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_SYS_ADMIN};
        for (held, expected) in [
            (vec![CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON], vec![]),
            (vec![CAP_SYS_ADMIN, CAP_NET_ADMIN], vec![]),
            (vec![CAP_SYS_ADMIN], vec!["CAP_NET_ADMIN"]),
            (vec![CAP_NET_ADMIN], vec!["CAP_BPF", "CAP_PERFMON"]),
        ] {
            assert_eq!(
                missing(&TO_ATTACH, |c| held.contains(&c)),
                expected,
                "{held:?}"
            );
        }
    }
}
