//! Reading a file strictly, and by no more than a line at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read as _, Seek as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use ipnet::IpNet;

use super::Kind;
use super::line::{FORMAT, Header, LONGEST, Line, PREFIXES, VERSION};
use crate::lists;

/// Why a file cannot be used, in words for people.
pub(super) type Fault = String;

/// A file, as far as it was read.
#[derive(Debug)]
pub(super) struct Reader<R> {
    lines: R,
    number: u64,
    pub(super) header: Header,
    lists: Vec<String>,
}

/// Opens the file that somebody with root's rights alone can have written.
pub(super) fn open(path: &Path) -> io::Result<Result<File, Fault>> {
    let mut options = File::options();
    // Neither a link to elsewhere nor a pipe that nobody writes.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match options.read(true).custom_flags(flags).open(path) {
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Ok(Err("it is a symbolic link".to_owned()));
        }
        file => file?,
    };
    let facts = file.metadata()?;
    let owner = rustix::process::geteuid().as_raw();
    Ok(if !facts.is_file() {
        Err("it is no file".to_owned())
    } else if facts.uid() != owner {
        Err(format!(
            "it belongs to user {}, not to {owner}",
            facts.uid()
        ))
    } else if facts.mode() & 0o022 != 0 {
        Err("others than its owner can write to it".to_owned())
    } else {
        Ok(file)
    })
}

/// Looks at every line of a file, and gives it ready to be read again.
pub(super) fn checked(
    mut file: File,
    kind: Kind,
    interface: &str,
) -> io::Result<Result<Reader<BufReader<File>>, Fault>> {
    let outcome =
        Reader::begin(BufReader::new(&file), kind, interface).and_then(|reader| reader.check());
    if let Err(fault) = outcome {
        return match fault {
            Wrong::Unreadable(error) => Err(error),
            Wrong::Damaged(fault) => Ok(Err(fault)),
        };
    }
    file.rewind()?;
    match Reader::begin(BufReader::new(file), kind, interface) {
        Ok(reader) => Ok(Ok(reader)),
        Err(Wrong::Unreadable(error)) => Err(error),
        Err(Wrong::Damaged(fault)) => Ok(Err(fault)),
    }
}

/// What is wrong with a file.
#[derive(Debug)]
pub(super) enum Wrong {
    /// The disk, for example.
    Unreadable(io::Error),
    Damaged(Fault),
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    pub(super) fn begin(mut lines: R, kind: Kind, interface: &str) -> Result<Self, Wrong> {
        let first = next_line(&mut lines, 1)?;
        let header = match first {
            Some(Line::Header(header)) => header,
            Some(_) => return Err(damaged(1, "no header")),
            None => return Err(Wrong::Damaged("it is empty".to_owned())),
        };
        if header.format != FORMAT || header.kind != kind {
            return Err(damaged(1, "it is a file of another kind"));
        }
        if header.version != VERSION {
            let said = format!("version {}, this build knows {VERSION}", header.version);
            return Err(damaged(1, &said));
        }
        if header.interface != interface {
            return Err(damaged(1, &format!("it is of {}", header.interface)));
        }
        Ok(Self {
            lines,
            number: 1,
            header,
            lists: Vec::new(),
        })
    }

    /// The next line after the header; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Wrong> {
        let number = self.number + 1;
        let Some(line) = next_line(&mut self.lines, number)? else {
            let there = self.number - 1;
            if there < self.header.lines {
                let said = format!("it ends after {there} of {} lines", self.header.lines);
                return Err(Wrong::Damaged(said));
            }
            return Ok(None);
        };
        if number - 1 > self.header.lines {
            return Err(damaged(number, "more lines than the header says"));
        }
        self.number = number;
        self.objection(&line)
            .map_or(Ok(Some(line)), |said| Err(damaged(number, said)))
    }

    fn check(mut self) -> Result<(), Wrong> {
        while self.next()?.is_some() {}
        Ok(())
    }

    /// What makes no sense, beyond what JSON tells.
    fn objection(&mut self, line: &Line) -> Option<&'static str> {
        let of = match line {
            Line::Ban(_) | Line::Offences(_) => Kind::Bans,
            Line::List(_) | Line::Rule(_) | Line::Prefixes(_) => Kind::Rules,
            Line::Header(_) => return Some("a second header"),
        };
        if of != self.header.kind {
            return Some("it belongs in another file");
        }
        match line {
            Line::Ban(ban) if !is_prefix(&ban.source) => Some(NO_PREFIX),
            Line::Offences(offender) if !is_prefix(&offender.source) => Some(NO_PREFIX),
            Line::Rule(said) if !is_prefix(&said.prefix) => Some(NO_PREFIX),
            Line::Prefixes(some) if !some.prefixes.iter().all(is_prefix) => Some(NO_PREFIX),
            Line::Prefixes(some) if some.prefixes.len() > PREFIXES || some.lists.is_empty() => {
                Some("prefixes of no list, or too many")
            }
            Line::Prefixes(some) => self.unknown(&some.lists),
            Line::Rule(said) => self.unknown(&said.lists),
            Line::List(list) => {
                if lists::parse_name(&list.name).is_err() || self.lists.contains(&list.name) {
                    return Some("a list with such a name there cannot be");
                }
                self.lists.push(list.name.clone());
                (self.lists.len() > lists::MOST).then_some("more lists than there can be")
            }
            _ => None,
        }
    }

    fn unknown(&self, names: &[String]) -> Option<&'static str> {
        let known = names.iter().all(|name| self.lists.contains(name));
        (!known).then_some("it names a list that there is not")
    }
}

const NO_PREFIX: &str = "bits are set beyond a prefix, or it is everything";

fn is_prefix(net: &IpNet) -> bool {
    net.addr() == net.network() && net.prefix_len() > 0
}

fn next_line(lines: &mut impl BufRead, number: u64) -> Result<Option<Line>, Wrong> {
    let mut bytes = Vec::new();
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    let read = lines.take(most).read_until(b'\n', &mut bytes);
    match read {
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            Err(Wrong::Damaged("it is a folder".to_owned()))
        }
        Err(error) => Err(Wrong::Unreadable(error)),
        Ok(0) => Ok(None),
        Ok(_) if bytes.pop() != Some(b'\n') => Err(damaged(number, "it is cut off, or too long")),
        Ok(_) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| damaged(number, &error.to_string())),
    }
}

fn damaged(number: u64, what: &str) -> Wrong {
    Wrong::Damaged(format!("line {number}: {what}"))
}
