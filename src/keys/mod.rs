//! The verbs about who can open a repository: add, remove and change a key.
//!
//! Each holds the lock that prunes take alone: two removals at once, each by the key that the other removes,
//! would leave no key at all. A new key is durable and has opened the repository before an old one goes.

use crate::crypto::Argon2Cost;
use crate::error::{Error, ErrorKind, Result};
use crate::id::check_prefix;
use crate::progress::Progress;
use crate::repository::{Credential, Key, Repository, count_damaged_slots, list_keys, remove_slot};
use crate::storage::Lock;
use crate::units::Timestamp;

/// A key that shall be.
pub struct NewKey {
    /// What will open it.
    pub credential: Credential,
    /// What people call it; where nothing is said, nothing, or as the one that it replaces.
    pub label: Option<String>,
    /// What a guess at its password costs.
    pub cost: Argon2Cost,
}

/// A key that went.
pub struct Removed {
    /// The key that was removed, or the one that took its place.
    pub key: Key,
    /// Slots that cannot be read now. They may be of the key that went, and open again when they can.
    pub damaged_slots: usize,
    /// Other keys that the old password or key file still opens.
    pub still_opened: Vec<Key>,
}

/// All keys, the oldest first.
///
/// # Errors
/// Those of the storage.
pub fn list(repository: &Repository) -> Result<Vec<Key>> {
    let mut keys = list_keys(&**repository.storage())?;
    keys.sort_by_key(|key| (key.slot().created_at, key.id()));
    Ok(keys)
}

/// Adds a key.
///
/// # Errors
/// `Busy` when somebody else changes keys, or a prune runs; `Invalid` when there are as many as are looked at;
/// `Damaged` when it does not open: then it is gone again; `Unsupported`; those of the storage.
pub fn add(repository: &Repository, new: &NewKey, now: Timestamp, progress: &dyn Progress) -> Result<Key> {
    let _lock = lock(repository, progress)?;
    repository.add_key(&new.credential, new.label.as_deref().unwrap_or_default(), new.cost, now, None)
}

/// Removes the key whose id, or that of one of its slots, begins with `prefix`.
///
/// # Errors
/// As [`add`]; `NotFound`; `Invalid` for the last key and the one in use.
pub fn remove(repository: &Repository, prefix: &str, progress: &dyn Progress) -> Result<Removed> {
    let _lock = lock(repository, progress)?;
    let mut keys = list_keys(&**repository.storage())?;
    let at = find(&keys, prefix)?;
    repository.remove_key(&keys[at], &keys)?;
    Ok(Removed { key: keys.swap_remove(at), damaged_slots: count_damaged_slots(&**repository.storage())?, still_opened: Vec::new() })
}

/// Replaces the key in use, which `old` opens, by another.
///
/// # Errors
/// As [`add`]; `Changed` when the key in use was removed meanwhile.
pub fn change(repository: &Repository, old: &Credential, new: &NewKey, now: Timestamp, progress: &dyn Progress) -> Result<Removed> {
    let _lock = lock(repository, progress)?;
    let storage = &**repository.storage();
    let keys = list_keys(storage)?;
    let removed = || Error::new(ErrorKind::Changed, "the key that opened the repository was removed by somebody else meanwhile");
    let in_use = keys.iter().find(|key| repository.is_in_use(key)).ok_or_else(removed)?;
    let label = new.label.as_ref().unwrap_or(&in_use.slot().label);
    let key = repository.add_key(&new.credential, label, new.cost, now, Some(in_use))?;
    remove_slot(storage, &in_use.id())?;
    let mut still_opened = repository.keys_opened_by(old)?;
    still_opened.retain(|other| other.id() != key.id());
    Ok(Removed { key, damaged_slots: count_damaged_slots(storage)?, still_opened })
}

fn lock(repository: &Repository, progress: &dyn Progress) -> Result<Box<dyn Lock>> {
    repository.facts().check_understood()?;
    repository.lock_alone(progress)
}

fn find(keys: &[Key], prefix: &str) -> Result<usize> {
    check_prefix(prefix)?;
    let mut found = keys.iter().enumerate().filter(|(_, key)| key.slots().any(|id| id.to_string().starts_with(prefix)));
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Ok(at),
        (Some(_), Some(_)) => Err(Error::new(ErrorKind::Invalid, format!("several keys begin with {prefix}"))),
        (None, _) => Err(Error::new(ErrorKind::NotFound, format!("there is no key `{}`; see `repo key list`", prefix.escape_debug()))),
    }
}
