//! Checks the small objects: name, seal, and what is in them.

use crate::cancel::check_cancelled;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::names::expected_hash;
use super::outcome::{DamagedObject, NoteAbout, Outcome};
use crate::error::{Error, Result};
use crate::id::SnapshotId;
use crate::manifest::{Content, Record};
use crate::pack::{ObjectKind, open_object};
use crate::progress::Progress;
use crate::repository::{KEYS, KeySlot, RECORDS, Repository, SNAPSHOTS};
use crate::storage::{Listed, map_at_once};
use crate::wire;

/// Slots and records are never longer.
const SLOT_BYTES_MAX: u64 = 64 << 10;
const RECORD_BYTES_MAX: u64 = 8 << 20;

/// How one object is looked at: its listing and the hash that it must have.
pub type Look<'a> = dyn Fn(&Listed, [u8; 32]) -> Result<()> + Sync + 'a;

/// What is wrong with the object `name`, without saying its name again.
pub fn problem_of(name: &str, error: &Error) -> String {
    match error.why() {
        Some(why) if error.subject() == Some(name) => why.to_owned(),
        _ => error.to_string(),
    }
}

/// Looks at every object of `folder` and returns how many there are. One that is gone when it is
/// read, and is not listed any more, was removed meanwhile and does not count. One that is damaged
/// is looked at twice.
///
/// # Errors
/// Those of `look` and of the storage that are no damage.
pub fn check_folder(repository: &Repository, folder: &str, look: &Look<'_>, outcome: &mut Outcome, progress: &dyn Progress) -> Result<u64> {
    let storage = &**repository.storage();
    let mut objects = Vec::new();
    for listed in storage.list(folder)?.into_iter().filter(|listed| !repository.objects().passes_over(&listed.name)) {
        match expected_hash(folder, &listed.name) {
            Some(hash) => objects.push((listed, hash)),
            None => outcome.notes.push(NoteAbout { name: listed.name, message: "it is not named as an object and left alone".to_owned() }),
        }
    }
    progress.add_total(objects.len() as u64, 0);
    let (damaged, slow) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let count = map_at_once(storage, &objects, |(listed, hash)| {
        check_cancelled(progress)?;
        let looked = look(listed, *hash);
        progress.add_done(1, 0);
        match looked {
            Ok(()) => Ok(1),
            Err(error) if error.is_not_found() && storage.stat(&listed.name)?.is_none() => Ok(0),
            // A disk that could not read for a moment must not cost an object that is whole.
            Err(error) if error.is_damage() && look(listed, *hash).is_ok() => {
                let message = format!("it could be read only at the second try: {}", problem_of(&listed.name, &error));
                slow.lock().unwrap_or_else(PoisonError::into_inner).push(NoteAbout { name: listed.name.clone(), message });
                Ok(1)
            }
            Err(error) if error.is_damage() => {
                let object = DamagedObject { name: listed.name.clone(), problem: problem_of(&listed.name, &error) };
                damaged.lock().unwrap_or_else(PoisonError::into_inner).push(object);
                Ok(1)
            }
            Err(error) => Err(error.context(&listed.name)),
        }
    })?;
    outcome.damaged.append(&mut damaged.into_inner().unwrap_or_else(PoisonError::into_inner));
    outcome.notes.append(&mut slow.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(count.into_iter().sum())
}

/// Checks the key slots and the records.
///
/// # Errors
/// As [`check_folder`].
pub fn check_keys_and_records(repository: &Repository, outcome: &mut Outcome, progress: &dyn Progress) -> Result<()> {
    let storage = &**repository.storage();
    let look_at_slot = |listed: &Listed, hash: [u8; 32]| {
        let bytes = storage.read(&listed.name, SLOT_BYTES_MAX)?;
        if blake3::hash(&bytes).as_bytes() != &hash {
            return Err(Error::damaged(&listed.name, "its bytes do not have the hash that is its name"));
        }
        KeySlot::decode(&bytes, &listed.name).map(|_| ())
    };
    outcome.keys = check_folder(repository, KEYS, &look_at_slot, outcome, progress)?;
    let look_at_record = |listed: &Listed, hash: [u8; 32]| {
        let bytes = storage.read(&listed.name, RECORD_BYTES_MAX)?;
        let plain = open_object(repository.keys(), ObjectKind::Record, bytes, &hash, RECORD_BYTES_MAX, &listed.name)?;
        Record::decode(&plain).map(|_| ())
    };
    outcome.records = check_folder(repository, RECORDS, &look_at_record, outcome, progress)?;
    Ok(())
}

/// Checks the manifests and returns what their top-level entries hold.
///
/// # Errors
/// As [`check_folder`].
pub fn check_manifests(repository: &Repository, outcome: &mut Outcome, progress: &dyn Progress) -> Result<Vec<Content>> {
    let roots = Mutex::new(HashSet::new());
    let contents = Mutex::new(Vec::new());
    let look = |listed: &Listed, hash: [u8; 32]| {
        let manifest = repository.objects().read_manifest(&SnapshotId(hash))?;
        if repository.keys().identify.root(&wire::encode(&manifest.entries)) != manifest.root {
            return Err(Error::damaged(&listed.name, "its entries do not have the hash that it says"));
        }
        // Snapshots with the same root hold exactly the same.
        if roots.lock().unwrap_or_else(PoisonError::into_inner).insert(manifest.root) {
            contents.lock().unwrap_or_else(PoisonError::into_inner).extend(manifest.entries.into_iter().map(|entry| entry.node.content));
        }
        Ok(())
    };
    outcome.snapshots = check_folder(repository, SNAPSHOTS, &look, outcome, progress)?;
    Ok(contents.into_inner().unwrap_or_else(PoisonError::into_inner))
}
