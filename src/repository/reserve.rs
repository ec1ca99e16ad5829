//! Space that is set aside, so that a full disk can still be pruned.
//!
//! To remove packs, prune first writes a record and a new index: some bytes that a full disk does not
//! have. The object `reserve` in the top folder takes them early and is removed when they are needed.
//! It is no part of the repository: nothing reads it, no size counts it, copies may leave it out. Its
//! length follows the packs, because the index does: a large one in a small repository would be waste.

use crate::crypto::random_bytes;
use crate::error::{ErrorKind, Result};
use crate::storage::Storage;
use crate::units::{KIB, MIB};

/// The name of the object, in the top folder.
pub const RESERVE: &str = "reserve";
/// Its least length: some records, and the index of some thousand chunks.
pub const RESERVE_BYTES_MIN: u64 = 256 * KIB;
/// Its greatest length, enough for an index that names some hundred thousand chunks, several times:
/// prune replaces only segments that name packs which go.
pub const RESERVE_BYTES_MAX: u64 = 16 * MIB;
/// In between it is this share of the packs. An index of the smallest usual chunks is about as much.
const PACKS_SHARE: u64 = 256;
/// It is made when so many times its length is free: it shall not be what fills the disk.
const FREE_SHARE: u64 = 8;
/// It is written in pieces of this length.
const PIECE_BYTES: usize = 256 << 10;

/// Makes the reserve that packs of `pack_bytes` in all need, when there is none or it is less than half
/// as long, there is plenty of space, and the storage says how much: one that does not cannot be full in
/// this way. Its bytes are noise, which no file system compresses or stores once. Says whether it was
/// made; a disk that is full all the same is no error.
///
/// # Errors
/// Those of the storage.
pub fn make_reserve(storage: &dyn Storage, pack_bytes: u64) -> Result<bool> {
    let wanted_bytes = (pack_bytes / PACKS_SHARE).clamp(RESERVE_BYTES_MIN, RESERVE_BYTES_MAX);
    let has_room = storage.free_bytes().is_some_and(|free| free / FREE_SHARE >= wanted_bytes);
    if !has_room || reserved_bytes(storage)?.is_some_and(|bytes| bytes >= wanted_bytes / 2) {
        return Ok(false);
    }
    // Names are never written over. Without it for a moment, nothing is lost.
    match release_reserve(storage).and_then(|_| write_reserve(storage, wanted_bytes)) {
        Ok(()) => Ok(true),
        // Another run that ends now does the same.
        Err(error) if matches!(error.kind(), ErrorKind::Full | ErrorKind::Exists | ErrorKind::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

fn write_reserve(storage: &dyn Storage, bytes: u64) -> Result<()> {
    let mut noise = blake3::Hasher::new_keyed(&random_bytes()?).finalize_xof();
    let mut piece = vec![0; PIECE_BYTES];
    let mut upload = storage.create("")?;
    for _ in 0..bytes.div_ceil(PIECE_BYTES as u64) {
        noise.fill(&mut piece);
        upload.write(&piece)?;
    }
    upload.publish(RESERVE)?;
    storage.sync(&[String::new()])
}

fn reserved_bytes(storage: &dyn Storage) -> Result<Option<u64>> {
    Ok(storage.list("")?.into_iter().find(|listed| listed.name == RESERVE).map(|listed| listed.bytes))
}

/// Gives the space of the reserve back to the file system. False when there was none.
///
/// # Errors
/// Those of the storage.
pub fn release_reserve(storage: &dyn Storage) -> Result<bool> {
    if reserved_bytes(storage)?.is_none() {
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
        assert!(make_reserve(&storage, 0).unwrap() && !make_reserve(&storage, 0).unwrap());
        assert_eq!(reserved_bytes(&storage).unwrap(), Some(RESERVE_BYTES_MIN));
        let tries = Cell::new(0);
        let full_once = || {
            tries.set(tries.get() + 1);
            if reserved_bytes(&storage)?.is_some() { Err(Error::new(ErrorKind::Full, "full")) } else { Ok(()) }
        };
        with_reserve(&storage, full_once).unwrap();
        assert_eq!((tries.get(), storage.list("").unwrap().len()), (2, 0));
        let always_full = || -> Result<()> {
            tries.set(tries.get() + 1);
            Err(Error::new(ErrorKind::Full, "full"))
        };
        assert_eq!(with_reserve(&storage, always_full).unwrap_err().kind(), ErrorKind::Full);
        assert_eq!(tries.get(), 3, "without a reserve nothing is tried again");
        assert!(make_reserve(&storage, 0).unwrap());
    }

    #[test]
    fn a_reserve_grows_with_the_packs_in_steps_up_to_a_limit_and_never_shrinks() {
        let folder = tempfile::tempdir().unwrap();
        let storage = LocalStorage::create(&folder.path().join("repository")).unwrap();
        let after = |pack_bytes| {
            let is_made = make_reserve(&storage, pack_bytes).unwrap();
            (is_made, reserved_bytes(&storage).unwrap().unwrap())
        };
        assert_eq!(after(0), (true, 256 * KIB));
        assert_eq!(after(100 * MIB), (false, 256 * KIB), "more than half of what is wanted is there");
        assert_eq!(after(512 * MIB), (true, 2 * MIB));
        assert_eq!(after(u64::MAX), (true, RESERVE_BYTES_MAX));
        assert_eq!(after(0), (false, RESERVE_BYTES_MAX));
    }

    #[test]
    fn a_storage_that_does_not_say_how_much_is_free_has_no_reserve() {
        let storage = MemoryStorage::new();
        assert!(!make_reserve(&storage, 0).unwrap() && !release_reserve(&storage).unwrap());
        assert_eq!(storage.list("").unwrap(), []);
    }
}
