//! What a profile of a database is asked for, and what it gives.

use crate::cancel::Cancel;
use crate::error::Result;
use crate::manifest::Account;
use crate::progress::Progress;
use crate::units::Timestamp;

/// One database and the way it is saved.
pub trait Profile: Send + Sync {
    /// The name that the configuration gives it: the folder of its files in a snapshot.
    fn name(&self) -> &str;

    /// Which kind of database it is: `firebird`, `sqlite`, `postgresql`, `mariadb`, `command`.
    fn kind(&self) -> &'static str;

    /// Files of this machine that this profile saves or that are of no use without it (the database, its journal, its
    /// delta), as absolute paths: a walk that comes by leaves them out.
    fn covers(&self) -> Vec<Vec<u8>>;

    /// Says what would be done, after a look at whether it can be: tools, access, space. Changes nothing.
    ///
    /// # Errors
    /// What keeps it from being saved, with what to do about it.
    fn foresee(&self, cancel: &dyn Cancel) -> Result<String>;

    /// Holds the database at one moment and returns what is to be read of it.
    ///
    /// # Errors
    /// What keeps it from being saved. Then nothing is held.
    fn hold<'p>(&'p self, progress: &'p dyn Progress) -> Result<Box<dyn Held + 'p>>;
}

/// A database that is held. Dropping it lets the database go.
pub trait Held: Send {
    /// The next entry; folders come before what is in them. What was not read of the entry before is passed over.
    ///
    /// # Errors
    /// What went wrong with the database; then nothing of it may be committed.
    fn next_entry(&mut self) -> Result<Option<Entry>>;

    /// Reads on in the file that [`Held::next_entry`] returned last; 0 at its end.
    ///
    /// # Errors
    /// As [`Held::next_entry`].
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize>;

    /// Lets the database go, after the last entry was read, and says what it was.
    ///
    /// # Errors
    /// When what was given is not whole after all, as only now shows; then nothing of it may be committed.
    fn finish(self: Box<Self>) -> Result<Account>;
}

/// One file or folder of a database, as it stands in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the folder of the database, parts joined by `/`: `STORE.FDB`, `base/16384/2619`.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Its permission bits.
    pub mode: u32,
    /// When its content last changed.
    pub mtime: Timestamp,
}

/// What an entry of a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file; its length where that is known before it is read.
    File(Option<u64>),
    /// A symbolic link and where it leads.
    Link(Vec<u8>),
}
