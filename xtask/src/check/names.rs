//! Which names may stand in which source files.

use std::path::Path;

use super::code_view::code_view;
use super::files::File;

/// Where the common crate says that it does without std.
const COMMON_ROOT: &str = "synguard-common/src/lib.rs";
/// The only place of the program that knows aya.
const DATA_PLANE: &str = "synguard/src/dataplane";
/// The only place of the benchmark that does.
const BENCH_KERNEL: &str = "bench/src/kernel";

/// The names that should not be there, one sentence each.
pub fn broken(file: &File) -> Vec<String> {
    let path = &file.path;
    let mut broken = Vec::new();
    if path.starts_with("synguard-common/src") && !is_test(path) {
        let foreign = |name: &str| matches!(name, "std" | "tokio") || is_aya(name);
        let reason =
            "the common crate knows no std, tokio or aya: time and randomness are arguments";
        broken.extend(objections(
            file,
            &without_tests(&file.text),
            foreign,
            reason,
        ));
    }
    if path == Path::new(COMMON_ROOT) && !code_view(&file.text).contains("no_std") {
        broken.push(format!("{COMMON_ROOT}: the common crate must be no_std"));
    }
    if path.starts_with("synguard/src") && !is_data_plane(path) {
        let reason = "only synguard/src/dataplane knows aya";
        broken.extend(objections(file, &file.text, is_aya, reason));
    }
    if path.starts_with("bench/src") && !path.starts_with(BENCH_KERNEL) {
        let reason = "in the benchmark only bench/src/kernel knows aya";
        broken.extend(objections(file, &file.text, is_aya, reason));
    }
    broken
}

fn objections(
    file: &File,
    source: &str,
    foreign: impl Fn(&str) -> bool,
    reason: &str,
) -> Vec<String> {
    if file
        .path
        .extension()
        .is_none_or(|extension| extension != "rs")
    {
        return Vec::new();
    }
    let mut objections = Vec::new();
    for (number, line) in (1..).zip(code_view(source).lines()) {
        let mut names = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if let Some(name) = names.find(|name| foreign(name)) {
            objections.push(format!(
                "{}:{number}: `{name}`: {reason}",
                file.path.display()
            ));
        }
    }
    objections
}

fn is_aya(name: &str) -> bool {
    name == "aya" || name.starts_with("aya_")
}

fn is_data_plane(path: &Path) -> bool {
    path.starts_with(DATA_PLANE) || path == Path::new(DATA_PLANE).with_extension("rs")
}

fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|name| name == "tests") || path.iter().any(|part| part == "tests")
}

/// The source with every `#[cfg(test)]` item blanked out. The code is known to
/// be formatted, so an item ends at the first line that is indented as it is
/// and closes it.
fn without_tests(source: &str) -> String {
    let mut kept = String::new();
    let mut item = None;
    for line in source.lines() {
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().starts_with("#[cfg(test)]") {
            item = Some(indent);
        } else if item.is_none() {
            kept.push_str(line);
        } else if item == Some(indent)
            && (line.ends_with(';') || line.trim_start().starts_with('}'))
        {
            item = None;
        }
        kept.push('\n');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        broken(&File {
            path: path.into(),
            text: text.into(),
        })
    }

    #[test]
    fn common_names_no_std_tokio_or_aya() {
        for (text, name) in [
            ("use std::net::IpAddr;", "std"),
            ("fn f() { tokio::spawn(g()) }", "tokio"),
            ("use aya_ebpf::maps::Array;", "aya_ebpf"),
        ] {
            let found = check("synguard-common/src/a/b.rs", &format!("//! Std.\n{text}\n"));
            assert_eq!(found.len(), 1, "{text}");
            assert!(
                found[0].starts_with(&format!("synguard-common/src/a/b.rs:2: `{name}`")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn tests_of_common_may_use_std() {
        let text = "#[cfg(test)]\nextern crate std;\n\nfn f() {}\n\n\
                    #[cfg(test)]\nmod tests {\n    use std::vec::Vec;\n\n    fn g() {}\n}\n";
        assert_eq!(check("synguard-common/src/a.rs", text), [""; 0]);
        assert_eq!(
            check("synguard-common/src/a/tests.rs", "use std::vec::Vec;"),
            [""; 0]
        );
    }

    #[test]
    fn what_follows_a_test_module_is_looked_at() {
        let text = "#[cfg(test)]\nmod tests {\n}\nuse std::net::IpAddr;\n";
        assert_eq!(check("synguard-common/src/a.rs", text).len(), 1);
    }

    #[test]
    fn common_is_no_std() {
        assert_eq!(check(COMMON_ROOT, "#![no_std]\n"), [""; 0]);
        assert!(check(COMMON_ROOT, "// no_std\n")[0].contains("must be no_std"));
    }

    #[test]
    fn one_module_of_the_benchmark_names_aya() {
        let text = "use aya::Ebpf;";
        assert_eq!(check("bench/src/wire/mod.rs", text).len(), 1);
        assert_eq!(check("bench/src/kernel/mod.rs", text), [""; 0]);
    }

    #[test]
    fn only_the_data_plane_names_aya() {
        assert_eq!(
            check("synguard/src/controller/mod.rs", "use aya::Ebpf;").len(),
            1
        );
        assert_eq!(
            check("synguard/src/main.rs", "aya_log::EbpfLogger::init();").len(),
            1
        );
        assert_eq!(
            check("synguard/src/main.rs", "// aya is elsewhere"),
            [""; 0]
        );
        assert_eq!(
            check("synguard/src/dataplane/load.rs", "use aya::Ebpf;"),
            [""; 0]
        );
        assert_eq!(
            check("synguard/src/dataplane.rs", "use aya::Ebpf;"),
            [""; 0]
        );
    }
}
