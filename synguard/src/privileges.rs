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

/// What looking into other network namespaces needs: the second to see whose process
/// is in which (namespaces(7)), the first to enter them (setns(2)).
const TO_ENTER: [Capability; 2] = [Capability::CAP_SYS_ADMIN, Capability::CAP_SYS_PTRACE];

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

/// The privileges that are missing to look into other network namespaces.
///
/// # Errors
///
/// [`Error::Failed`] where the kernel does not tell.
pub fn missing_to_enter() -> Result<Vec<String>> {
    missing_here(&TO_ENTER)
}

fn missing_here(needed: &[Capability]) -> Result<Vec<String>> {
    let held =
        caps::read(None, CapSet::Effective).context("reading this process's capabilities")?;
    Ok(missing(needed, |capability| held.contains(&capability)))
}

fn require(needed: &[Capability]) -> Result<()> {
    let missing = missing_here(needed)?;
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
    let part_of_admin =
        |capability| matches!(capability, Capability::CAP_BPF | Capability::CAP_PERFMON);
    let covered = |capability| {
        held(capability) || (part_of_admin(capability) && held(Capability::CAP_SYS_ADMIN))
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
        use Capability::{CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_SYS_ADMIN, CAP_SYS_PTRACE};
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
        for (held, expected) in [
            (vec![CAP_SYS_ADMIN, CAP_SYS_PTRACE], vec![]),
            (vec![CAP_SYS_ADMIN], vec!["CAP_SYS_PTRACE"]),
            (vec![CAP_NET_ADMIN], vec!["CAP_SYS_ADMIN", "CAP_SYS_PTRACE"]),
        ] {
            assert_eq!(
                missing(&TO_ENTER, |c| held.contains(&c)),
                expected,
                "{held:?}"
            );
        }
    }
}
