//! A change of keys, under the lock.

use super::outcome::Outcome;
use super::request::{Change, NewKey, Request};
use crate::error::{Error, ErrorKind, Result};
use crate::id::check_prefix;
use crate::progress::Progress;
use crate::repository::{Credential, Key, Repository, count_damaged_slots, list_keys, remove_slot};
use crate::storage::Lock;
use crate::units::Timestamp;

/// Changes the keys as `request` says.
///
/// # Errors
/// `Busy` when somebody else changes keys, or a prune runs; `Invalid` when there are as many as are looked at, and for the
/// removal of the last key or the one in use; `NotFound` for one that is not there; `Changed` when the key in use was
/// removed meanwhile; `Damaged` when the new one does not open: then it is gone again; `Unsupported`; those of the storage.
pub fn run(repository: &Repository, request: &Request, progress: &dyn Progress) -> Result<Outcome> {
    let _lock = lock(repository, progress)?;
    let now = (request.clock)();
    match &request.change {
        Change::Add(new) => {
            let key = repository.add_key(&new.credential, new.label.as_deref().unwrap_or_default(), new.cost, now, None)?;
            Ok(Outcome { key, damaged_slots: 0, still_opened: Vec::new() })
        }
        Change::Remove(prefix) => remove(repository, prefix),
        Change::Replace { old, new } => replace(repository, old, new, now),
    }
}

fn remove(repository: &Repository, prefix: &str) -> Result<Outcome> {
    let mut keys = list_keys(&**repository.storage())?;
    let at = find(&keys, prefix)?;
    repository.remove_key(&keys[at], &keys)?;
    Ok(Outcome { key: keys.swap_remove(at), damaged_slots: count_damaged_slots(&**repository.storage())?, still_opened: Vec::new() })
}

fn replace(repository: &Repository, old: &Credential, new: &NewKey, now: Timestamp) -> Result<Outcome> {
    let storage = &**repository.storage();
    let keys = list_keys(storage)?;
    let removed = || Error::new(ErrorKind::Changed, "the key that opened the repository was removed by somebody else meanwhile");
    let in_use = keys.iter().find(|key| repository.is_in_use(key)).ok_or_else(removed)?;
    let label = new.label.as_ref().unwrap_or(&in_use.slot().label);
    let key = repository.add_key(&new.credential, label, new.cost, now, Some(in_use))?;
    remove_slot(storage, &in_use.id())?;
    let mut still_opened = repository.keys_opened_by(old)?;
    still_opened.retain(|other| other.id() != key.id());
    Ok(Outcome { key, damaged_slots: count_damaged_slots(storage)?, still_opened })
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
