//! Which package may depend on which.

use super::graph::{Dependency, Graph, Package};

const COMMON: &str = "synguard-common";
const EBPF: &str = "synguard-ebpf";
const BENCH_EBPF: &str = "synguard-bench-ebpf";
const XTASK: &str = "xtask";

/// For each package of the workspace, the others that it may name.
const ARROWS: [(&str, &[&str]); 7] = [
    (COMMON, &[]),
    (EBPF, &[COMMON]),
    (BENCH_EBPF, &[]),
    ("synguard", &[COMMON]),
    ("synguard-tests", &["synguard", COMMON]),
    ("synguard-bench", &["synguard", "synguard-tests", COMMON]),
    (XTASK, &[]),
];

/// All that may come into the kernel with the common crate.
const FOR_COMMON: [&str; 1] = ["network-types"];

/// The arrows that should not be there, one sentence each.
pub fn broken(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for package in &graph.packages {
        let Some(allowed) = allowed(&package.name) else {
            broken.push(format!(
                "{} is a new package: say in xtask/src/check/arrows.rs what it may depend on",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            broken.extend(objection(graph, package, dependency, allowed));
        }
    }
    broken
}

fn allowed(package: &str) -> Option<&'static [&'static str]> {
    let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == package)?;
    Some(allowed)
}

fn objection(
    graph: &Graph,
    package: &Package,
    dependency: &Dependency,
    allowed: &[&str],
) -> Option<String> {
    let name = dependency.name.as_str();
    let is_common = package.name == COMMON;
    let reason = if [EBPF, BENCH_EBPF].contains(&name) {
        "nobody links a kernel side, its object is embedded as bytes".to_owned()
    } else if graph.has(name) && !allowed.contains(&name) {
        let allowed = list(allowed);
        format!(
            "of this workspace, {} may depend on {allowed}",
            package.name
        )
    } else if is_common && dependency.normal && !FOR_COMMON.contains(&name) {
        let allowed = list(&FOR_COMMON);
        format!("the common crate goes into the kernel and may depend on {allowed}")
    } else if package.name == XTASK && name.starts_with("aya") {
        "only the data plane and the kernel side know aya".to_owned()
    } else {
        return None;
    };
    Some(format!("{} → {name}: {reason}", package.name))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line is `package → dependency`, or `⇢` for a dev-dependency.
    fn graph(arrows: &[&str]) -> Graph {
        let mut graph = Graph::default();
        for (name, _) in ARROWS {
            graph.packages.push(Package {
                name: name.into(),
                dependencies: Vec::new(),
            });
        }
        for arrow in arrows {
            let words: Vec<_> = arrow.split(' ').collect();
            let dependency = Dependency {
                name: words[2].into(),
                normal: words[1] == "→",
            };
            let package = graph
                .packages
                .iter_mut()
                .find(|package| package.name == words[0]);
            package
                .expect("a package of this workspace")
                .dependencies
                .push(dependency);
        }
        graph
    }

    fn assert_broken(arrow: &str, reason: &str) {
        let found = broken(&graph(&[arrow]));
        assert_eq!(found.len(), 1, "{arrow}: {found:?}");
        assert!(found[0].contains(reason), "{found:?} lacks {reason:?}");
    }

    #[test]
    fn the_arrows_of_the_design_are_allowed() {
        let found = broken(&graph(&[
            "synguard-common → network-types",
            "synguard-common ⇢ proptest",
            "synguard-ebpf → synguard-common",
            "synguard-ebpf → aya-ebpf",
            "synguard → synguard-common",
            "synguard → aya",
            "synguard-tests ⇢ synguard",
            "synguard-tests ⇢ synguard-common",
            "synguard-bench → synguard",
            "synguard-bench → synguard-tests",
            "synguard-bench → aya",
            "synguard-bench-ebpf → aya-ebpf",
            "xtask → clap",
        ]));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn common_takes_nothing_into_the_kernel() {
        assert_broken("synguard-common → tokio", "may depend on network-types");
    }

    #[test]
    fn common_knows_no_other_package() {
        assert_broken("synguard-common ⇢ synguard", "may depend on nothing");
    }

    #[test]
    fn the_kernel_side_knows_only_common() {
        assert_broken("synguard-ebpf → synguard", "may depend on synguard-common");
    }

    #[test]
    fn the_program_knows_only_common() {
        assert_broken("synguard ⇢ synguard-tests", "may depend on synguard-common");
    }

    #[test]
    fn the_xtask_knows_no_product() {
        assert_broken("xtask → synguard-common", "may depend on nothing");
    }

    #[test]
    fn the_xtask_knows_no_aya() {
        assert_broken("xtask → aya-obj", "know aya");
    }

    #[test]
    fn nobody_links_the_kernel_side() {
        assert_broken(
            "synguard-tests ⇢ synguard-ebpf",
            "nobody links a kernel side",
        );
        assert_broken(
            "synguard-bench → synguard-bench-ebpf",
            "nobody links a kernel side",
        );
    }

    #[test]
    fn the_benchmarks_kernel_side_is_its_own() {
        assert_broken(
            "synguard-bench-ebpf → synguard-common",
            "may depend on nothing",
        );
    }

    #[test]
    fn a_new_package_needs_a_rule() {
        let mut graph = graph(&[]);
        graph.packages.push(Package {
            name: "new".into(),
            dependencies: Vec::new(),
        });
        assert!(broken(&graph)[0].starts_with("new is a new package"));
    }
}
