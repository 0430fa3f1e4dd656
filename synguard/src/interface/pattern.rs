//! Names of interfaces, written out or with wildcards.

use std::fmt;

/// The loopback interface, which no wildcard means.
const LOOPBACK: &str = "lo";

/// A name, or a glob: `*` stands for any characters, `?` for exactly one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(String);

impl Pattern {
    /// As it is written.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one interface's name.
    pub fn is_exact(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// Whether the interface of this name is meant.
    pub fn matches(&self, name: &str) -> bool {
        if self.is_exact() {
            return self.0 == name;
        }
        let (glob, name): (Vec<_>, Vec<_>) = (self.0.chars().collect(), name.chars().collect());
        name != LOOPBACK.chars().collect::<Vec<_>>() && fits(&glob, &name)
    }

    /// The more it says of a name, the more it is about that name.
    pub fn weight(&self) -> usize {
        if self.is_exact() {
            return usize::MAX;
        }
        self.0.chars().filter(|c| !matches!(c, '*' | '?')).count()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where what follows a star does not fit, the star takes one character more: of several
/// stars only the last needs that, so that no glob takes long.
fn fits(glob: &[char], name: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while read < name.len() {
        match glob.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(c) if *c == '?' || *c == name[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else {
                    return false;
                };
                star = Some((place, taken + 1));
                (at, read) = (place + 1, taken + 1);
            }
        }
    }
    glob[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_characters() {
        for (pattern, name, fits) in [
            ("eth0", "eth0", true),
            ("eth0", "eth00", false),
            ("veth*", "veth", true),
            ("veth*", "veth1a2b", true),
            ("veth*", "eth0", false),
            ("eth?", "eth1", true),
            ("eth?", "eth", false),
            ("eth?", "eth10", false),
            ("*.100", "eth0.100", true),
            ("e*0*1", "eth00x1", true),
            ("e*0*1", "eth00x2", false),
            ("*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaa", false),
            ("??", "ä1", true),
            ("", "", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(name),
                fits,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn the_loopback_is_meant_by_its_name_alone() {
        for (pattern, fits) in [("*", false), ("l?", false), ("lo*", false), ("lo", true)] {
            assert_eq!(Pattern::new(pattern).matches("lo"), fits, "{pattern}");
        }
    }

    #[test]
    fn what_says_more_weighs_more() {
        let mut patterns = ["eth0", "*", "eth*", "et?*"].map(Pattern::new);
        patterns.sort_by_key(Pattern::weight);
        assert_eq!(
            patterns.map(|p| p.to_string()),
            ["*", "et?*", "eth*", "eth0"]
        );
    }
}
