//! Which packs are there, and what a pack says that it holds.

use std::collections::HashMap;

use crate::crypto::Algorithm;
use crate::error::{ErrorKind, Result};
use crate::id::PackId;
use crate::index::IndexedPack;
use crate::pack::read_directory;
use crate::repository::layout;
use crate::repository::objects::Objects;
use crate::storage::{Storage, ask_each, waits_for_answers};

/// What is hashed is read in parts of this length.
const READ_BYTES: u64 = 1 << 20;

/// The packs that were there when it was made, with their lengths.
#[derive(Clone, Debug, Default)]
pub struct PackListing {
    packs: HashMap<PackId, u64>,
}

impl PackListing {
    /// Lists the packs of a repository. Taken after the lock, it stays true until the lock is let go,
    /// but for packs that are added.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn read(storage: &dyn Storage) -> Result<Self> {
        let listed = layout::list_ids(storage, layout::PACKS, PackId::parse)?;
        // A pack that was moved to another folder cannot be found by its id: it is not there.
        let in_place = listed.into_iter().filter(|(id, listed)| listed.name == layout::pack_name(id));
        Ok(Self { packs: in_place.map(|(id, listed)| (id, listed.bytes)).collect() })
    }

    /// Packs and their lengths.
    pub fn packs(&self) -> &HashMap<PackId, u64> {
        &self.packs
    }

    /// Adds a pack that was written after the listing was made.
    pub fn add(&mut self, id: PackId, bytes: u64) {
        self.packs.insert(id, bytes);
    }

    /// How many of them are not there any more, or have another length, by a look at each.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn count_gone(&self, storage: &dyn Storage) -> Result<usize> {
        let mut packs: Vec<(&PackId, u64)> = self.packs.iter().map(|(id, bytes)| (id, *bytes)).collect();
        // Folder by folder.
        packs.sort_unstable();
        if waits_for_answers(storage) {
            // A listing tells of a thousand in one answer. It may come late, so it only says which are there.
            let listed = Self::read(storage)?.packs;
            packs.retain(|(id, bytes)| listed.get(id) != Some(bytes));
        }
        let is_gone = |(id, bytes): &(&PackId, u64)| Ok(storage.stat(&layout::pack_name(id))? != Some(*bytes));
        Ok(ask_each(storage, &packs, is_gone)?.into_iter().filter(|is_gone| *is_gone).count())
    }

    /// The sum of their lengths.
    pub fn stored_bytes(&self) -> u64 {
        self.packs.values().sum()
    }
}

/// What the directory of a pack says that it holds, where something proves it: the seal, or without
/// encryption the hash of the whole pack. `None` when it cannot be read, or nothing does.
///
/// # Errors
/// Those of the storage that are no damage.
pub(in crate::repository) fn read_proven_contents(objects: &Objects, id: PackId, bytes: u64) -> Result<Option<IndexedPack>> {
    let is_sealed = objects.keys().algorithm != Algorithm::None;
    if is_sealed {
        return read_contents(objects, id, bytes);
    }
    read_whole_contents(objects, id, bytes)
}

/// As [`read_contents`], of a pack all of whose bytes are read and are those that it is named after: for somebody
/// who relies on its chunks and has never had them.
///
/// # Errors
/// Those of the storage that are no damage.
pub(in crate::repository) fn read_whole_contents(objects: &Objects, id: PackId, bytes: u64) -> Result<Option<IndexedPack>> {
    if has_hash(&**objects.storage(), &layout::pack_name(&id), bytes, &id.0)? { read_contents(objects, id, bytes) } else { Ok(None) }
}

/// Whether the bytes of an object have the hash that is its name.
pub(in crate::repository) fn has_hash(storage: &dyn Storage, name: &str, bytes: u64, hash: &[u8; 32]) -> Result<bool> {
    // Most are far shorter: a run reads each index segment, and their number grows with the snapshots.
    let (mut hasher, mut at, mut buffer) = (blake3::Hasher::new(), 0, vec![0; bytes.min(READ_BYTES) as usize]);
    while at < bytes {
        let part = (bytes - at).min(buffer.len() as u64) as usize;
        match storage.read_range(name, at, &mut buffer[..part]) {
            Ok(()) => hasher.update(&buffer[..part]),
            Err(error) if error.is_damage() => return Ok(false),
            Err(error) => return Err(error),
        };
        at += part as u64;
    }
    Ok(hasher.finalize().as_bytes() == hash)
}

/// What the directory of a pack says that it holds; `None` when it cannot be read.
///
/// # Errors
/// Those of the storage that are no damage.
pub(in crate::repository) fn read_contents(objects: &Objects, id: PackId, bytes: u64) -> Result<Option<IndexedPack>> {
    match read_directory(&**objects.storage(), objects.keys(), &layout::pack_name(&id), bytes) {
        Ok((directory, kind, (data_begin, data_end))) => {
            Ok(Some(IndexedPack { id, kind, bytes, data_begin, data_end, frames: directory.frames }))
        }
        // A flipped bit in a header can look like a later version or a key that nobody has.
        Err(error) if error.is_damage() || matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::WrongKey) => Ok(None),
        Err(error) => Err(error),
    }
}
