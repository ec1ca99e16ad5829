//! The verb about who can open a repository: adds, removes and replaces a key.
//!
//! It holds the lock that prunes take alone: two removals at once, each by the key that the other removes,
//! would leave no key at all. A new key is durable and has opened the repository before an old one goes.

mod outcome;
mod request;
mod run;

pub use outcome::Outcome;
pub use request::{Change, NewKey, Request};
pub use run::run;

use crate::error::Result;
use crate::repository::{Key, Repository, list_keys};

/// All keys, the oldest first.
///
/// # Errors
/// Those of the storage.
pub fn list(repository: &Repository) -> Result<Vec<Key>> {
    let mut keys = list_keys(&**repository.storage())?;
    keys.sort_by_key(|key| (key.slot().created_at, key.id()));
    Ok(keys)
}
