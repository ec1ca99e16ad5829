//! Checks objects against their names, for who has the repository but not the password: the owner of
//! a server, a cron job on the disk's other end.
//!
//! Every object is named by the hash of its bytes. That finds all accidental damage; who changes
//! objects on purpose can rename them too, which only a check with the password notices.

use crate::cancel::check_cancelled;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome::{DamagedObject, NoteAbout};
use crate::error::{Error, ErrorKind, Result};
use crate::id::from_hex;
use crate::progress::{Progress, Stage};
use crate::repository::{INDEX, KEYS, PACKS, RECORDS, SNAPSHOTS};
use crate::storage::{Listed, Storage, map_at_once_with};

/// Objects are hashed in pieces of this length, one for each thread.
const PIECE_BYTES: usize = 1 << 20;

/// What a check of names did and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamesOutcome {
    /// Objects that were read.
    pub objects: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Objects whose bytes do not have the hash that is their name; sorted.
    pub damaged: Vec<DamagedObject>,
    /// What else lies in these folders; sorted.
    pub notes: Vec<NoteAbout>,
}

/// Checks that every object has the hash that is its name. Needs no password.
///
/// # Errors
/// Those of the storage; `Interrupted`; `NoRepository` when no object is there at all.
pub fn check_names(storage: &dyn Storage, progress: &dyn Progress) -> Result<NamesOutcome> {
    progress.stage(Stage::CheckNames);
    let mut outcome = NamesOutcome::default();
    let mut objects = Vec::new();
    for folder in [KEYS, RECORDS, SNAPSHOTS, INDEX, PACKS] {
        for listed in storage.list(folder)? {
            match expected_hash(folder, &listed.name) {
                Some(hash) => objects.push((listed, hash)),
                None => outcome.notes.push(NoteAbout { name: listed.name, message: "it is not named as an object".to_owned() }),
            }
        }
    }
    if objects.is_empty() {
        return Err(Error::new(ErrorKind::NoRepository, format!("there is no repository at {}", storage.location())));
    }
    progress.add_total(objects.len() as u64, objects.iter().map(|(listed, _)| listed.bytes).sum());
    progress.end_total();
    let (bytes, done, damaged) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Vec::new()));
    map_at_once_with(
        storage,
        &objects,
        || vec![0; PIECE_BYTES],
        |buffer, (listed, hash)| {
            let problem = match hash_object(storage, listed, buffer, progress) {
                Ok(found) if found == *hash => None,
                Ok(_) => Some("its bytes do not have the hash that is its name".to_owned()),
                // Listed, and gone since: somebody removed it, which no check can be told from damage.
                Err(error) if error.is_not_found() && storage.stat(&listed.name)?.is_none() => return Ok(()),
                Err(error) if error.is_damage() => Some(error.to_string()),
                Err(error) => return Err(error),
            };
            done.fetch_add(1, Ordering::Relaxed);
            bytes.fetch_add(listed.bytes, Ordering::Relaxed);
            if let Some(problem) = problem {
                let object = DamagedObject { name: listed.name.clone(), problem };
                // A list of finished answers.
                damaged.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(object);
            }
            progress.add_done(1, 0);
            Ok(())
        },
    )?;
    outcome.objects = done.into_inner();
    outcome.bytes = bytes.into_inner();
    outcome.damaged = damaged.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    outcome.damaged.sort_by(|a, b| a.name.cmp(&b.name));
    outcome.notes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(outcome)
}

/// The hash that the object `name` of `folder` must have, if it is one.
pub fn expected_hash(folder: &str, name: &str) -> Option<[u8; 32]> {
    let rest = name.strip_prefix(folder)?.strip_prefix('/')?;
    let digits = if folder == PACKS { rest.split_once('/').filter(|(first, digits)| digits.get(..2) == Some(first))?.1 } else { rest };
    from_hex(digits)
}

fn hash_object(storage: &dyn Storage, listed: &Listed, buffer: &mut [u8], progress: &dyn Progress) -> Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    while at < listed.bytes {
        check_cancelled(progress)?;
        let piece = (listed.bytes - at).min(buffer.len() as u64) as usize;
        storage.read_range(&listed.name, at, &mut buffer[..piece])?;
        hasher.update(&buffer[..piece]);
        progress.add_done(0, piece as u64);
        at += piece as u64;
    }
    Ok(*hasher.finalize().as_bytes())
}
