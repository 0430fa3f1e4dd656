//! Puts a built file where others look for it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Copies `from` to `to` in one step. A file that would not change keeps its
/// time, so cargo does not build again what includes it.
pub fn publish(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = to.parent().context("a published file lies in a folder")?;
    // A reader sees the old file or the new one, never half of it.
    let draft = to.with_extension(format!("{}.draft", std::process::id()));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&draft, bytes))
        .and_then(|()| fs::rename(&draft, to))
        .with_context(|| format!("{} cannot be written", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn modified(path: &Path) -> SystemTime {
        fs::metadata(path)
            .and_then(|file| file.modified())
            .expect("it is there")
    }

    #[test]
    fn only_a_change_touches_the_file() {
        let folder = std::env::temp_dir().join(format!("xtask-publish-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        let (from, to) = (folder.join("from"), folder.join("below/to.bpf.o"));

        fs::write(&from, "one").expect("it can be written");
        publish(&from, &to).expect("the first time");
        let first = modified(&to);
        publish(&from, &to).expect("the second time");
        assert_eq!(modified(&to), first);

        fs::write(&from, "two").expect("it can be written");
        publish(&from, &to).expect("the third time");
        assert_eq!(fs::read_to_string(&to).expect("it is there"), "two");
        let files = fs::read_dir(folder.join("below"))
            .expect("it is there")
            .count();
        assert_eq!(files, 1, "no draft stays behind");
        fs::remove_dir_all(&folder).expect("it is ours");
    }
}
