//! The thread that writes events down: a disk that is full, or a reader that hangs, keeps
//! nobody else waiting.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use tracing::{info, warn};

use super::Destination;
use super::record::Told;
use crate::Result;
use crate::error::Context as _;
use crate::metrics::process;

/// Events that wait for a slow disk or reader. What does not fit is not written.
const WAITING: usize = 1024;
/// How long the end of the controller waits for it.
const PATIENCE: Duration = Duration::from_secs(2);
/// For whom it is: its owner, and the group that may read logs.
const MODE: u32 = 0o640;

/// Takes events, and never keeps anybody waiting.
pub(super) struct Writer {
    sender: SyncSender<Message>,
    shared: Arc<Shared>,
    /// Closed when all is written.
    done: Receiver<()>,
}

enum Message {
    Line(String),
    /// Look whether the file is to be opened anew.
    Wake,
}

#[derive(Default)]
struct Shared {
    /// The file may have been moved.
    moved: AtomicBool,
    /// Events that did not fit since this was last said.
    lost: AtomicU64,
}

impl Writer {
    /// Begins to write there; nothing where that is nowhere.
    ///
    /// # Errors
    ///
    /// Where a file cannot be opened.
    pub(super) fn start(destination: &Destination) -> Result<Option<Self>> {
        let output = match destination {
            Destination::Off => return Ok(None),
            // Opening one waits for its reader.
            Destination::File(path) if is_fifo(path) => None,
            _ => Some(open(destination).context(format!("opening {}", name(destination)))?),
        };
        let (sender, receiver) = sync_channel(WAITING);
        let (tell, done) = channel();
        let shared = Arc::new(Shared::default());
        let mut written = Written {
            destination: destination.clone(),
            output,
            torn: false,
            fails: false,
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || written.write_all(&receiver, tell));
        Ok(Some(Self {
            sender,
            shared,
            done,
        }))
    }

    /// Has an event written.
    pub(super) fn put(&self, told: &Told) {
        let line = Message::Line(format!("{}\n", told.line));
        if self.sender.try_send(line).is_err() {
            process().events_dropped.add(1);
            if self.shared.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                warn!("events come faster than they are taken: some are not written");
            }
        }
    }

    /// Has the file opened anew, before the next event at the latest.
    pub(super) fn reopen(&self) {
        self.shared.moved.store(true, Ordering::Relaxed);
        // One that does not fit in is not needed: events wait before it.
        let _ = self.sender.try_send(Message::Wake);
    }

    /// Ends it, and waits a while until all is written.
    pub(super) fn finish(self) {
        drop(self.sender);
        // Nothing is ever sent: it ends when the thread does.
        let _ = self.done.recv_timeout(PATIENCE);
    }
}

fn is_same(one: &File, other: &File) -> bool {
    let identity = |file: &File| file.metadata().map(|facts| (facts.dev(), facts.ino()));
    matches!((identity(one), identity(other)), (Ok(one), Ok(other)) if one == other)
}

/// The thread's own.
struct Written {
    destination: Destination,
    output: Option<File>,
    /// Whether a line broke off in the middle.
    torn: bool,
    fails: bool,
    shared: Arc<Shared>,
}

impl Written {
    fn write_all(&mut self, messages: &Receiver<Message>, _tell: Sender<()>) {
        while let Ok(message) = messages.recv() {
            if self.shared.moved.swap(false, Ordering::Relaxed) {
                self.open_anew();
            }
            if let Message::Line(line) = message {
                let written = self.write(&line);
                self.account(written);
            }
        }
    }

    /// Where that fails, it goes on with the file that it has.
    fn open_anew(&mut self) {
        match open(&self.destination) {
            Ok(output) => {
                let same = self
                    .output
                    .as_ref()
                    .is_some_and(|old| is_same(old, &output));
                self.torn &= same;
                self.output = Some(output);
            }
            Err(failure) => warn!(
                "{} cannot be opened anew for events: {failure}",
                name(&self.destination)
            ),
        }
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        let output = match &mut self.output {
            Some(output) => output,
            none => none.insert(open(&self.destination)?),
        };
        if self.torn {
            output.write_all(b"\n")?;
            self.torn = false;
        }
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match output.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    rest = &rest[count..];
                    self.torn = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Counts, and says what is news.
    fn account(&mut self, written: io::Result<()>) {
        let name = name(&self.destination);
        let count = match &written {
            Ok(()) => &process().events_written,
            Err(_) => &process().events_dropped,
        };
        count.add(1);
        match &written {
            Err(error) if !self.fails => {
                warn!("events cannot be written to {name}: {error}; filtering goes on without");
            }
            Ok(()) if self.fails => info!("events are written to {name} again"),
            _ => {}
        }
        self.fails = written.is_err();
        if let Err(error) = written
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            // A new reader of a pipe with a name.
            self.output = None;
        }
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            warn!("{lost} events were not written to {name}");
        }
    }
}

fn open(destination: &Destination) -> io::Result<File> {
    match destination {
        Destination::File(path) => File::options()
            .append(true)
            .create(true)
            .mode(MODE)
            .open(path),
        _ => Ok(io::stdout().as_fd().try_clone_to_owned()?.into()),
    }
}

fn is_fifo(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo())
}

fn name(destination: &Destination) -> String {
    match destination {
        Destination::File(path) => path.display().to_string(),
        _ => "standard output".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn told(line: &str) -> Told {
        Told {
            line: line.to_owned(),
            variables: Vec::new(),
        }
    }

    fn writer(path: &Path) -> Writer {
        let destination = Destination::File(path.to_owned());
        Writer::start(&destination).unwrap().unwrap()
    }

    #[test]
    fn lines_are_appended_for_those_who_may_read_logs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        for line in ["1", "2"] {
            let writer = writer(&path);
            writer.put(&told(line));
            writer.finish();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2\n");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777 & !MODE, 0, "{mode:o}");
    }

    #[test]
    fn a_file_that_was_moved_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("events"), folder.path().join("events.1"));
        let writer = writer(&path);
        writer.put(&told("1"));
        while fs::read_to_string(&path).unwrap().is_empty() {
            thread::yield_now();
        }
        fs::rename(&path, &moved).unwrap();
        writer.reopen();
        writer.put(&told("2"));
        writer.finish();
        assert_eq!(fs::read_to_string(&moved).unwrap(), "1\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
    }

    #[test]
    fn what_cannot_be_opened_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let destination = Destination::File(folder.path().to_owned());
        let error = Writer::start(&destination).err().unwrap().to_string();
        assert!(error.contains(&name(&destination)), "{error}");
    }

    #[test]
    fn a_reader_that_hangs_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            &path,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        )
        .unwrap();
        let writer = writer(&path);
        // One may be in the thread's hands.
        for number in 0..WAITING + 5 {
            writer.put(&told(&number.to_string()));
        }
        assert!(writer.shared.lost.load(Ordering::Relaxed) >= 4);
        let reader = thread::spawn(move || fs::read_to_string(path).unwrap());
        writer.finish();
        let read = reader.join().unwrap();
        assert!(read.lines().count() >= WAITING, "{}", read.lines().count());
    }
}
