//! The kernels that are tested on.

use anyhow::{Context as _, Result};

use crate::apt;

/// A kernel that a Debian release brings.
#[derive(Debug)]
pub struct Release {
    /// How a person calls it.
    pub name: &'static str,
    /// The metapackage that depends on the newest version.
    metapackage: &'static str,
    /// How the package's name begins; what follows changes with each update.
    prefix: &'static str,
}

/// Oldest first.
pub const RELEASES: [Release; 2] = [
    Release {
        name: "Debian 12's kernel",
        metapackage: "linux-image-amd64",
        prefix: "linux-image-6.1.",
    },
    Release {
        // Debian 12 has it too, as a security update.
        name: "Debian 13's kernel",
        metapackage: "linux-image-6.12-amd64",
        prefix: "linux-image-6.12.",
    },
];

/// One version of a kernel, as apt offers it today.
#[derive(Debug)]
pub struct Package {
    /// Its name in Debian.
    pub name: String,
    /// Debian's version of it, with the security updates that the name hides.
    pub version: String,
}

impl Package {
    /// What `uname -r` says on it.
    pub fn uname(&self) -> &str {
        self.name.strip_prefix("linux-image-").unwrap_or(&self.name)
    }
}

impl Release {
    /// Asks apt's lists for the newest version.
    pub fn resolve(&self) -> Result<Package> {
        let name = self.pick(apt::dependencies(self.metapackage));
        let name = name.with_context(|| {
            format!(
                "apt knows no {}*: `{}` does not depend on one",
                self.prefix, self.metapackage
            )
        })?;
        let version = apt::candidate(&name).with_context(|| format!("apt offers no {name}"))?;
        Ok(Package { name, version })
    }

    fn pick(&self, dependencies: Vec<String>) -> Option<String> {
        let mut names = dependencies.into_iter();
        names.find(|name| name.starts_with(self.prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_of_another_series_is_not_taken() {
        let [twelve, thirteen] = &RELEASES;
        let name = || vec!["linux-image-6.12.9+deb12-amd64".to_owned()];
        assert_eq!(twelve.pick(name()), None);
        assert_eq!(thirteen.pick(name()), Some(name().remove(0)));
    }

    #[test]
    fn the_kernel_calls_itself_as_its_package_is_called() {
        let package = Package {
            name: "linux-image-6.1.0-56-amd64".into(),
            version: "6.1.192-2".into(),
        };
        assert_eq!(package.uname(), "6.1.0-56-amd64");
    }
}
