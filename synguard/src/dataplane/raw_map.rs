//! A map whose entries are of other sizes than this build's.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use aya::maps::MapData;

use super::pins::Pins;
use super::plain::{self, Words};
use super::{batch, pinned_object};
use crate::Result;
use crate::error::Context as _;

const LOOKUP: libc::c_long = 1;
const NEXT_KEY: libc::c_long = 4;

/// `struct { /* anonymous struct used by BPF_MAP_*_ELEM and BPF_MAP_GET_NEXT_KEY
/// commands */ }` of `union bpf_attr`.
#[repr(C)]
struct Element {
    map_fd: u32,
    key: u64,
    /// Or the next key.
    value: u64,
    flags: u64,
}

/// A pinned map.
pub(super) struct RawMap {
    fd: OwnedFd,
    name: &'static str,
    key_size: usize,
    value_size: usize,
    /// How many entries there is room for.
    pub(super) capacity: u32,
}

impl RawMap {
    pub(super) fn open(pins: &Pins, name: &'static str) -> Result<Self> {
        let data = MapData::from_pin(pins.path(name)).context(format!("opening {name}"))?;
        let info = data.info().context(format!("opening {name}"))?;
        let fd = data.fd().as_fd().try_clone_to_owned();
        let size = |size: u32| usize::try_from(size).unwrap_or(usize::MAX);
        Ok(Self {
            fd: fd.context(format!("opening {name}"))?,
            name,
            key_size: size(info.key_size()),
            value_size: size(info.value_size()),
            capacity: info.max_entries(),
        })
    }

    /// Hands every entry to `each`: what this build has more at the end of a value is 0,
    /// and what it has less is left out.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where keys are of another size, or values shorter than
    /// `least` bytes.
    pub(super) fn each<K: Words, V: Words>(
        &self,
        least: usize,
        mut each: impl FnMut(K, V),
    ) -> Result<()> {
        let doing = || format!("reading {}", self.name);
        if self.key_size != size_of::<K>() || self.value_size < least {
            let sizes = format!("{} and {} bytes", self.key_size, self.value_size);
            return Err(format!("keys and values are of {sizes}")).context(doing());
        }
        let mut hand = |key: &[u8], value: &[u8]| {
            if let (Some(key), Some(value)) = (plain::read(key), fitted(value)) {
                each(key, value);
            }
        };
        let sizes = (self.key_size, self.value_size);
        match batch::read_bytes(self.fd.as_fd(), sizes, &mut hand) {
            // Only tries, which change with the rules locked alone.
            Err(error) if batch::is_unsupported(&error) => self.each_singly(hand),
            outcome => outcome,
        }
        .context(doing())
    }

    fn each_singly(&self, mut each: impl FnMut(&[u8], &[u8])) -> io::Result<()> {
        let (mut key, mut value) = (vec![0_u8; self.key_size], vec![0_u8; self.value_size]);
        let mut before: Option<Vec<u8>> = None;
        loop {
            // SAFETY: a key is as long as the map's keys.
            match unsafe { self.call(NEXT_KEY, before.as_deref(), &mut key) } {
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(()),
                outcome => outcome?,
            }
            // SAFETY: a value is as long as the map's values.
            unsafe { self.call(LOOKUP, Some(&key), &mut value) }?;
            each(&key, &value);
            before = Some(key.clone());
        }
    }

    /// # Safety
    ///
    /// `key` and `out` are as long as the command reads and writes.
    unsafe fn call(
        &self,
        command: libc::c_long,
        key: Option<&[u8]>,
        out: &mut [u8],
    ) -> io::Result<()> {
        let mut element = Element {
            map_fd: u32::try_from(self.fd.as_raw_fd()).unwrap_or(u32::MAX),
            key: key.map_or(0, |key| key.as_ptr().addr() as u64),
            value: out.as_mut_ptr().addr() as u64,
            flags: 0,
        };
        // SAFETY: the caller's promise.
        unsafe { pinned_object::call(command, &mut element) }.map(drop)
    }
}

/// A value as this build has it.
fn fitted<V: Words>(value: &[u8]) -> Option<V> {
    let mut bytes = vec![0; size_of::<V>()];
    for (place, byte) in bytes.iter_mut().zip(value) {
        *place = *byte;
    }
    plain::read(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_grows_by_zeros_and_loses_what_is_not_known() {
        let short = 7_u32.to_ne_bytes();
        assert_eq!(fitted::<[u32; 2]>(&short), Some([7, 0]));
        let long = [1_u8; 12];
        assert_eq!(fitted::<u32>(&long), Some(0x0101_0101));
    }
}
