//! What `ipset save` prints and `ipset restore` reads.

use std::collections::BTreeMap;
use std::time::Duration;

use super::hint::shown;
use super::lines::{Line, Progress, lines};
use super::list::List;

pub(super) fn read(text: &[u8], list: &mut List, progress: &mut Progress<'_>) {
    let mut sets = BTreeMap::new();
    for line in lines(text) {
        progress.at(line.start);
        if line.is_silent() {
            continue;
        }
        if let Err(what) = read_line(&line, &mut sets, list) {
            list.refuse(line.number, what);
        }
    }
}

/// What `create` says about a set. One that was created elsewhere has the default.
#[derive(Default)]
struct Set {
    members: Members,
    timeout: Option<Duration>,
    /// Members stand for networks of this length.
    netmask: Option<u8>,
}

#[derive(Default)]
enum Members {
    #[default]
    Addresses,
    /// They are not addresses, for this reason.
    Refused(String),
    /// They are not addresses, and that was said.
    Skipped,
}

fn read_line<'a>(
    line: &Line<'a>,
    sets: &mut BTreeMap<&'a [u8], Set>,
    list: &mut List,
) -> Result<(), String> {
    let mut words = Words { rest: line.text };
    let command = words.next().unwrap_or(b"");
    // Options such as `-exist` may stand anywhere.
    let mut words = words.filter(|word| !word.starts_with(b"-"));
    match command {
        b"create" | b"new" | b"n" | b"-N" => {
            let name = words.next().ok_or("the name of the set is missing")?;
            sets.insert(name, Set::created(words)?);
            Ok(())
        }
        b"add" | b"-A" => {
            let name = words.next().ok_or("the name of the set is missing")?;
            let set = sets.entry(name).or_default();
            let member = words.next().ok_or("the member to add is missing")?;
            set.add(line.number, member, words, list)
        }
        b"del" | b"-D" => Err("del takes a member away again: save the set as it is now".into()),
        // A file that fills a set flushes it before and swaps it after: neither
        // changes what is to be in it.
        b"COMMIT" | b"flush" | b"-F" | b"destroy" | b"-X" | b"swap" | b"-W" | b"rename" | b"-E" => {
            Ok(())
        }
        _ => Err(format!("{} is no command of ipset", shown(command))),
    }
}

impl Set {
    fn created<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> Result<Self, String> {
        let kind = words.next().ok_or("the type of the set is missing")?;
        let mut set = Self {
            members: Members::of(kind),
            ..Self::default()
        };
        while let Some(word) = words.next() {
            match word {
                b"timeout" => set.timeout = seconds(words.next())?,
                b"netmask" => set.netmask = Some(number(words.next())?),
                b"bitmask" => {
                    set.members = Members::Refused("a set with a bitmask has no prefixes".into());
                }
                // The others are about memory and counters.
                _ => (),
            }
        }
        Ok(set)
    }

    fn add<'a>(
        &mut self,
        line: u64,
        member: &[u8],
        mut options: impl Iterator<Item = &'a [u8]>,
        list: &mut List,
    ) -> Result<(), String> {
        if !matches!(self.members, Members::Addresses) {
            return self.members.refuse();
        }
        let mut lasting = self.timeout;
        while let Some(option) = options.next() {
            match option {
                b"timeout" => lasting = seconds(options.next())?,
                b"nomatch" => return Err(exception(member)),
                b"comment" => check_quotes(options.next())?,
                b"packets" | b"bytes" | b"skbmark" | b"skbprio" | b"skbqueue" => {
                    options.next();
                }
                _ => return Err(format!("{} is no option of a member", shown(option))),
            }
        }
        match self.netmask {
            None => list.add(member, lasting, line),
            Some(length) => {
                let net = [member, b"/", length.to_string().as_bytes()].concat();
                list.add(&net, lasting, line);
            }
        }
        Ok(())
    }
}

impl Members {
    fn of(kind: &[u8]) -> Self {
        match kind {
            b"hash:ip" | b"hash:net" | b"bitmap:ip" => Self::Addresses,
            b"list:set" => Self::Refused(
                "the members of a list:set are sets: save those sets, each by its name".into(),
            ),
            _ => Self::Refused(format!(
                "the members of a {} are more than addresses: only hash:ip and hash:net can be read",
                shown(kind)
            )),
        }
    }

    /// Says once for a set why its members are not read.
    fn refuse(&mut self) -> Result<(), String> {
        match std::mem::replace(self, Self::Skipped) {
            Self::Refused(why) => Err(why),
            Self::Addresses | Self::Skipped => Ok(()),
        }
    }
}

fn exception(member: &[u8]) -> String {
    let member = shown(member);
    format!("nomatch makes an exception: take the line out and use `synguard allow {member}`")
}

/// A time as ipset writes it: zero is no end.
fn seconds(word: Option<&[u8]>) -> Result<Option<Duration>, String> {
    let seconds = number(word)?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}

fn number<T: std::str::FromStr>(word: Option<&[u8]>) -> Result<T, String> {
    let word = word.ok_or("a number is missing at the end")?;
    (std::str::from_utf8(word).ok())
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| format!("{} is no number that fits here", shown(word)))
}

fn check_quotes(comment: Option<&[u8]>) -> Result<(), String> {
    let comment = comment.ok_or("the comment is missing at the end")?;
    let opened = comment.starts_with(b"\"");
    if opened && (comment.len() == 1 || !comment.ends_with(b"\"")) {
        return Err("the comment has no closing quote".to_owned());
    }
    Ok(())
}

/// Words up to a comment; a text in quotes is one of them, with its quotes.
struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.trim_ascii_start();
        let length = match text.first()? {
            b'#' => return None,
            b'"' => (text.iter().skip(1).position(|byte| *byte == b'"')).map(|at| at + 2),
            _ => text.iter().position(u8::is_ascii_whitespace),
        };
        let (word, rest) = text.split_at(length.unwrap_or(text.len()));
        self.rest = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_bad, read};

    /// As ipset 7.17 printed it.
    const SAVED: &str = "\
create a hash:ip family inet hashsize 1024 maxelem 65536 timeout 300 comment bucketsize 12 initval 0x4408e84a
add a 1.2.3.8 timeout 0
add a 1.2.3.4 timeout 99 comment \"x # y\"
create b hash:net family inet6 hashsize 1024 maxelem 65536 bucketsize 12 initval 0x3291f18e
add b 2001:db8::/32
create c hash:net family inet hashsize 1024 maxelem 65536 counters bucketsize 12 initval 0x705bcf55
add c 9.2.3.0/24 packets 3 bytes 4
add c 128.0.0.0/1 packets 0 bytes 0
create bm bitmap:ip range 192.168.0.0-192.168.0.255
add bm 192.168.0.3
create q hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x2c76cb95
create s hash:ip family inet hashsize 1024 maxelem 65536 netmask 24 skbinfo bucketsize 12 initval 0x3355a65d
add s 7.7.7.0 skbmark 0x1
";

    #[test]
    fn what_ipset_saves_is_read() {
        assert_eq!(
            read(SAVED),
            [
                "1.2.3.4/32 line 3 for 1m 39s",
                "1.2.3.8/32 line 2",
                "7.7.7.0/24 line 13",
                "9.2.3.0/24 line 7",
                "128.0.0.0/1 line 8",
                "192.168.0.3/32 line 10",
                "2001:db8::/32 line 5",
            ]
        );
    }

    #[test]
    fn what_people_write_for_ipset_is_read() {
        let text = "# ours\ncreate x hash:ip timeout 60 -exist\nflush x\n\n\
                    add x 192.0.2.4-192.0.2.7 # the lab\r\n-A x 192.0.2.9 timeout 0\n\
                    add -exist y 198.51.100.0/24 comment unquoted\nswap x y\ndestroy x\nCOMMIT\n";
        assert_eq!(
            read(text),
            [
                "192.0.2.4/30 line 5 for 1m",
                "192.0.2.9/32 line 6",
                "198.51.100.0/24 line 7"
            ]
        );
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = "add x 9.9.9.9 nomatch\nadd x\nadd x 192.0.2.1 timeout soon\n\
                    add x 192.0.2.1 until tomorrow\nadd x 192.0.2.1/24\nadd x example.org\n\
                    add x 192.0.2.1 comment \"open\ndel x 192.0.2.1\n192.0.2.1\n";
        assert_bad(
            text,
            &[
                (1, "`synguard allow 9.9.9.9`"),
                (2, "member to add is missing"),
                (3, "soon is no number"),
                (4, "until is no option"),
                (5, "192.0.2.0/24"),
                (6, "is a name"),
                (7, "closing quote"),
                (8, "save the set as it is now"),
                (9, "192.0.2.1 is no command"),
            ],
        );
    }

    #[test]
    fn sets_of_something_else_are_refused_once_if_they_have_members() {
        let text = "create q hash:ip,port family inet\nadd q 192.0.2.1,tcp:80\n\
                    add q 192.0.2.2,tcp:80\ncreate l list:set size 8\nadd l q\nadd l r\n\
                    create m hash:ip bitmask 255.0.255.0\nadd m 192.0.2.0\n\
                    create n hash:ip netmask 999\n";
        assert_bad(
            text,
            &[
                (2, "hash:ip,port"),
                (5, "list:set"),
                (8, "bitmask"),
                (9, "999"),
            ],
        );
    }
}
