//! The storage as one program uses it: every call that others can notice waits for its turn.

use std::sync::{Arc, Mutex, PoisonError};

use super::Turns;
use crate::error::{ErrorKind, Result};
use crate::storage::{LOCK, Listed, Lock, LockKind, LockMode, Properties, Stale, Storage, Upload};

/// A storage whose calls wait for the turn of one program.
#[derive(Clone, Debug)]
pub struct Handle<S> {
    turns: Turns,
    program: usize,
    inner: S,
    has_locks: bool,
}

impl<S> Handle<S> {
    pub(super) fn new(turns: Turns, program: usize, inner: S) -> Self {
        Self { turns, program, inner, has_locks: true }
    }

    /// The same where locks do not reach: each is granted and excludes nobody, as on a network file
    /// system whose server does not pass them on.
    #[must_use]
    pub fn without_locks(self) -> Self {
        Self { has_locks: false, ..self }
    }

    fn turn<T>(&self, call: &str, make: impl FnOnce(&S) -> Result<T>) -> Result<T> {
        let _turn = self.turns.wait(self.program, call, None)?;
        make(&self.inner)
    }

    fn between<T>(&self, call: &str, make: impl FnOnce(&S) -> Result<T>) -> Result<T> {
        self.turns.check_alive(self.program, call)?;
        make(&self.inner)
    }

    fn hold(&self, inner: Option<Box<dyn Lock>>) -> Box<dyn Lock> {
        let held = Arc::new(HeldLock { turns: self.turns.clone(), program: self.program, inner: Mutex::new(inner) });
        self.turns.state().programs[self.program].locks.push(Arc::downgrade(&held));
        Box::new(ProgramLock(held))
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Storage> Storage for Handle<S> {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn identity(&self) -> Vec<u8> {
        self.inner.identity()
    }

    fn properties(&self) -> Properties {
        let inner = self.inner.properties();
        if self.has_locks { inner } else { Properties { lock: LockKind::None, ..inner } }
    }

    fn free_bytes(&self) -> Option<u64> {
        self.inner.free_bytes()
    }

    fn create_folder(&self, folder: &str) -> Result<()> {
        self.between("make a folder", |inner| inner.create_folder(folder))
    }

    fn create(&self, area: &str) -> Result<Box<dyn Upload>> {
        let inner = self.between("begin an object", |inner| inner.create(area))?;
        Ok(Box::new(TurnUpload { turns: self.turns.clone(), program: self.program, inner }))
    }

    fn sync(&self, folders: &[String]) -> Result<()> {
        self.between("sync", |inner| inner.sync(folders))
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
        self.turn(&format!("read {name}"), |inner| inner.read(name, max_bytes))
    }

    fn read_range(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.turn(&format!("read a part of {name}"), |inner| inner.read_range(name, offset, buffer))
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        self.turn(&format!("list {folder}"), |inner| inner.list(folder))
    }

    fn stat(&self, name: &str) -> Result<Option<u64>> {
        self.turn(&format!("look at {name}"), |inner| inner.stat(name))
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.turn(&format!("remove {name}"), |inner| inner.remove(name))
    }

    fn set_aside(&self, name: &str, new_name: &str) -> Result<()> {
        self.turn(&format!("set aside {name}"), |inner| inner.set_aside(name, new_name))
    }

    fn remove_stale_temporaries(&self, stale: Stale) -> Result<u64> {
        self.turn("remove temporaries", |inner| inner.remove_stale_temporaries(stale))
    }

    /// Whoever asks for the lock of snapshots without waiting asks again until it is free, so this waits
    /// for it in any case, and needs no second turn until a lock was let go.
    fn lock(&self, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
        let call = format!("take {name} {mode:?}");
        let mut found_held = None;
        loop {
            let _turn = self.turns.wait(self.program, &call, found_held)?;
            if !self.has_locks {
                return Ok(self.hold(None));
            }
            match self.inner.lock(name, mode, false) {
                Err(error) if error.kind() == ErrorKind::Busy && (wait || name == LOCK) => {
                    found_held = Some(self.turns.state().let_go);
                }
                other => return Ok(self.hold(Some(other?))),
            }
        }
    }
}

struct TurnUpload {
    turns: Turns,
    program: usize,
    inner: Box<dyn Upload>,
}

#[deny(clippy::missing_trait_methods)]
impl Upload for TurnUpload {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.turns.check_alive(self.program, "write")?;
        self.inner.write(bytes)
    }

    fn publish(self: Box<Self>, name: &str) -> Result<()> {
        let _turn = self.turns.wait(self.program, &format!("publish {name}"), None)?;
        self.inner.publish(name)
    }
}

/// A lock that ends with its program, whoever still holds on to it.
#[derive(Debug)]
pub(super) struct HeldLock {
    turns: Turns,
    program: usize,
    inner: Mutex<Option<Box<dyn Lock>>>,
}

impl HeldLock {
    pub(super) fn let_go(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[derive(Debug)]
struct ProgramLock(Arc<HeldLock>);

#[deny(clippy::missing_trait_methods)]
impl Lock for ProgramLock {
    /// Not a turn: between two turns nobody takes a lock away.
    fn still_holds(&self) -> Result<()> {
        self.0.turns.check_alive(self.0.program, "ask for the lock")?;
        // None where locks exclude nobody, or it was let go with its program.
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(Ok(()), |inner| inner.still_holds())
    }
}

impl Drop for ProgramLock {
    fn drop(&mut self) {
        self.0.let_go();
        self.0.turns.state().let_go += 1;
    }
}
