//! Who runs containers here, and what that means for SynGuard.

use std::path::Path;

use super::Finding;
use crate::interface::Link;

/// What containers are managed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Managers {
    /// Docker or Podman, which publish ports by DNAT.
    Docker,
    /// LXC, LXD or Incus, whose containers have addresses of their own.
    Lxc,
}

/// What shows that they are here: a file, or the name of a bridge.
const SIGNS: [(Managers, &[&str], &[&str]); 2] = [
    (
        Managers::Docker,
        &["/run/docker.sock", "/run/podman/podman.sock"],
        &["docker0", "podman0", "cni-podman0"],
    ),
    (
        Managers::Lxc,
        &[
            "/run/lxc",
            "/run/lxd.socket",
            "/var/lib/lxd/unix.socket",
            "/var/snap/lxd/common/lxd/unix.socket",
            "/run/incus",
            "/var/lib/incus/unix.socket",
        ],
        &["lxcbr0", "lxdbr0", "incusbr0"],
    ),
];

impl Managers {
    /// Looks for them: each with what shows it.
    pub fn found(links: &[Link]) -> Vec<(Self, String)> {
        signs(links, |path| Path::new(path).exists())
    }
}

fn signs(links: &[Link], exists: impl Fn(&str) -> bool) -> Vec<(Managers, String)> {
    let found = SIGNS.into_iter().filter_map(|(managers, files, bridges)| {
        let is_there = |bridge: &&&str| links.iter().any(|link| link.interface.name == **bridge);
        let files = files.iter().filter(|file| exists(file));
        let bridges = bridges.iter().filter(is_there);
        let signs: Vec<_> = files.chain(bridges).copied().collect();
        (!signs.is_empty()).then(|| (managers, signs.join(", ")))
    });
    found.collect()
}

/// Says what they mean.
pub fn of_containers(found: &[(Managers, String)]) -> Vec<Finding> {
    let finding = |(managers, signs): &(Managers, String)| match managers {
        Managers::Docker => Finding::ok(
            "Docker",
            format!(
                "found ({signs}): attach to the interface that the Internet is behind, not to its \
                 bridge; published ports are filtered there like all others, but their SYNs are \
                 answered by the kernel and not with SynGuard's cookies"
            ),
        ),
        Managers::Lxc => Finding::ok(
            "LXC",
            format!(
                "found ({signs}): attach to the interface that the Internet is behind; containers \
                 are filtered there like the host, and answered for with cookies where SynGuard \
                 may look into them (CAP_SYS_ADMIN and CAP_SYS_PTRACE)"
            ),
        ),
    };
    found.iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::link::example;

    #[test]
    fn managers_show_by_their_sockets_and_bridges() {
        let bridge = |name: &str| vec![example(7, name, Some("bridge"), None)];
        for (links, file, expected) in [
            (bridge("br0"), "", vec![]),
            (bridge("docker0"), "", vec![(Managers::Docker, "docker0")]),
            (bridge("lxcbr0"), "", vec![(Managers::Lxc, "lxcbr0")]),
            (
                bridge("docker0"),
                "/run/docker.sock",
                vec![(Managers::Docker, "/run/docker.sock, docker0")],
            ),
            (vec![], "/run/lxc", vec![(Managers::Lxc, "/run/lxc")]),
        ] {
            let found = signs(&links, |path| path == file);
            let shown: Vec<_> = found
                .iter()
                .map(|(managers, signs)| (*managers, signs.as_str()))
                .collect();
            assert_eq!(shown, expected);
            assert_eq!(of_containers(&found).len(), expected.len());
        }
    }
}
