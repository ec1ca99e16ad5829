//! Names of the objects of a repository: the one place that knows which folder is for what.

use crate::error::{Error, ErrorKind, Result};
use crate::id::{PackId, RecordId, SegmentId, SlotId, SnapshotId, to_hex};
use crate::pack::OBJECT_MAGIC;
use crate::storage::{Listed, Storage};

/// The description of the repository.
pub const DESCRIPTION: &str = "repository.json";
/// Folder of packs; each lies in the sub-folder of the first two digits of its id.
pub const PACKS: &str = "packs";
/// Folder of index segments.
pub const INDEX: &str = "index";
/// Folder of manifests.
pub const SNAPSHOTS: &str = "snapshots";
/// Folder of records.
pub const RECORDS: &str = "records";
/// Folder of what a repair set aside, each object under its whole name.
pub const DAMAGED: &str = "damaged";
/// Folder of key slots.
pub const KEYS: &str = "keys";

/// Where the pack `id` lies.
pub fn pack_name(id: &PackId) -> String {
    format!("{}/{id}", pack_folder(id.0[0]))
}

/// The folder of the packs whose ids begin with `first`.
pub fn pack_folder(first: u8) -> String {
    format!("{PACKS}/{}", to_hex(&[first]))
}

/// Where the index segment `id` lies.
pub fn segment_name(id: &SegmentId) -> String {
    format!("{INDEX}/{id}")
}

/// Where the manifest of the snapshot `id` lies.
pub fn snapshot_name(id: &SnapshotId) -> String {
    format!("{SNAPSHOTS}/{id}")
}

/// Where the record `id` lies.
pub fn record_name(id: &RecordId) -> String {
    format!("{RECORDS}/{id}")
}

/// Where the key slot `id` lies.
pub fn slot_name(id: &SlotId) -> String {
    format!("{KEYS}/{id}")
}

/// Lists `folder` and keeps what is named like an id, parsed by `parse`, and lies where it would be read.
/// Other names are left alone: they are not ours.
///
/// # Errors
/// Those of the storage.
pub fn list_ids<T>(storage: &dyn Storage, folder: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Vec<(T, Listed)>> {
    let listed = storage.list(folder)?;
    Ok(listed
        .into_iter()
        .filter_map(|listed| {
            let below = listed.name.strip_prefix(folder)?.strip_prefix('/')?;
            let name = match below.split_once('/') {
                None if folder != PACKS => below,
                Some((first, name)) if folder == PACKS && name.get(..2) == Some(first) => name,
                _ => return None,
            };
            parse(name).ok().map(|id| (id, listed))
        })
        .collect())
}

/// Makes the folders of a new repository and makes their names durable.
///
/// # Errors
/// Those of the storage.
pub fn create_folders(storage: &dyn Storage) -> Result<()> {
    for folder in [PACKS, INDEX, SNAPSHOTS, RECORDS, KEYS] {
        storage.create_folder(folder)?;
    }
    for first in 0..=u8::MAX {
        storage.create_folder(&pack_folder(first))?;
    }
    storage.sync(&[String::new(), PACKS.to_owned()])
}

/// Makes the names in `folder` durable, and makes the folder where it is missing: some tools leave out
/// empty folders when they copy a repository.
///
/// # Errors
/// Those of the storage.
pub fn sync_folder(storage: &dyn Storage, folder: &str) -> Result<()> {
    match storage.sync(&[folder.to_owned()]) {
        Err(error) if error.is_not_found() => {
            storage.create_folder(folder)?;
            storage.sync(&[folder.to_owned()])
        }
        outcome => outcome,
    }
}

/// Stores `bytes` under the name that `name` makes of their BLAKE3, durable but for the name.
///
/// # Errors
/// Those of the storage.
pub fn publish_hashed(storage: &dyn Storage, area: &str, bytes: &[u8], name: impl Fn([u8; 32]) -> String) -> Result<[u8; 32]> {
    let hash = *blake3::hash(bytes).as_bytes();
    let mut upload = storage.create(area)?;
    upload.write(bytes)?;
    upload.publish(&name(hash))?;
    Ok(hash)
}

/// What makes a lost [`DESCRIPTION`] again.
pub const DESCRIPTION_HINT: &str = "`repo repair` makes repository.json again from what lies there";

/// The error for a location without a [`DESCRIPTION`]: one where packs, snapshots or an index lie has lost it.
/// Keys and records alone may be what an init that died has left.
pub fn no_repository(storage: &dyn Storage) -> Error {
    let begins = |name: &str| {
        let mut head = [0; OBJECT_MAGIC.len()];
        storage.read_range(name, 0, &mut head).is_ok_and(|()| head == *OBJECT_MAGIC)
    };
    let has = |folder: &&&str| storage.list(folder).is_ok_and(|listed| listed.iter().any(|listed| begins(&listed.name)));
    match [SNAPSHOTS, INDEX, PACKS].iter().find(has) {
        Some(folder) => {
            let message = format!("{} holds {folder} of a repository whose {DESCRIPTION} is missing", storage.location());
            Error::new(ErrorKind::Damaged, message).with_hint(DESCRIPTION_HINT)
        }
        None => Error::new(ErrorKind::NoRepository, format!("there is no repository at {}", storage.location())),
    }
}

/// Refuses to publish what is longer than a reader accepts.
///
/// # Errors
/// `Invalid`.
pub fn check_length(what: &str, bytes: usize, bytes_max: u64) -> Result<()> {
    if bytes as u64 <= bytes_max {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Invalid, format!("{what} would have {bytes} bytes; readers refuse more than {bytes_max}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    #[test]
    fn only_what_lies_where_it_would_be_read_is_listed() {
        let storage = MemoryStorage::new();
        let id = "0123456789abcdef".repeat(4);
        for name in ["packs", "packs/01", "packs/02", "packs/01/sub", "index", "index/01"].map(|folder| format!("{folder}/{id}")) {
            let (folder, _) = name.rsplit_once('/').unwrap();
            storage.create_folder(folder).unwrap();
            let mut upload = storage.create(folder).unwrap();
            upload.write(b"x").unwrap();
            upload.publish(&name).unwrap();
        }
        let listed = |folder| {
            let listed = list_ids(&storage, folder, PackId::parse).unwrap();
            listed.into_iter().map(|(_, listed)| listed.name).collect::<Vec<_>>()
        };
        assert_eq!(listed(PACKS), [format!("packs/01/{id}")]);
        assert_eq!(listed(INDEX), [format!("index/{id}")]);
    }
}
