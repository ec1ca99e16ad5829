//! Firebird: saved while people work with it, either page by page or as a stream of all rows.
//!
//! Page by page, the server freezes the file and writes elsewhere until it is told to merge. That lock is what can go
//! wrong: it has to be short ([`Limits`]), to be released on every way out, and never to be taken away from somebody else
//! ([`release_leftovers`]). A copy of a frozen file is made usable in one place only, which cannot reach a file that
//! anybody works with ([`clear_lock`]).

mod address;
mod asked;
mod check;
mod finish;
mod frozen;
mod gbak;
mod header;
mod lock;
mod lock_record;
mod logical;
mod made_usable;
mod messages;
mod nbackup;
mod profile;
mod release;
mod server;
mod settings;
mod spool;
mod tools;
mod unlock;
mod versions;

pub use address::{Address, Server};
pub use check::{Checked, Workshop, look_through};
pub use finish::{Finished, finish_copy};
pub use header::{Header, LockId, State};
pub use logical::{Restored, restore_logical};
pub use made_usable::{NewCopy, Usable, clear_lock};
pub use messages::{Rows, rows_in_facts};
pub use release::{Leftover, What, release_leftovers};
pub use settings::{Firebird, Folders, Limits, Login, Method, Password, Step};
pub use versions::known_defects;
