//! A decorator that writes down every call, so that tests can assert how much work was done and in
//! what order.

use std::sync::{Arc, Mutex};

use super::{Listed, Lock, LockMode, Properties, Stale, Storage, Upload};
use crate::error::Result;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A folder was made; the name is the folder.
    CreateFolder,
    /// An upload was begun; the name is the area.
    Create,
    /// An upload was published; the bytes are all that was written.
    Publish,
    /// A folder was synced; one call for each folder.
    Sync,
    /// A whole object was read; the bytes are its length.
    Read,
    /// A part of an object was read; the bytes are the part's.
    ReadRange,
    /// A folder was listed; the bytes are how many objects were found.
    List,
    /// The length of an object was asked for; the bytes are the length.
    Stat,
    /// An object was removed.
    Remove,
    /// An object was set aside; the name is the old one.
    SetAside,
    /// Stale temporaries were removed; the bytes are how many.
    RemoveStale,
    /// A lock was taken together with others.
    LockShared,
    /// A lock was taken alone.
    LockExclusive,
    /// It was asked whether a lock is still held, and it is.
    AskLock,
    /// A lock was let go.
    Unlock,
}

/// One call that succeeded. Calls that fail are not written down: nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What was done.
    pub verb: Verb,
    /// To what.
    pub name: String,
    /// How many bytes went through; see [`Verb`].
    pub bytes: u64,
}

/// A storage that writes down what is done with the storage inside. Calls stand in the order in
/// which they ended.
#[derive(Debug)]
pub struct Recorder<S> {
    inner: S,
    journal: Journal,
}

#[derive(Clone, Debug, Default)]
struct Journal(Arc<Mutex<Vec<Call>>>);

impl Journal {
    fn add(&self, verb: Verb, name: &str, bytes: u64) {
        self.calls().push(Call { verb, name: name.to_owned(), bytes });
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, Vec<Call>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<S: Storage> Recorder<S> {
    /// Records what is done with `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner, journal: Journal::default() }
    }

    /// The storage inside.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// All calls since the start or the last [`Recorder::clear`].
    pub fn calls(&self) -> Vec<Call> {
        self.journal.calls().clone()
    }

    /// Forgets the calls.
    pub fn clear(&self) {
        self.journal.calls().clear();
    }

    /// How often `verb` was done to names that begin with `prefix`.
    pub fn count(&self, verb: Verb, prefix: &str) -> usize {
        self.journal.calls().iter().filter(|call| call.verb == verb && call.name.starts_with(prefix)).count()
    }

    /// How many bytes went through `verb` for names that begin with `prefix`.
    pub fn bytes(&self, verb: Verb, prefix: &str) -> u64 {
        self.journal.calls().iter().filter(|call| call.verb == verb && call.name.starts_with(prefix)).map(|call| call.bytes).sum()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Storage> Storage for Recorder<S> {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn identity(&self) -> Vec<u8> {
        self.inner.identity()
    }

    fn properties(&self) -> Properties {
        self.inner.properties()
    }

    fn free_bytes(&self) -> Option<u64> {
        self.inner.free_bytes()
    }

    fn create_folder(&self, folder: &str) -> Result<()> {
        self.inner.create_folder(folder)?;
        self.journal.add(Verb::CreateFolder, folder, 0);
        Ok(())
    }

    fn create(&self, area: &str) -> Result<Box<dyn Upload>> {
        let inner = self.inner.create(area)?;
        self.journal.add(Verb::Create, area, 0);
        Ok(Box::new(RecordedUpload { inner, journal: self.journal.clone(), bytes: 0 }))
    }

    fn sync(&self, folders: &[String]) -> Result<()> {
        self.inner.sync(folders)?;
        folders.iter().for_each(|folder| self.journal.add(Verb::Sync, folder, 0));
        Ok(())
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
        let bytes = self.inner.read(name, max_bytes)?;
        self.journal.add(Verb::Read, name, bytes.len() as u64);
        Ok(bytes)
    }

    fn read_range(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.inner.read_range(name, offset, buffer)?;
        self.journal.add(Verb::ReadRange, name, buffer.len() as u64);
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let listed = self.inner.list(folder)?;
        self.journal.add(Verb::List, folder, listed.len() as u64);
        Ok(listed)
    }

    fn stat(&self, name: &str) -> Result<Option<u64>> {
        let bytes = self.inner.stat(name)?;
        self.journal.add(Verb::Stat, name, bytes.unwrap_or(0));
        Ok(bytes)
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.inner.remove(name)?;
        self.journal.add(Verb::Remove, name, 0);
        Ok(())
    }

    fn set_aside(&self, name: &str, new_name: &str) -> Result<()> {
        self.inner.set_aside(name, new_name)?;
        self.journal.add(Verb::SetAside, name, 0);
        Ok(())
    }

    fn remove_stale_temporaries(&self, stale: Stale) -> Result<u64> {
        let removed = self.inner.remove_stale_temporaries(stale)?;
        self.journal.add(Verb::RemoveStale, "", removed);
        Ok(removed)
    }

    fn lock(&self, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
        let inner = self.inner.lock(name, mode, wait)?;
        let verb = if mode == LockMode::Shared { Verb::LockShared } else { Verb::LockExclusive };
        self.journal.add(verb, name, 0);
        Ok(Box::new(RecordedLock { inner: Some(inner), journal: self.journal.clone(), name: name.to_owned() }))
    }
}

struct RecordedUpload {
    inner: Box<dyn Upload>,
    journal: Journal,
    bytes: u64,
}

#[deny(clippy::missing_trait_methods)]
impl Upload for RecordedUpload {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.inner.write(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn publish(self: Box<Self>, name: &str) -> Result<()> {
        self.inner.publish(name)?;
        self.journal.add(Verb::Publish, name, self.bytes);
        Ok(())
    }
}

#[derive(Debug)]
struct RecordedLock {
    inner: Option<Box<dyn Lock>>,
    journal: Journal,
    name: String,
}

#[deny(clippy::missing_trait_methods)]
impl Lock for RecordedLock {
    fn still_holds(&self) -> Result<()> {
        self.inner.as_ref().map_or(Ok(()), |inner| inner.still_holds())?;
        self.journal.add(Verb::AskLock, &self.name, 0);
        Ok(())
    }
}

impl Drop for RecordedLock {
    fn drop(&mut self) {
        // Written down first: once it is let go, another thread may write down that it has it.
        self.journal.add(Verb::Unlock, &self.name, 0);
        drop(self.inner.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{LOCK, MemoryStorage, conformance};

    #[test]
    fn the_recorder_passes_the_suite() {
        conformance::run_all(&Recorder::new(MemoryStorage::new()));
    }

    #[test]
    fn a_lock_that_is_lost_inside_is_lost() {
        let recorder = Recorder::new(MemoryStorage::new());
        conformance::a_lock_that_is_taken_away_is_lost(&recorder, &|name| recorder.inner().take_away_lock(name));
    }

    #[test]
    fn calls_stand_in_order_with_final_names_and_bytes() {
        let recorder = Recorder::new(MemoryStorage::new());
        {
            let _lock = recorder.lock(LOCK, LockMode::Shared, false).unwrap();
            conformance::put(&recorder, "packs", "packs/3f/a", b"abc");
            recorder.sync(&["packs/3f".into()]).unwrap();
            recorder.read_range("packs/3f/a", 1, &mut [0; 2]).unwrap();
            assert!(recorder.read("packs/3f/b", 9).is_err());
        }
        let call = |verb, name: &str, bytes| Call { verb, name: name.into(), bytes };
        let expected = [
            call(Verb::LockShared, "lock", 0),
            call(Verb::Create, "packs", 0),
            call(Verb::Publish, "packs/3f/a", 3),
            call(Verb::Sync, "packs/3f", 0),
            call(Verb::ReadRange, "packs/3f/a", 2),
            call(Verb::Unlock, "lock", 0),
        ];
        assert_eq!(recorder.calls(), expected);
        assert_eq!((recorder.count(Verb::Publish, "packs/"), recorder.bytes(Verb::Publish, "packs/")), (1, 3));
        recorder.clear();
        assert_eq!(recorder.calls(), []);
    }
}
