//! SQLite: one read transaction from the first page to the last, whoever writes meanwhile.
//!
//! The pages come from the database itself (`sqlite_dbpage`), in order, as they are at one moment: what lies in the
//! write-ahead log is in them, and what is committed later is not. A thread of its own reads them into a spool, so that
//! the transaction is as short as the reading and not as long as a slow repository: it keeps the log from being reset, and
//! in the older journal mode it keeps writers from committing.

mod copy;
mod hold;
mod open;
mod profile;

pub use copy::{check_copy, remove_stale};
pub use profile::Sqlite;
