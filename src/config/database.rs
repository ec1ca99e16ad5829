//! A database of a job.

use std::path::PathBuf;

use super::password::Password;
use super::values::{Floor, Length, Schedule};

/// Which kind of database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// Firebird 3 or later.
    Firebird,
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgresql,
    /// MariaDB or MySQL.
    Mariadb,
    /// Whatever programs print.
    Command,
}

impl DatabaseKind {
    /// The kinds by the names that a configuration has for them.
    pub(super) const NAMES: [(&'static str, Self); 5] = [
        ("firebird", Self::Firebird),
        ("sqlite", Self::Sqlite),
        ("postgresql", Self::Postgresql),
        ("mariadb", Self::Mariadb),
        ("command", Self::Command),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// Who reads a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user in the database.
    pub user: String,
    /// Where the password is; none is needed where there is none.
    pub password: Option<Password>,
}

/// A question to the restored copy, and what the answer must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// A query with one answer.
    pub query: String,
    /// At least so many hundredths of the last answer.
    pub of_last: Option<u8>,
    /// At least this.
    pub at_least: Option<u64>,
    /// A date that is not older than this.
    pub newer_than: Option<Length>,
}

/// A database that is saved while it is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// Which kind it is.
    pub kind: DatabaseKind,
    /// Its name, which is that of its folder in a snapshot.
    pub name: String,
    /// Where it is, for those that are asked over a socket: `host:path`, `host:port/path`, a name.
    pub address: Option<String>,
    /// The file or folder, for those that are one.
    pub path: Option<PathBuf>,
    /// Who reads it.
    pub login: Option<Login>,
    /// How it is read; the best way where nothing is said.
    pub method: Option<String>,
    /// When it is read row by row as well.
    pub logical: Option<Schedule>,
    /// Below this it does not count.
    pub floor: Option<Floor>,
    /// What is asked of restored copies.
    pub assertions: Vec<Assertion>,
    /// The programs whose output it is, each with its arguments, the output of one into the next.
    pub run: Vec<Vec<String>>,
    /// A line for a shell in their place.
    pub shell: Option<String>,
    /// The name of its file.
    pub file: Option<String>,
    /// How long it may take.
    pub timeout: Option<Length>,
    /// The user of this machine whose rights its programs have.
    pub user: Option<String>,
    /// From when on a hold is too long.
    pub alarm: Option<Length>,
    /// Where it is spooled.
    pub scratch: Option<PathBuf>,
}
