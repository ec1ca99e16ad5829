//! Databases that are open while they are saved: how each kind is held, read, let go, and made usable again.
//!
//! A copy of the files of an open database is torn: its pages are of different moments. So each kind has a profile
//! that asks the database for a view of one moment ([`Profile::hold`]), gives what it holds as files ([`Held`]), and
//! says at the end what was held, of which moment, and for how long ([`Account`]). Nothing that a profile gives counts
//! before [`Held::finish`] has returned: an exit status may be bad after the last byte. Whatever happens, a database is
//! let go: by `finish`, or by dropping what is held.

mod command;
pub mod firebird;
mod held;
mod spool;
mod sqlite;

pub use crate::manifest::Account;
pub use command::{Chain, Dump};
pub use held::{Entry, EntryKind, Held, Profile};
pub use sqlite::{Sqlite, check_copy as check_sqlite_copy, remove_stale as remove_stale_sqlite};
