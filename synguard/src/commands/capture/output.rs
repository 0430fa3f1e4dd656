//! Where captured packets go. Written on a thread of its own: a reader that pauses
//! shall neither end the capture's lease nor keep Ctrl-C from ending it.

use std::fs::File;
use std::io::{self, ErrorKind, Write, stdout};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::STANDARD_OUTPUT;
use crate::error::Context as _;
use crate::{Error, Result};

/// Packets that wait for a slow reader.
const WAITING: usize = 4096;
/// How long a reader that does not read is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A file or standard output.
pub(super) struct Output {
    name: String,
    file: OwnedFd,
    sender: Option<SyncSender<Vec<u8>>>,
    /// How writing ended.
    ended: oneshot::Receiver<io::Result<()>>,
    result: Option<io::Result<()>>,
}

impl Output {
    /// A new file; without a name, or with `-`, standard output.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] where the file is there already or cannot be made.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let (name, file) = match path.filter(|path| *path != Path::new(STANDARD_OUTPUT)) {
            Some(path) => (path.display().to_string(), create(path)?),
            None => {
                let file = stdout().as_fd().try_clone_to_owned();
                let file = file.context("opening standard output")?;
                ("standard output".to_owned(), File::from(file))
            }
        };
        let watched = file.as_fd().try_clone_to_owned();
        let watched = watched.context(format!("opening {name}"))?;
        let (sender, receiver) = sync_channel(WAITING);
        let (tell, ended) = oneshot::channel();
        thread::spawn(move || {
            // Nobody listens where the capture has ended before.
            let _ = tell.send(write_all(file, &receiver));
        });
        Ok(Self {
            name,
            file: watched,
            sender: Some(sender),
            ended,
            result: None,
        })
    }

    /// Lets it be written; says whether it will be, as too much may be waiting.
    pub(super) fn offer(&mut self, bytes: Vec<u8>) -> bool {
        let sender = self.sender.as_ref();
        sender.is_some_and(|sender| sender.try_send(bytes).is_ok())
    }

    /// Waits until nothing can be written any more.
    pub(super) async fn ended(&mut self) {
        // A thread that is gone has nothing to say.
        let result = (&mut self.ended).await.unwrap_or(Ok(()));
        self.result = Some(result);
    }

    /// Whether the other end of a pipe is closed, which writing would only tell with the
    /// next packet.
    pub(super) fn has_no_reader(&self) -> bool {
        let mut watched = [PollFd::new(&self.file, PollFlags::empty())];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut watched, Some(&now)).is_ok_and(|_| {
            let [watched] = &watched;
            watched
                .revents()
                .intersects(PollFlags::ERR | PollFlags::HUP)
        })
    }

    /// Waits until all is written, but not for a reader that does not read.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where it could not be; a reader that has seen enough is none.
    pub(super) async fn finish(mut self) -> Result<()> {
        self.sender = None;
        if self.result.is_none() {
            let _ = timeout(PATIENCE, self.ended()).await;
        }
        match self.result {
            Some(Err(error)) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).context(format!("writing to {}", self.name))
            }
            _ => Ok(()),
        }
    }
}

fn create(path: &Path) -> Result<File> {
    let mut options = File::options();
    // A pipe or a device that is there is meant to be written to.
    let is_special = path.metadata().is_ok_and(|facts| !facts.is_file());
    options.write(true).create_new(!is_special).mode(0o600);
    if is_special {
        // A pipe that nobody reads would be waited for, by Ctrl-C too.
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path).map_err(|error| {
        let name = path.display();
        Error::Usage(match error.kind() {
            ErrorKind::AlreadyExists => {
                format!("{name} is there already: give -w another name, or remove it")
            }
            _ if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                format!("nobody reads {name}: start the reader first")
            }
            _ => format!("{name} cannot be written: {error}"),
        })
    })?;
    if is_special {
        fcntl_setfl(&file, OFlags::empty()).context(format!("opening {}", path.display()))?;
    }
    Ok(file)
}

fn write_all(mut file: File, packets: &Receiver<Vec<u8>>) -> io::Result<()> {
    while let Ok(bytes) = packets.recv() {
        file.write_all(&bytes)?;
    }
    Ok(())
}
