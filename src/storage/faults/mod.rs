//! A decorator that fails and damages on command: a full disk at the third write, a flipped byte in
//! a pack. Tests walk through every writing call and let it fail.

mod plan;
#[cfg(test)]
mod tests;

use self::plan::{Fault, Needs, Plan, State};
use super::{Listed, Lock, LockKind, LockMode, Properties, Stale, Storage, Upload};
use crate::error::{Error, ErrorKind, Result};

/// How long a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// One call fails, then all is well again.
    Once,
    /// Every call of its sort fails from there on.
    Forever,
}

/// What is wrong with an object when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The byte at this offset has all bits inverted; an object that is shorter is as it was.
    FlipByte(u64),
    /// It ends after so many bytes.
    Truncate(u64),
    /// It is not there.
    Remove,
}

/// A storage that behaves as the storage inside until it is told to fail.
///
/// Writing calls are create, write, publish, sync, remove, the making of folders and setting aside.
/// What fails is not done at all. After a sync that failed nothing can be synced or published any
/// more, as [`Storage::sync`] says: it is as if the program had this storage open until it ends.
/// Damage is only what readers see; the storage inside stays whole.
#[derive(Debug)]
pub struct Faults<S> {
    inner: S,
    plan: Plan,
}

impl<S: Storage> Faults<S> {
    /// Passes everything on to `inner` until told otherwise.
    pub fn new(inner: S) -> Self {
        Self { inner, plan: Plan::default() }
    }

    /// The storage inside, without faults and damage.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Lets the `nth` writing call from now on (1 is the next) fail with an error of `kind`. With
    /// `Full` the first one from there that needs space fails, since a full disk can still remove,
    /// rename and sync. Replaces what was planned before.
    pub fn fail_writing_call(&self, nth: u64, kind: ErrorKind, lasts: Lasts) {
        let mut state = self.plan.state();
        state.calls = 0;
        state.fault = Some(Fault { at: nth, kind, lasts });
    }

    /// Lets the `nth` reading call from now on (1 is the next) fail with an error of `kind`: a read, in
    /// whole or in part, or a listing. Replaces what was planned before.
    pub fn fail_reading_call(&self, nth: u64, kind: ErrorKind, lasts: Lasts) {
        let mut state = self.plan.state();
        state.reads = 0;
        state.read_fault = Some(Fault { at: nth, kind, lasts });
    }

    /// How many reading calls there were, failed ones included, since the start or since a fault of
    /// one was last planned.
    pub fn reading_calls(&self) -> u64 {
        self.plan.state().reads
    }

    /// How many writing calls there were, failed ones included, since the start or since a fault was
    /// last planned. Tests run once without a fault to learn how many calls there are to fail.
    pub fn writing_calls(&self) -> u64 {
        self.plan.state().calls
    }

    /// All locks are lost before the `nth` writing call from now on (1 is the next): nothing fails by itself, but
    /// who asks is told. Replaces what was planned before.
    pub fn lose_locks_at(&self, nth: u64) {
        let mut state = self.plan.state();
        state.calls = 0;
        state.locks_lost_at = Some(nth);
    }

    /// Says from now on that its locks are of this kind, whatever they are.
    pub fn claim_locks(&self, kind: LockKind) {
        self.plan.state().lock = Some(kind);
    }

    /// True while a planned fault has not struck, or strikes forever.
    pub fn is_armed(&self) -> bool {
        self.plan.state().fault.is_some()
    }

    /// Damages what is read of objects whose names begin with `prefix`.
    pub fn damage(&self, prefix: &str, damage: Damage) {
        self.plan.state().damage.push((prefix.to_owned(), damage));
    }

    /// Ends all faults and damage.
    pub fn heal(&self) {
        *self.plan.state() = State::default();
    }

    fn damage_of(&self, name: &str) -> Vec<Damage> {
        self.plan.state().damage.iter().filter(|(prefix, _)| name.starts_with(prefix.as_str())).map(|&(_, damage)| damage).collect()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Storage> Storage for Faults<S> {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn identity(&self) -> Vec<u8> {
        self.inner.identity()
    }

    fn properties(&self) -> Properties {
        let inner = self.inner.properties();
        Properties { lock: self.plan.state().lock.unwrap_or(inner.lock), ..inner }
    }

    fn free_bytes(&self) -> Option<u64> {
        self.inner.free_bytes()
    }

    fn create_folder(&self, folder: &str) -> Result<()> {
        self.plan.pass("make the folder", folder, Needs::Space)?;
        self.inner.create_folder(folder)
    }

    fn create(&self, area: &str) -> Result<Box<dyn Upload>> {
        self.plan.pass("create an object in", area, Needs::Space)?;
        Ok(Box::new(FaultyUpload { inner: self.inner.create(area)?, area: area.to_owned(), plan: self.plan.clone(), has_failed: false }))
    }

    fn sync(&self, folders: &[String]) -> Result<()> {
        self.plan.pass("sync", &folders.join(" "), Needs::Sync)?;
        self.inner.sync(folders)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
        self.plan.pass_read(name)?;
        let damages = self.damage_of(name);
        if damages.is_empty() {
            return self.inner.read(name, max_bytes);
        }
        let mut bytes = self.inner.read(name, u64::MAX)?;
        for damage in damages {
            match damage {
                Damage::FlipByte(offset) => flip(&mut bytes, Some(offset)),
                Damage::Truncate(length) => bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX)),
                Damage::Remove => return Err(gone(name)),
            }
        }
        if bytes.len() as u64 > max_bytes {
            return Err(Error::damaged(name, format!("it is longer than {max_bytes} bytes")));
        }
        Ok(bytes)
    }

    fn read_range(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.plan.pass_read(name)?;
        let end = offset.saturating_add(buffer.len() as u64);
        let damages = self.damage_of(name);
        if damages.contains(&Damage::Remove) {
            return Err(gone(name));
        }
        self.inner.read_range(name, offset, buffer)?;
        for damage in damages {
            match damage {
                Damage::FlipByte(at) => flip(buffer, at.checked_sub(offset)),
                Damage::Truncate(length) if end > length => return Err(Error::damaged(name, format!("it ends before byte {end}"))),
                Damage::Truncate(_) | Damage::Remove => {}
            }
        }
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        self.plan.pass_read(folder)?;
        let mut listed = self.inner.list(folder)?;
        listed.retain_mut(|object| {
            let damages = self.damage_of(&object.name);
            for damage in &damages {
                if let Damage::Truncate(length) = damage {
                    object.bytes = object.bytes.min(*length);
                }
            }
            !damages.contains(&Damage::Remove)
        });
        Ok(listed)
    }

    fn stat(&self, name: &str) -> Result<Option<u64>> {
        self.plan.pass_read(name)?;
        let bytes = self.inner.stat(name)?;
        Ok(self.damage_of(name).into_iter().fold(bytes, |bytes, damage| match damage {
            Damage::Truncate(length) => bytes.map(|bytes| bytes.min(length)),
            Damage::Remove => None,
            Damage::FlipByte(_) => bytes,
        }))
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.plan.pass("remove", name, Needs::Nothing)?;
        self.inner.remove(name)
    }

    fn set_aside(&self, name: &str, new_name: &str) -> Result<()> {
        self.plan.pass("set aside", name, Needs::Nothing)?;
        if self.damage_of(name).contains(&Damage::Remove) {
            return Err(gone(name));
        }
        self.inner.set_aside(name, new_name)
    }

    fn remove_stale_temporaries(&self, stale: Stale) -> Result<u64> {
        self.plan.pass("remove temporaries in", "", Needs::Nothing)?;
        self.inner.remove_stale_temporaries(stale)
    }

    fn lock(&self, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
        let inner = self.inner.lock(name, mode, wait)?;
        Ok(Box::new(FaultyLock { inner, name: name.to_owned(), plan: self.plan.clone() }))
    }
}

#[derive(Debug)]
struct FaultyLock {
    inner: Box<dyn Lock>,
    name: String,
    plan: Plan,
}

#[deny(clippy::missing_trait_methods)]
impl Lock for FaultyLock {
    fn still_holds(&self) -> Result<()> {
        self.plan.pass_lock(&self.name)?;
        self.inner.still_holds()
    }
}

struct FaultyUpload {
    inner: Box<dyn Upload>,
    area: String,
    plan: Plan,
    has_failed: bool,
}

#[deny(clippy::missing_trait_methods)]
impl Upload for FaultyUpload {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.plan.pass("write an object in", &self.area, Needs::Space).inspect_err(|_| self.has_failed = true)?;
        self.inner.write(bytes)
    }

    fn publish(self: Box<Self>, name: &str) -> Result<()> {
        self.plan.pass("publish", name, Needs::SpaceAndSync)?;
        if self.has_failed {
            return Err(Error::new(ErrorKind::Invalid, format!("`{name}` cannot be published: a write failed")));
        }
        self.inner.publish(name)
    }
}

fn flip(bytes: &mut [u8], offset: Option<u64>) {
    if let Some(byte) = offset.and_then(|offset| bytes.get_mut(usize::try_from(offset).ok()?)) {
        *byte = !*byte;
    }
}

fn gone(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no {name}"))
}
