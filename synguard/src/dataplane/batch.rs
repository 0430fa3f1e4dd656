//! Many map entries a system call: BPF_MAP_*_BATCH (`include/uapi/linux/bpf.h`,
//! from Linux 5.6 on), which aya does not have. One entry a call is several times
//! slower, and lists hold a million.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use super::plain::{self, Words};

const LOOKUP: libc::c_long = 24;
const UPDATE: libc::c_long = 26;
const DELETE: libc::c_long = 27;

/// Entries a call: few enough that a reader stays small.
const CHUNK: usize = 4096;
/// What the kernel says of a map type without batches (`include/linux/errno.h`).
const ENOTSUPP: i32 = 524;
/// The largest key, which is also where the kernel notes how far it came.
const CURSOR: usize = 32;

/// `struct { /* used by BPF_MAP_*_BATCH commands */ }` of `union bpf_attr`.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// Whether the kernel has no batches for this type of map.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ENOTSUPP)
}

/// Hands every entry to `each`. Entries that others add or remove meanwhile may
/// be seen or not.
pub(super) fn read<K: Words, V: Words>(
    map: BorrowedFd<'_>,
    mut each: impl FnMut(K, V),
) -> io::Result<()> {
    read_bytes(map, (size_of::<K>(), size_of::<V>()), |key, value| {
        if let (Some(key), Some(value)) = (plain::read(key), plain::read(value)) {
            each(key, value);
        }
    })
}

/// The same for entries of any size: that of keys, and that of values in the map, which
/// are so far apart here too.
pub(super) fn read_bytes(
    map: BorrowedFd<'_>,
    (key_size, value_size): (usize, usize),
    mut each: impl FnMut(&[u8], &[u8]),
) -> io::Result<()> {
    let mut chunk = CHUNK;
    let (mut from, mut to) = ([0_u8; CURSOR], [0_u8; CURSOR]);
    let mut begun = false;
    loop {
        let mut keys: Vec<u8> = vec![0; chunk * key_size];
        let mut values: Vec<u8> = vec![0; chunk * value_size];
        let mut attributes = Attributes {
            in_batch: if begun { address(from.as_ptr()) } else { 0 },
            out_batch: address(to.as_mut_ptr()),
            keys: address(keys.as_mut_ptr()),
            values: address(values.as_mut_ptr()),
            ..attributes(map, chunk)
        };
        // SAFETY: the kernel writes at most `count` keys and values, for which
        // there is room, and one cursor.
        let outcome = unsafe { call(LOOKUP, &mut attributes) };
        let end = match outcome.as_ref().map_err(io::Error::raw_os_error) {
            Ok(()) | Err(Some(libc::EINTR)) => false,
            Err(Some(libc::ENOENT)) => true,
            // One bucket of the hash map holds more than fit.
            Err(Some(libc::ENOSPC)) => {
                chunk *= 2;
                continue;
            }
            Err(_) => return outcome,
        };
        let count = usize::try_from(attributes.count).unwrap_or(0).min(chunk);
        let entries = keys.chunks(key_size).zip(values.chunks(value_size));
        for (key, value) in entries.take(count) {
            each(key, value);
        }
        if end {
            return Ok(());
        }
        std::mem::swap(&mut from, &mut to);
        begun = true;
    }
}

/// Writes all entries, over those that are there.
///
/// # Errors
///
/// What the kernel said of the first that it did not take (E2BIG: the map is
/// full), and how many it took before.
pub(super) fn update<K: Words, V: Words>(
    map: BorrowedFd<'_>,
    keys: &[K],
    values: &[V],
) -> Result<(), (usize, io::Error)> {
    assert_eq!(keys.len(), values.len(), "a value for each key");
    let mut done = 0;
    for (keys, values) in keys.chunks(CHUNK).zip(values.chunks(CHUNK)) {
        let mut attributes = Attributes {
            keys: address(keys.as_ptr()),
            values: address(values.as_ptr()),
            ..attributes(map, keys.len())
        };
        // SAFETY: the kernel reads `count` keys and values.
        unsafe { call(UPDATE, &mut attributes) }
            .map_err(|error| (done + taken(&attributes), error))?;
        done += keys.len();
    }
    Ok(())
}

/// Removes entries; those that are not there are no error.
pub(super) fn delete<K: Words>(map: BorrowedFd<'_>, keys: &[K]) -> io::Result<()> {
    let mut left = keys;
    while !left.is_empty() {
        let chunk = &left[..left.len().min(CHUNK)];
        let mut attributes = Attributes {
            keys: address(chunk.as_ptr()),
            ..attributes(map, chunk.len())
        };
        // SAFETY: the kernel reads `count` keys.
        let outcome = unsafe { call(DELETE, &mut attributes) };
        left = match outcome {
            Ok(()) => &left[chunk.len()..],
            // The kernel stops at a key that is not there.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
                &left[(taken(&attributes) + 1).min(chunk.len())..]
            }
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

fn attributes(map: BorrowedFd<'_>, count: usize) -> Attributes {
    Attributes {
        count: u32::try_from(count).unwrap_or(u32::MAX),
        map_fd: u32::try_from(map.as_raw_fd()).unwrap_or(u32::MAX),
        ..Attributes::default()
    }
}

fn taken(attributes: &Attributes) -> usize {
    usize::try_from(attributes.count).unwrap_or(0)
}

fn address<T>(pointer: *const T) -> u64 {
    pointer.addr() as u64
}

/// # Safety
///
/// What the attributes point to is as large as `count` says.
unsafe fn call(command: libc::c_long, attributes: &mut Attributes) -> io::Result<()> {
    let size = size_of::<Attributes>();
    // SAFETY: the caller's promise.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attributes, size) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
