//! The test binary that runs in the guests. It is built here: the guests are
//! slow, and have the same libraries.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::workspace::Workspace;
use crate::{cargo, process};

const NAME: &str = "kernel";

/// Builds it, and says where it is.
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    let mut command = cargo::host(workspace, "test");
    command
        .args(["--release", "--package", "synguard-tests", "--test", NAME])
        .args(["--no-run", "--message-format", "json"]);
    let messages = process::read(&mut command)?;
    find(&messages).with_context(|| format!("cargo does not say where the test `{NAME}` is"))
}

fn find(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == NAME)
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_of_the_right_target_is_found() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"demo"},"executable":"/a"}
{"reason":"compiler-artifact","target":{"name":"kernel"},"executable":"/b"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(find(messages), Some(PathBuf::from("/b")));
        assert_eq!(find(""), None);
    }
}
