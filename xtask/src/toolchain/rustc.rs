//! What a compiler says of itself.

/// The LLVM that our bpf-linker is built with. It reads what the compiler
/// writes, so the compiler's own LLVM must not be newer.
pub const LLVM: u32 = 22;

/// The oldest Debian compiler that builds this workspace (its `rust-version`).
const OLDEST: (u32, u32) = (1, 95);

/// Whether the compiler that printed this (`rustc -vV`) can be used.
pub fn is_usable(version: &str) -> bool {
    let release = field(version, "release: ").and_then(major_minor);
    let llvm = field(version, "LLVM version: ").and_then(major_minor);
    release.is_some_and(is_new_enough) && llvm.is_some_and(|(major, _)| major <= LLVM)
}

/// Whether a package of this Debian version holds a compiler that is new
/// enough.
pub fn is_package_usable(version: &str) -> bool {
    major_minor(version).is_some_and(is_new_enough)
}

fn is_new_enough(release: (u32, u32)) -> bool {
    release >= OLDEST
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compilers() {
        for (release, llvm, expected) in [
            ("1.96.0", "22.1.8", true),
            ("1.95.0", "21.1.0", true),
            ("1.97.0-nightly", "22.1.8", true),
            ("1.85.0", "19.1.7", false),
            ("1.98.0", "23.1.0", false),
            ("new", "22.1.8", false),
        ] {
            let version = format!("rustc {release}\nrelease: {release}\nLLVM version: {llvm}\n");
            assert_eq!(is_usable(&version), expected, "{release} with LLVM {llvm}");
        }
        assert!(!is_usable(""));
    }

    #[test]
    fn packages() {
        assert!(is_package_usable("1.96.0+dfsg1-1~deb12u2"));
        assert!(!is_package_usable("1.85.0+dfsg3-1~deb12u3"));
        assert!(!is_package_usable(""));
    }
}
