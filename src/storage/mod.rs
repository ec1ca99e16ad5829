//! Named bytes below one location: the seam between a repository and where it lies.
//!
//! Everything in a repository is written once under its final name and later only read or removed,
//! so the trait is small: create and publish, read, list, remove, lock. Names are relative, with
//! `/` between folder and file, and made of ASCII letters, digits, `.`, `-` and `_`.
//!
//! Durability is explicit. [`Upload::publish`] makes the bytes durable and then gives them their
//! name; the *name* is durable only after [`Storage::sync`] of its folder. Whoever writes something
//! that refers to a name syncs its folder first.

use std::fmt;

use crate::error::Result;

/// What a listing says of one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The name with its folders, as [`Storage::read`] takes it.
    pub name: String,
    /// The length of the object.
    pub bytes: u64,
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Together with others that share.
    Shared,
    /// Alone.
    Exclusive,
}

/// A held lock; dropping it lets go. The kernel lets go when the process dies, so no lock is ever
/// left behind.
pub trait Lock: Send + Sync + fmt::Debug {}

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
    /// of content). The name itself is durable after [`Storage::sync`] of its folder.
    ///
    /// # Errors
    /// `Full`, `Denied`, `Exists` when the name is taken by another length. A failed sync is never
    /// tried again.
    fn publish(self: Box<Self>, name: &str) -> Result<()>;
}

/// A place that holds named, immutable bytes. Methods are called from any thread.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Where it is, for people.
    fn location(&self) -> String;

    /// Makes a folder and its parents durable; one that exists is fine.
    fn create_folder(&self, folder: &str) -> Result<()>;

    /// Begins a new object that will be published somewhere below the top folder `area`
    /// (`packs`, `index`, …; empty for the top itself). Its temporary name is invisible to `list`.
    fn create(&self, area: &str) -> Result<Box<dyn Upload>>;

    /// Makes the names published in, and removed from, these folders durable. Folders are exact:
    /// `packs/3f`, `index`; the empty string is the top.
    fn sync(&self, folders: &[String]) -> Result<()>;

    /// Reads a whole object of at most `max_bytes`.
    ///
    /// # Errors
    /// `NotFound`; `Damaged` when it is longer than `max_bytes`, before anything is allocated.
    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>>;

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    /// `NotFound`; `Damaged` when the object ends before the buffer is full.
    fn read_range(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// All objects below `folder`, sub-folders included, sorted by name. Temporary objects, lock
    /// files and names with other characters are not listed. A folder that is not there is empty.
    fn list(&self, folder: &str) -> Result<Vec<Listed>>;

    /// Removes an object; one that is gone is fine.
    fn remove(&self, name: &str) -> Result<()>;

    /// Takes the lock `name`, waiting for it or not. Where nothing can be written (a read-only
    /// medium), a shared lock is granted without one: nobody else can write there either.
    ///
    /// # Errors
    /// `Busy` when it is held by another and `wait` is false.
    fn lock(&self, name: &str, mode: LockMode, wait: bool) -> Result<Box<dyn Lock>>;
}
