//! A map of the kernel, one entry or all of them at a time.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use aya::maps::{HashMap, Map, MapData, MapError};
use synguard_common::abi::layout::Part;

use super::batch;
use super::plain::{Plain, Words};
use super::raw_map::RawMap;
use crate::error::Context as _;
use crate::{Error, Result};

/// A hash map, LRU or not.
pub(super) struct Table<K: Words, V: Words> {
    map: HashMap<MapData, Plain<K>, Plain<V>>,
    fd: OwnedFd,
    name: &'static str,
    capacity: u32,
}

impl<K: Words, V: Words> Table<K, V> {
    pub(super) fn open(map: Map, name: &'static str) -> Result<Self> {
        let (fd, capacity) = describe(&map, name)?;
        let map = map.try_into().context(format!("opening {name}"))?;
        Ok(Self {
            map,
            fd,
            name,
            capacity,
        })
    }

    /// How many entries there is room for.
    pub(super) const fn capacity(&self) -> u32 {
        self.capacity
    }

    pub(super) fn get(&self, key: &K) -> Result<Option<V>> {
        present(self.map.get(&Plain(*key), 0)).context(format!("reading {}", self.name))
    }

    pub(super) fn insert(&mut self, key: K, value: V) -> Result<()> {
        self.map
            .insert(Plain(key), Plain(value), 0)
            .map_err(|error| full(error, self.name, self.capacity))
    }

    /// Removes an entry, there or not.
    pub(super) fn remove(&mut self, key: &K) -> Result<()> {
        gone(self.map.remove(&Plain(*key))).context(format!("writing {}", self.name))
    }

    /// Hands every entry to `each`.
    pub(super) fn each(&self, each: impl FnMut(K, V)) -> Result<()> {
        batch::read(self.fd.as_fd(), each).context(format!("reading {}", self.name))
    }

    /// Writes many; those before the first that finds no room stay.
    pub(super) fn insert_all(&mut self, keys: &[K], values: &[V]) -> Result<()> {
        batch::update(self.fd.as_fd(), keys, values)
            .map_err(|(_, error)| no_room(error, self.name, self.capacity))
    }

    /// Takes the entries of another build's map along, and gives their keys.
    pub(super) fn copy(&mut self, from: &RawMap, part: Part) -> Result<Vec<K>> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        from.each(part.bytes, |key, value| {
            keys.push(key);
            values.push(value);
        })?;
        self.insert_all(&keys, &values)?;
        Ok(keys)
    }

    pub(super) fn remove_all(&mut self, keys: &[K]) -> Result<()> {
        batch::delete(self.fd.as_fd(), keys).context(format!("writing {}", self.name))
    }
}

/// A descriptor of the map, and its size.
pub(super) fn describe(map: &Map, name: &str) -> Result<(OwnedFd, u32)> {
    let data = match map {
        Map::HashMap(data) | Map::LruHashMap(data) | Map::LpmTrie(data) | Map::Array(data) => data,
        _ => return Err("of another type").context(format!("opening {name}")),
    };
    let fd = data.fd().as_fd().try_clone_to_owned();
    let info = data.info().context(format!("opening {name}"))?;
    Ok((fd.context(format!("opening {name}"))?, info.max_entries()))
}

/// Nothing where the key is not there.
pub(super) fn present<V>(found: Result<Plain<V>, MapError>) -> Result<Option<V>, MapError> {
    match found {
        Ok(value) => Ok(Some(value.0)),
        Err(MapError::KeyNotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// No error where the key was not there.
pub(super) fn gone(removed: Result<(), MapError>) -> Result<(), MapError> {
    match removed {
        Err(MapError::SyscallError(error)) if error.io_error.kind() == io::ErrorKind::NotFound => {
            Ok(())
        }
        other => other,
    }
}

pub(super) fn full(error: MapError, name: &str, capacity: u32) -> Error {
    match error {
        MapError::SyscallError(error) => no_room(error.io_error, name, capacity),
        error => failed(error, name),
    }
}

/// Says what to do where a map is full.
pub(super) fn no_room(error: io::Error, name: &str, capacity: u32) -> Error {
    if matches!(error.raw_os_error(), Some(libc::E2BIG | libc::ENOSPC)) {
        return Error::Unsupported(format!(
            "{name} is full: it has room for {capacity} entries; detach and attach with a larger \
             --max-rules"
        ));
    }
    failed(error, name)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static, name: &str) -> Error {
    Error::Failed {
        context: format!("writing {name}"),
        source: Box::new(error),
    }
}
