//! What a run saved of databases that were open: how each was held, and of which moment it is.
//!
//! It stands in an extension of the manifest. The files themselves are entries of the snapshot, below
//! [`DATABASES_FOLDER`].

use serde::{Deserialize, Serialize};

use super::run::Manifest;
use crate::error::Result;
use crate::units::Timestamp;
use crate::wire;

/// The folder of a snapshot in which databases stand, each in a folder of its name.
pub const DATABASES_FOLDER: &[u8] = b"/databases";

/// The folder of a snapshot in which its run left word of itself: the configuration and the facts of the machine.
pub const NOTES_FOLDER: &[u8] = b"/.repo";

/// The extension of a manifest.
const MANIFEST_DATABASES: u16 = 20;

/// What was saved of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name that the configuration gives it: the folder of its files.
    pub name: String,
    /// Which kind of database it is: `firebird`, `sqlite`, `postgresql`, `mariadb`, `command`.
    pub kind: String,
    /// How it was read: `nbackup`, `gbak`, `pages`, `pg_dump`, `pg_basebackup` …
    pub method: String,
    /// Where the database is: a path or an address, without passwords.
    pub origin: String,
    /// The version of the server or engine, as it says itself.
    pub version: String,
    /// The moment before which everything that was committed is in it.
    pub begun_at: Timestamp,
    /// The moment after which nothing is in it.
    pub ended_at: Timestamp,
    /// Bytes of its files.
    pub bytes: u64,
    /// What else is worth knowing, as (name, value): `hold-ms`, `delta-bytes`, `merge-ms`, `begin-lsn` …
    pub facts: Vec<(String, String)>,
}

/// What was saved of a database, and how many files that are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedDatabase {
    /// What its profile says of it.
    pub account: Account,
    /// Regular files in its folder.
    pub files: u64,
}

impl SavedDatabase {
    /// The folder of its files in the snapshot.
    pub fn folder(&self) -> Vec<u8> {
        database_folder(&self.account.name)
    }
}

/// The folder in a snapshot of the database `name`.
pub fn database_folder(name: &str) -> Vec<u8> {
    [DATABASES_FOLDER, b"/", name.as_bytes()].concat()
}

impl Manifest {
    /// Says which databases it holds.
    pub fn set_databases(&mut self, databases: &[SavedDatabase]) {
        if !databases.is_empty() {
            self.extensions.set(MANIFEST_DATABASES, wire::encode(&databases));
        }
    }

    /// The databases that it holds, in the order in which they were saved.
    ///
    /// # Errors
    /// `Damaged` when they cannot be decoded.
    pub fn databases(&self) -> Result<Vec<SavedDatabase>> {
        let told = self.extensions.get(MANIFEST_DATABASES);
        told.map_or_else(|| Ok(Vec::new()), |bytes| wire::decode(bytes, "what a manifest says of databases"))
    }
}
