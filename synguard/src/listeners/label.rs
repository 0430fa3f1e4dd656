//! What people call a network namespace by one of its processes.

use std::fs;

/// How much of a container's id its programs show.
const SHORT_ID: usize = 12;

/// The container that the process is in, or the process itself.
pub(super) fn of_process(pid: &str) -> String {
    let read = |file| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    container(&read("cgroup")).unwrap_or_else(|| format!("{} (pid {pid})", read("comm").trim_end()))
}

/// The container in a process's control groups, as cgroups(7) lists them: `lxc NAME`,
/// `docker 0123456789ab`, or whatever runs it with an id.
fn container(cgroups: &str) -> Option<String> {
    cgroups
        .lines()
        .filter_map(|line| line.splitn(3, ':').nth(2))
        .flat_map(|path| path.split('/'))
        .find_map(|group| lxc(group).or_else(|| scope(group)))
}

/// LXC's own names (`lxc.cgroup.dir` in lxc.container.conf(5)).
fn lxc(group: &str) -> Option<String> {
    let name = group.strip_prefix("lxc.payload.")?;
    Some(format!("lxc {name}"))
}

/// `docker-ID.scope`, `libpod-ID.scope`, `cri-containerd-ID.scope`.
fn scope(group: &str) -> Option<String> {
    let (runner, id) = group.strip_suffix(".scope")?.rsplit_once('-')?;
    let is_id = id.len() > SHORT_ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| format!("{runner} {}", &id[..SHORT_ID]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_found_in_control_groups() {
        let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        for (cgroups, expected) in [
            (
                format!("0::/system.slice/docker-{id}.scope\n"),
                Some("docker 0123456789ab"),
            ),
            (
                format!("0::/machine.slice/libpod-{id}.scope/container\n"),
                Some("libpod 0123456789ab"),
            ),
            (
                format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope\n"),
                Some("cri-containerd 0123456789ab"),
            ),
            (
                "12:pids:/x\n0::/lxc.payload.web/init.scope\n".to_owned(),
                Some("lxc web"),
            ),
            (
                "0::/user.slice/user-1000.slice/session-3.scope\n".to_owned(),
                None,
            ),
            ("0::/system.slice/nginx.service\n".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(container(&cgroups).as_deref(), expected, "{cgroups}");
        }
    }

    #[test]
    fn other_processes_go_by_their_names() {
        let label = of_process(&std::process::id().to_string());
        assert!(!label.is_empty());
    }
}
