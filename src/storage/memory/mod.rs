//! A storage in memory, so that the tests of every layer run fast and can cut the power.
//!
//! It is a disk with a model of durability: names are durable only after a sync of their folder, and
//! [`MemoryStorage::after_crash`] shows one of the things that a crash may leave. `docs/testing.md`
//! describes the model.

mod crash;
mod lock;
mod state;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use self::state::State;
use super::{Listed, Lock, LockKind, LockMode, Properties, Stale, Storage, Upload, name};
use crate::error::{Error, ErrorKind, Result};

pub use self::state::Promise;

/// A map from names to bytes. Clones are the same storage in the same program.
#[derive(Clone, Debug)]
pub struct MemoryStorage {
    shared: Arc<Shared>,
    /// The program that uses it, among those of this disk.
    program: u64,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told whenever a lock is let go.
    let_go: Condvar,
    /// Tells this disk from others.
    disk: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held this has left no half-made change: each is one step.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The number of a disk that nobody has had.
fn new_disk() -> u64 {
    static DISKS: AtomicU64 = AtomicU64::new(0);
    DISKS.fetch_add(1, Ordering::Relaxed)
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::with(State::default(), new_disk())
    }
}

impl MemoryStorage {
    /// An empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    fn with(state: State, disk: u64) -> Self {
        Self { shared: Arc::new(Shared { state: Mutex::new(state), let_go: Condvar::new(), disk }), program: 0 }
    }

    /// The same disk, opened by another program: it does not know which folders others have made and
    /// not synced.
    pub fn open_again(&self) -> Self {
        let program = {
            let mut state = self.shared.state();
            state.programs += 1;
            state.programs
        };
        Self { shared: Arc::clone(&self.shared), program }
    }

    /// The same place as it may be found after a crash now. Durable names are there; what became of
    /// every other change of a name is decided by `seed`: none was kept for every fifth seed from 0
    /// on, all were for every fifth from 1 on. Temporaries may be left, locks are free.
    pub fn after_crash(&self, seed: u64) -> Self {
        Self::with(self.shared.state().after_crash(seed), self.shared.disk)
    }

    /// The same place as it is now, to be changed apart; no program has it open. What is pending is
    /// pending there too.
    pub fn image(&self) -> Self {
        let state = self.shared.state();
        Self::with(State { uploads: Default::default(), locks: Default::default(), ..state.clone() }, self.shared.disk)
    }

    /// A copy at another place, durable.
    pub fn copy(&self) -> Self {
        let state = self.shared.state();
        let durable_objects = state.objects.clone();
        let durable_folders = state.folders.clone();
        let copied = State {
            objects: durable_objects.clone(),
            folders: durable_folders.clone(),
            durable_objects,
            durable_folders,
            ..State::default()
        };
        Self::with(copied, new_disk())
    }

    /// From now on it holds at most so many bytes, temporaries included; `None` for no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.shared.state().capacity_bytes = bytes;
    }

    /// Takes the lock `name` away from all who hold it: others get it, and they are told when they ask.
    pub fn take_away_lock(&self, name: &str) {
        self.shared.state().locks.remove(name);
        self.shared.let_go.notify_all();
    }

    /// From now on `promise` is not kept for names that begin with `prefix`.
    pub fn break_promise(&self, promise: Promise, prefix: &str) {
        self.shared.state().broken.push((promise, prefix.to_owned()));
    }
}

#[deny(clippy::missing_trait_methods)]
impl Storage for MemoryStorage {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn identity(&self) -> Vec<u8> {
        format!("memory {}", self.shared.disk).into_bytes()
    }

    fn properties(&self) -> Properties {
        Properties { requests_at_once: 1, gap_bytes: 0, lock: LockKind::Process, can_replace: false, is_append_only: false }
    }

    fn free_bytes(&self) -> Option<u64> {
        self.shared.state().free_bytes()
    }

    fn create_folder(&self, folder: &str) -> Result<()> {
        name::check_folder(folder)?;
        self.shared.state().add_folder(folder, self.program)
    }

    fn create(&self, area: &str) -> Result<Box<dyn Upload>> {
        name::check_folder(area)?;
        let mut state = self.shared.state();
        state.add_folder(area, self.program)?;
        state.uploads_begun += 1;
        let number = state.uploads_begun;
        state.uploads.insert(number, (area.to_owned(), 0));
        let (shared, area) = (Arc::clone(&self.shared), area.to_owned());
        Ok(Box::new(MemoryUpload { shared, program: self.program, number, area, bytes: Vec::new(), has_failed: false, has_name: false }))
    }

    fn sync(&self, folders: &[String]) -> Result<()> {
        folders.iter().try_for_each(|folder| name::check_folder(folder))?;
        let mut state = self.shared.state();
        folders.iter().try_for_each(|folder| state.sync(folder))?;
        state.sync_folders_of(self.program);
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
        Ok(below.map(|(name, object)| Listed { name: name.clone(), bytes: object.bytes.len() as u64 }).collect())
    }

    fn stat(&self, name: &str) -> Result<Option<u64>> {
        name::check_object(name)?;
        Ok(self.shared.state().objects.get(name).map(|object| object.bytes.len() as u64))
    }

    fn remove(&self, name: &str) -> Result<()> {
        name::check_object(name)?;
        self.shared.state().remove(name);
        Ok(())
    }

    fn set_aside(&self, name: &str, new_name: &str) -> Result<()> {
        name::check_object(name)?;
        name::check_object(new_name)?;
        self.shared.state().set_aside(name, new_name, self.program)
    }

    fn remove_stale_temporaries(&self, _stale: Stale) -> Result<u64> {
        Ok(self.shared.state().drop_stale())
    }

    fn lock(&self, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
        name::check_lock(name)?;
        lock::take(&self.shared, name, mode, wait)
    }
}

struct MemoryUpload {
    shared: Arc<Shared>,
    program: u64,
    number: u64,
    area: String,
    bytes: Vec<u8>,
    has_failed: bool,
    has_name: bool,
}

impl Upload for MemoryUpload {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut state = self.shared.state();
        if state.free_bytes().is_some_and(|free| free < bytes.len() as u64) {
            self.has_failed = true;
            return Err(Error::new(ErrorKind::Full, format!("cannot write in {}: there is no space", self.area)));
        }
        self.bytes.extend_from_slice(bytes);
        state.uploads.insert(self.number, (self.area.clone(), self.bytes.len() as u64));
        Ok(())
    }

    fn publish(mut self: Box<Self>, name: &str) -> Result<()> {
        name::check_upload(&self.area, name, self.has_failed)?;
        let bytes = std::mem::take(&mut self.bytes);
        self.has_name = self.shared.state().publish(name, bytes, &self.area, self.program)?;
        Ok(())
    }
}

impl Drop for MemoryUpload {
    fn drop(&mut self) {
        self.shared.state().end_upload(self.number, self.has_name);
    }
}
