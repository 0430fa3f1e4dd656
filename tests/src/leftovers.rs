//! What a killed lab leaves on the machine: the folder with its services'
//! files, and no more. The next lab removes it.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::Result;

/// Every temporary folder of a lab is named so, with the process id behind it.
pub(crate) const FOLDER_PREFIX: &str = "synguard-lab-";

/// Removes the folders of labs whose process is gone.
pub fn sweep() -> Result<()> {
    for entry in fs::read_dir(env::temp_dir())?.flatten() {
        let name = entry.file_name();
        if name.to_str().and_then(owner).is_some_and(is_gone) {
            // Another lab may be sweeping as well.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

fn owner(folder: &str) -> Option<u32> {
    let (process, _random) = folder.strip_prefix(FOLDER_PREFIX)?.split_once('-')?;
    process.parse().ok()
}

fn is_gone(process: u32) -> bool {
    !Path::new(&format!("/proc/{process}")).exists()
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn only_a_labs_folder_has_an_owner() {
        assert_eq!(owner("synguard-lab-4194304-Xy"), Some(4_194_304));
        assert_eq!(owner("synguard-lab-"), None);
        assert_eq!(owner("systemd-private"), None);
    }
}
