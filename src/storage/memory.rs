//! A storage in memory, so that the tests of every layer run fast and can cut the power.
//!
//! It keeps apart what is there and what is durable: names count as durable only after a sync of
//! their folder, as on a disk, and [`MemoryStorage::after_power_cut`] shows what would be left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::{Listed, Lock, LockMode, Storage, Upload, name};
use crate::error::{Error, ErrorKind, Result};

#[cfg(test)]
mod tests;

/// A map from names to bytes. Clones are the same storage, as two programs with one repository.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Told whenever a lock is let go.
    let_go: Condvar,
}

#[derive(Clone, Debug, Default)]
struct State {
    objects: BTreeMap<String, Arc<[u8]>>,
    durable: BTreeMap<String, Arc<[u8]>>,
    folders: BTreeSet<String>,
    locks: BTreeMap<String, Holders>,
}

/// Who holds a lock.
#[derive(Clone, Copy, Debug, Default)]
struct Holders {
    shared: usize,
    is_exclusive: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held this has left no half-made change: each is one step.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    fn object(&self, name: &str) -> Result<Arc<[u8]>> {
        name::check_object(name)?;
        self.objects.get(name).cloned().ok_or_else(|| not_found(name))
    }

    fn add_folder(&mut self, folder: &str) -> Result<()> {
        for folder in name::ancestors(folder) {
            if self.objects.contains_key(folder) {
                return Err(Error::new(ErrorKind::Exists, format!("{folder} is not a folder")));
            }
            self.folders.insert(folder.to_owned());
        }
        Ok(())
    }
}

impl MemoryStorage {
    /// An empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another storage that holds what would be left after a power cut now: names published but not
    /// synced are lost, names removed but not synced are back, locks are free.
    pub fn after_power_cut(&self) -> Self {
        let state = self.shared.state();
        let left = State {
            objects: state.durable.clone(),
            durable: state.durable.clone(),
            folders: state.folders.clone(),
            locks: BTreeMap::new(),
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(left), let_go: Condvar::new() }) }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Storage for MemoryStorage {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn identity(&self) -> Vec<u8> {
        // As long as one clone lives, no other storage lies at this address.
        format!("memory {:p}", Arc::as_ptr(&self.shared)).into_bytes()
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }

    fn create_folder(&self, folder: &str) -> Result<()> {
        name::check_folder(folder)?;
        self.shared.state().add_folder(folder)
    }

    fn create(&self, area: &str) -> Result<Box<dyn Upload>> {
        name::check_folder(area)?;
        self.shared.state().add_folder(area)?;
        Ok(Box::new(MemoryUpload { shared: Arc::clone(&self.shared), area: area.to_owned(), bytes: Vec::new() }))
    }

    fn sync(&self, folders: &[String]) -> Result<()> {
        folders.iter().try_for_each(|folder| name::check_folder(folder))?;
        let state = &mut *self.shared.state();
        for folder in folders {
            if !folder.is_empty() && !state.folders.contains(folder) {
                return Err(not_found(folder));
            }
            state.durable.retain(|name, _| name::parent(name) != folder);
            let published = state.objects.iter().filter(|(name, _)| name::parent(name) == folder);
            state.durable.extend(published.map(|(name, bytes)| (name.clone(), Arc::clone(bytes))));
        }
        Ok(())
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
        let object = self.shared.state().object(name)?;
        if object.len() as u64 > max_bytes {
            return Err(Error::damaged(name, format!("it is longer than {max_bytes} bytes")));
        }
        Ok(object.to_vec())
    }

    fn read_range(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let object = self.shared.state().object(name)?;
        let range = usize::try_from(offset).ok().and_then(|start| object.get(start..start.checked_add(buffer.len())?));
        // An empty range is fine anywhere, as it is in a file.
        match range {
            Some(bytes) => buffer.copy_from_slice(bytes),
            None if buffer.is_empty() => {}
            None => {
                return Err(Error::damaged(name, format!("it ends before byte {}", offset.saturating_add(buffer.len() as u64))));
            }
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        name::check_folder(folder)?;
        let state = self.shared.state();
        let is_below = |name: &str| folder.is_empty() || name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let below = state.objects.iter().filter(|(name, _)| is_below(name));
        Ok(below.map(|(name, bytes)| Listed { name: name.clone(), bytes: bytes.len() as u64 }).collect())
    }

    fn remove(&self, name: &str) -> Result<()> {
        name::check_object(name)?;
        self.shared.state().objects.remove(name);
        Ok(())
    }

    fn set_aside(&self, name: &str, new_name: &str) -> Result<()> {
        name::check_object(new_name)?;
        let state = &mut *self.shared.state();
        let object = state.object(name)?;
        if state.objects.contains_key(new_name) {
            return Err(Error::new(ErrorKind::Exists, format!("{new_name} exists already")));
        }
        state.add_folder(name::parent(new_name))?;
        state.objects.remove(name);
        state.objects.insert(new_name.to_owned(), object);
        Ok(())
    }

    fn remove_stale_temporaries(&self) -> Result<u64> {
        // An upload keeps its bytes to itself until it is published.
        Ok(0)
    }

    fn lock(&self, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
        name::check_lock(name)?;
        let mut state = self.shared.state();
        loop {
            let holders = state.locks.entry(name.to_owned()).or_default();
            let is_free = !holders.is_exclusive && (mode == LockMode::Shared || holders.shared == 0);
            if is_free {
                match mode {
                    LockMode::Shared => holders.shared += 1,
                    LockMode::Exclusive => holders.is_exclusive = true,
                }
                return Ok(Box::new(MemoryLock { shared: Arc::clone(&self.shared), name: name.to_owned(), mode }));
            }
            if !wait {
                return Err(Error::new(ErrorKind::Busy, format!("{name} is held by another")));
            }
            state = self.shared.let_go.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }
}

#[derive(Debug)]
struct MemoryLock {
    shared: Arc<Shared>,
    name: String,
    mode: LockMode,
}

impl Lock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        if let Some(holders) = self.shared.state().locks.get_mut(&self.name) {
            match self.mode {
                LockMode::Shared => holders.shared -= 1,
                LockMode::Exclusive => holders.is_exclusive = false,
            }
        }
        self.shared.let_go.notify_all();
    }
}

struct MemoryUpload {
    shared: Arc<Shared>,
    area: String,
    bytes: Vec<u8>,
}

impl Upload for MemoryUpload {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn publish(self: Box<Self>, name: &str) -> Result<()> {
        name::check_upload(&self.area, name, false)?;
        let state = &mut *self.shared.state();
        match state.objects.get(name) {
            Some(object) if object.len() == self.bytes.len() && !self.area.is_empty() => Ok(()),
            Some(_) => Err(Error::new(ErrorKind::Exists, format!("{name} exists already"))),
            None => {
                state.add_folder(name::parent(name))?;
                state.objects.insert(name.to_owned(), self.bytes.into());
                Ok(())
            }
        }
    }
}

fn not_found(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no {name}"))
}
