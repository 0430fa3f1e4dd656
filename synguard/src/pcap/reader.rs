//! Reading a capture, whatever its format.

use std::io::Read;

use super::classic::{Classic, unreadable};
use super::damage::{Damage, Unreadable};
use super::frame::Frame;
use super::link::Link;
use super::magic::{Format, recognise};
use super::next_generation::NextGeneration;
use super::window::Window;

/// An interface that packets were captured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// As the capture calls it.
    pub name: Option<String>,
    /// The form of its packets.
    pub link: Link,
    /// Packets so far.
    pub packets: u64,
}

/// A capture, read from its beginning to its end.
pub struct Reader<R> {
    window: Window<R>,
    kind: Kind,
    packets: u64,
    /// The length of the record that was given last.
    given: usize,
}

enum Kind {
    Classic(Classic),
    NextGeneration(NextGeneration),
}

impl<R: Read> Reader<R> {
    /// Reads a capture's beginning.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] where it is none, and what it is instead.
    pub fn open(stream: R) -> Result<Self, Unreadable> {
        let mut window = Window::new(stream);
        let kind = match recognise(window.peek(12).map_err(unreadable)?)? {
            Format::Classic => Kind::Classic(Classic::open(&mut window)?),
            Format::NextGeneration => Kind::NextGeneration(NextGeneration::default()),
        };
        Ok(Self {
            window,
            kind,
            packets: 0,
            given: 0,
        })
    }

    /// The next packet; nothing at the end.
    ///
    /// # Errors
    ///
    /// [`Damage`], at which reading ends.
    pub fn read(&mut self) -> Result<Option<Frame<'_>>, Damage> {
        self.window.advance(std::mem::take(&mut self.given));
        let brought = match &mut self.kind {
            Kind::Classic(file) => file.bring(&mut self.window),
            Kind::NextGeneration(file) => file.bring(&mut self.window),
        };
        let (packet, offset) = (self.packets + 1, self.window.offset());
        let damage = |why| Damage {
            packet,
            offset,
            why,
        };
        let Some(len) = brought.map_err(damage)? else {
            return Ok(None);
        };
        let record = self.window.seen(len);
        let frame = match &mut self.kind {
            Kind::Classic(file) => file.frame(record),
            Kind::NextGeneration(file) => file.frame(record),
        };
        let frame = frame.map_err(damage)?;
        self.packets = packet;
        self.given = len;
        Ok(Some(frame))
    }

    /// Packets so far.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// How far it is read, in bytes.
    pub const fn offset(&self) -> u64 {
        self.window.offset()
    }

    /// The interfaces so far.
    pub fn interfaces(&self) -> Vec<Interface> {
        match &self.kind {
            Kind::Classic(file) => {
                vec![Interface {
                    name: None,
                    link: file.link,
                    packets: self.packets,
                }]
            }
            Kind::NextGeneration(file) => file.interfaces.clone(),
        }
    }
}
