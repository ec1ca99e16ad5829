//! Named bytes below one location: the seam between a repository and where it lies.
//!
//! Everything in a repository is written once under its final name and later only read or removed,
//! so the trait is small: create and publish, read, list, stat, remove, lock. Names are relative, with
//! `/` between folder and file, and made of ASCII letters, digits, `.`, `-` and `_`.
//!
//! Durability is explicit. [`Upload::publish`] makes the bytes durable and then gives them their
//! name; the *name* is durable only after [`Storage::sync`] of its folder. Whoever writes something
//! that refers to a name syncs its folder first.
//!
//! [`open`] alone knows which storage a location means. [`LocalStorage`] is a folder, [`MemoryStorage`] a map for tests. With the feature `testing` there
//! are also a recorder, a fault injector, turns for several programs at once, and the suite that every
//! storage has to pass.

mod budget;
mod choices;
mod crew;
mod local;
mod location;
mod memory;
mod name;
mod ranges;

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
#[cfg(any(test, feature = "testing"))]
pub mod far;
#[cfg(any(test, feature = "testing"))]
pub mod faults;
#[cfg(any(test, feature = "testing"))]
pub mod recorder;
#[cfg(any(test, feature = "testing"))]
pub mod turns;

use std::fmt;
use std::sync::Arc;

use crate::error::Result;
use crate::platform::Kind;

pub use budget::{ANSWERS_BYTES_MAX, Budget, Share};
pub use choices::Choices;
pub use crew::{ask_all, ask_both, ask_each, map_at_once, map_at_once_with, map_by, waits_for_answers, work_at_once};
pub use local::{Found, LocalStorage};
pub use location::{check_location, create, look_at_all, open};
pub use memory::{MemoryStorage, Promise};
pub use name::{LOCK, PRUNE_LOCK, is_temporary};
pub use ranges::{REQUEST_BYTES_MAX, Stretch, join_parts, join_ranges};

/// What a listing says of one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The name with its folders, as [`Storage::read`] takes it.
    pub name: String,
    /// The length of the object.
    pub bytes: u64,
}

/// Which temporary objects are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// Those in the folders where objects are begun: a few, so every run can look.
    WhereBegun,
    /// Also those in the folders of the packs, 256 of them. Nothing is begun there, but a copy may have brought some.
    Anywhere,
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Together with others that share.
    Shared,
    /// Alone.
    Exclusive,
}

/// A held lock; dropping it lets go. One of a folder ends with its process, so none is ever left behind.
pub trait Lock: Send + Sync + fmt::Debug {
    /// Whether it is still held, by a look at the storage. Who removes something, or publishes what relies on
    /// something, asks just before: a lock can be taken away from who holds it, by a time that is over or by
    /// somebody who removed its file.
    ///
    /// # Errors
    /// `Changed` when it is lost for good: others may hold it now; those of the storage, when it cannot say.
    fn still_holds(&self) -> Result<()>;
}

/// What the locks of a storage are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// The lock ends with the process that holds it, and not before, unless its file is taken away.
    Process,
    /// The same, but on a file system of this kind other machines may not see it.
    Here(Kind),
    /// It ends by itself when its holder does not renew it, who may learn of that late.
    Lease,
    /// It is granted to all and excludes nobody.
    None,
}

/// What a storage can do, and what it costs: the same as long as it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Properties {
    /// How many requests should be under way at once, so that waiting for the answers takes no longer than it must.
    /// 1 where an answer takes no time: as many as there are threads at work is right then.
    pub requests_at_once: usize,
    /// Bytes between two ranges that cost less to read along than a second request.
    pub gap_bytes: u64,
    /// What its locks are.
    pub lock: LockKind,
    /// Of two who give the same name at the same moment both may succeed, and the later one replaces what the
    /// first one wrote: it cannot decide between two writers.
    pub can_replace: bool,
    /// Nothing can be removed or set aside: both are `Denied`.
    pub is_append_only: bool,
}

/// An object that is being written and has no name yet. Dropping it without publishing removes
/// what was written.
pub trait Upload: Send {
    /// Adds `bytes` at the end.
    ///
    /// # Errors
    /// `Full` when there is no space; the upload is then useless and should be dropped.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// Makes the bytes durable, then gives them the name `name`. A name that exists already is left
    /// as it is and counts as success only when its length equals what was written (names are hashes
    /// of content); at the top, where names are no hashes, it is `Exists`. The name itself is durable after [`Storage::sync`] of its folder. A folder that
    /// is missing is made, because some tools leave out empty folders when they copy a repository.
    ///
    /// # Errors
    /// `Full`, `Denied`, `Exists` when the name is taken by something else, `Invalid` when the name
    /// does not lie below the area of this upload or an earlier write failed. A failed sync is never
    /// tried again.
    fn publish(self: Box<Self>, name: &str) -> Result<()>;
}

/// A place that holds named, immutable bytes. Methods are called from any thread.
///
/// Every method refuses, with `Invalid`, names that are absolute, have empty parts, `.`, `..` or
/// other characters, and objects named like a lock or a temporary.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Where it is, for people.
    fn location(&self) -> String;

    /// Bytes that tell this copy of a repository from another one, the same every time this copy is
    /// opened: what this machine caches about it is kept under a name made from them.
    fn identity(&self) -> Vec<u8>;

    /// What it can do, and what that costs.
    fn properties(&self) -> Properties;

    /// How many bytes can still be written, or nothing where that is not known.
    fn free_bytes(&self) -> Option<u64>;

    /// Makes a folder and its parents; one that exists is fine. It is durable after the next
    /// [`Storage::sync`] of any folder, so that making many of them costs one wait.
    fn create_folder(&self, folder: &str) -> Result<()>;

    /// Begins a new object that will be published somewhere below the top folder `area`
    /// (`packs`, `index`, …; empty for the top itself). Its temporary name is invisible to `list`.
    fn create(&self, area: &str) -> Result<Box<dyn Upload>>;

    /// Makes the names published in, and removed from, these folders durable, and the folders made
    /// since the last call. Folders are exact: `packs/3f`, `index`; the empty string is the top. The
    /// names of these folders themselves become durable too, whoever made them: it may have been a
    /// program that died before its own sync.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder. After a failure nobody knows what is durable, so every
    /// later sync and publish through this storage fails too.
    fn sync(&self, folders: &[String]) -> Result<()>;

    /// Reads a whole object of at most `max_bytes`.
    ///
    /// # Errors
    /// `NotFound`; `Damaged` when it is longer than `max_bytes`, before anything is allocated, or
    /// when the medium cannot read it.
    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>>;

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    /// `NotFound`; `Damaged` when the object ends before the buffer is full, or when the medium
    /// cannot read it.
    fn read_range(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// All objects below `folder`, sub-folders included, sorted by name. Temporary objects, lock
    /// files and names with other characters are not listed. A folder that is not there is empty.
    fn list(&self, folder: &str) -> Result<Vec<Listed>>;

    /// The length of the object `name`; none when a listing would not show it. For who knows the name: no folder
    /// is read, and the answer is that of now also where listings come late.
    fn stat(&self, name: &str) -> Result<Option<u64>>;

    /// Removes an object; one that is gone is fine. Durable after [`Storage::sync`] of its folder.
    fn remove(&self, name: &str) -> Result<()>;

    /// Gives an object another name, in another folder that is made when missing: for what is
    /// damaged and must not be lost. Durable after [`Storage::sync`] of both folders.
    ///
    /// # Errors
    /// `NotFound`; `Exists` when the new name is taken.
    fn set_aside(&self, name: &str, new_name: &str) -> Result<()>;

    /// Removes temporary objects whose writer is dead and says how many; those that are being
    /// written are left alone.
    fn remove_stale_temporaries(&self, stale: Stale) -> Result<u64>;

    /// Takes the lock `name` ([`LOCK`] or [`PRUNE_LOCK`]), waiting for it or not. Who wants to be
    /// interruptible asks again and again without waiting. Where nothing can be written (a read-only
    /// medium), a shared lock is granted without one: nobody else can write there either.
    ///
    /// # Errors
    /// `Busy` when it is held by another, in this process or elsewhere, and `wait` is false;
    /// `Interrupted` when a signal ended the wait.
    fn lock(&self, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>>;
}

#[deny(clippy::missing_trait_methods)]
impl<S: Storage + ?Sized> Storage for Arc<S> {
    fn location(&self) -> String {
        (**self).location()
    }

    fn identity(&self) -> Vec<u8> {
        (**self).identity()
    }

    fn properties(&self) -> Properties {
        (**self).properties()
    }

    fn free_bytes(&self) -> Option<u64> {
        (**self).free_bytes()
    }

    fn create_folder(&self, folder: &str) -> Result<()> {
        (**self).create_folder(folder)
    }

    fn create(&self, area: &str) -> Result<Box<dyn Upload>> {
        (**self).create(area)
    }

    fn sync(&self, folders: &[String]) -> Result<()> {
        (**self).sync(folders)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
        (**self).read(name, max_bytes)
    }

    fn read_range(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<()> {
        (**self).read_range(name, offset, buffer)
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        (**self).list(folder)
    }

    fn stat(&self, name: &str) -> Result<Option<u64>> {
        (**self).stat(name)
    }

    fn remove(&self, name: &str) -> Result<()> {
        (**self).remove(name)
    }

    fn set_aside(&self, name: &str, new_name: &str) -> Result<()> {
        (**self).set_aside(name, new_name)
    }

    fn remove_stale_temporaries(&self, stale: Stale) -> Result<u64> {
        (**self).remove_stale_temporaries(stale)
    }

    fn lock(&self, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>> {
        (**self).lock(name, mode, wait)
    }
}
