//! Words that must not stand in a repository that others read and build.

use std::path::Path;

use super::code_view::code_view;
use super::files::File;

/// Marks of work that is not done.
const UNFINISHED: [&str; 3] = ["todo!(", "unimplemented!(", "#[ignore"];

/// Top folders of the machines that this was written on.
const MACHINES: [&str; 2] = ["work", "farm"];

/// The words that should not be there, one sentence each.
pub fn broken(file: &File, root: &Path) -> Vec<String> {
    let mut broken = machine_paths(file, root);
    if file
        .path
        .extension()
        .is_some_and(|extension| extension == "rs")
    {
        broken.extend(unfinished(file));
    }
    broken
}

fn unfinished(file: &File) -> Vec<String> {
    find_lines(file, &code_view(&file.text), |line| {
        let word = UNFINISHED.iter().find(|word| line.contains(**word))?;
        Some(format!(
            "`{word}`: what is here is finished, and every test runs"
        ))
    })
}

fn machine_paths(file: &File, root: &Path) -> Vec<String> {
    let mut prefixes: Vec<_> = MACHINES.iter().map(|name| format!("/{name}/")).collect();
    // A clone right below the root has a name that may mean anything.
    if root.components().count() > 2 {
        prefixes.push(format!("{}/", root.display()));
    }
    find_lines(file, &file.text, |line| {
        let prefix = prefixes.iter().find(|prefix| begins_a_path(line, prefix))?;
        Some(format!(
            "`{prefix}`: a path of one machine; make it relative to the repository"
        ))
    })
}

fn begins_a_path(line: &str, prefix: &str) -> bool {
    line.match_indices(prefix).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-/~}".contains(c))
    })
}

fn find_lines(file: &File, text: &str, objection: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(objection) = objection(line) {
            found.push(format!("{}:{number}: {objection}", file.path.display()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.into(),
            text: text.into(),
        };
        broken(&file, Path::new("/home/me/synguard"))
    }

    #[test]
    fn unfinished_code_is_found_and_talk_of_it_is_not() {
        for code in UNFINISHED {
            assert_eq!(
                check("a.rs", &format!("fn f() {{ {code}x }}")).len(),
                1,
                "{code}"
            );
            assert_eq!(check("a.rs", &format!("// {code}")), [""; 0]);
            assert_eq!(check("a.md", code), [""; 0]);
        }
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let [work, farm] = MACHINES.map(|name| format!("/{name}/x"));
        for text in [
            &work,
            &format!("cd {farm}"),
            "include \"/home/me/synguard/a\"",
        ] {
            assert_eq!(check(".ci/run", text).len(), 1, "{text}");
        }
        for text in [
            &format!("https://example.org{work}"),
            &format!("$HOME{work}"),
            "/home/you/synguard/",
        ] {
            assert_eq!(check("README.md", text), [""; 0], "{text}");
        }
    }
}
