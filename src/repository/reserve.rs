//! Space that is set aside, so that a full disk can still be pruned.
//!
//! To remove packs, prune first writes a record and a new index: some bytes that a full disk does not
//! have. The object `reserve` in the top folder takes them at init and is removed when they are needed.
//! It is no part of the repository: nothing reads it, no size counts it, copies may leave it out.

use crate::crypto::random_bytes;
use crate::error::{ErrorKind, Result};
use crate::storage::Storage;
use crate::units::MIB;

/// The name of the object, in the top folder.
pub const RESERVE: &str = "reserve";
/// Enough for an index that names some hundred thousand chunks, several times.
pub const RESERVE_BYTES: u64 = 16 * MIB;
/// It is made when so many times its length is free: it shall not be what fills the disk.
const FREE_SHARE: u64 = 8;
/// It is written in pieces of this length.
const PIECE_BYTES: usize = 1 << 20;

/// Makes the reserve when there is none, there is plenty of space, and the storage says how much: one
/// that does not cannot be full in this way. Its bytes are noise, which no file system compresses or
/// stores once. Says whether it was made; a disk that is full all the same is no error.
///
/// # Errors
/// Those of the storage.
pub fn make_reserve(storage: &dyn Storage) -> Result<bool> {
    let has_room = storage.free_bytes().is_some_and(|free| free / FREE_SHARE >= RESERVE_BYTES);
    if !has_room || has_reserve(storage)? {
        return Ok(false);
    }
    match write_reserve(storage) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Full | ErrorKind::Exists) => Ok(false),
        Err(error) => Err(error),
    }
}

fn write_reserve(storage: &dyn Storage) -> Result<()> {
    let mut noise = blake3::Hasher::new_keyed(&random_bytes()?).finalize_xof();
    let mut piece = vec![0; PIECE_BYTES];
    let mut upload = storage.create("")?;
    for _ in 0..RESERVE_BYTES / PIECE_BYTES as u64 {
        noise.fill(&mut piece);
        upload.write(&piece)?;
    }
    upload.publish(RESERVE)?;
    storage.sync(&[String::new()])
}

fn has_reserve(storage: &dyn Storage) -> Result<bool> {
    match storage.read_range(RESERVE, 0, &mut []) {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives the space of the reserve back to the file system. False when there was none.
///
/// # Errors
/// Those of the storage.
pub fn release_reserve(storage: &dyn Storage) -> Result<bool> {
    if !has_reserve(storage)? {
        return Ok(false);
    }
    storage.remove(RESERVE)?;
    storage.sync(&[String::new()])?;
    Ok(true)
}

/// Does `work`; when it fails for lack of space and there is a reserve, once more without the reserve.
/// Work that is done twice must write its objects anew: a sync that failed is never tried again.
///
/// # Errors
/// Those of `work` and of the storage.
pub fn with_reserve<T>(storage: &dyn Storage, work: impl Fn() -> Result<T>) -> Result<T> {
    match work() {
        Err(error) if error.kind() == ErrorKind::Full && release_reserve(storage)? => work(),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::error::Error;
    use crate::storage::{LocalStorage, MemoryStorage};

    #[test]
    fn a_folder_has_one_reserve_that_is_given_back_once_and_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let storage = LocalStorage::create(&folder.path().join("repository")).unwrap();
        assert!(make_reserve(&storage).unwrap() && !make_reserve(&storage).unwrap());
        assert_eq!(storage.list("").unwrap()[0].bytes, RESERVE_BYTES);
        let tries = Cell::new(0);
        let full_once = || {
            tries.set(tries.get() + 1);
            if has_reserve(&storage)? { Err(Error::new(ErrorKind::Full, "full")) } else { Ok(()) }
        };
        with_reserve(&storage, full_once).unwrap();
        assert_eq!((tries.get(), storage.list("").unwrap().len()), (2, 0));
        let always_full = || -> Result<()> {
            tries.set(tries.get() + 1);
            Err(Error::new(ErrorKind::Full, "full"))
        };
        assert_eq!(with_reserve(&storage, always_full).unwrap_err().kind(), ErrorKind::Full);
        assert_eq!(tries.get(), 3, "without a reserve nothing is tried again");
        assert!(make_reserve(&storage).unwrap());
    }

    #[test]
    fn a_storage_that_does_not_say_how_much_is_free_has_no_reserve() {
        let storage = MemoryStorage::new();
        assert!(!make_reserve(&storage).unwrap() && !release_reserve(&storage).unwrap());
        assert_eq!(storage.list("").unwrap(), []);
    }
}
