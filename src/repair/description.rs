//! Makes `repository.json` again: every sealed object says which repository it belongs to and how it
//! is sealed, and that is all the file says.

use super::aside::set_aside;
use crate::error::{ErrorKind, Result};
use crate::id::RepositoryId;
use crate::pack::{HEADER_BYTES_MAX, ObjectHeader};
use crate::repository::{DESCRIPTION, Description, INDEX, PACKS, RECORDS, SNAPSHOTS};
use crate::storage::Storage;

/// So many objects are asked before it is given up.
const OBJECTS_MAX: usize = 1000;

/// Makes `repository.json` again where it is missing or damaged, and returns the id of the repository;
/// nothing where the file is good. Whether the answer is right shows when the repository is opened: the
/// key slots and the settings are bound to the exact bytes.
///
/// # Errors
/// `NoRepository` or `Damaged` when no object says what is to be written; `Unsupported` when the file
/// is of a later version; those of the storage.
pub fn restore_description(storage: &dyn Storage) -> Result<Option<RepositoryId>> {
    let error = match Description::read(storage) {
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NoRepository | ErrorKind::Damaged) => error,
        Err(error) => return Err(error),
    };
    let Some(header) = find_header(storage)? else { return Err(error) };
    let (description, json) = Description::of(header.repository, header.algorithm)?;
    set_aside(storage, [DESCRIPTION])?;
    let mut upload = storage.create("")?;
    upload.write(&json)?;
    upload.publish(DESCRIPTION)?;
    storage.sync(&[String::new()])?;
    Ok(Some(description.id))
}

/// The header of the first object that has a whole one.
fn find_header(storage: &dyn Storage) -> Result<Option<ObjectHeader>> {
    for folder in [RECORDS, SNAPSHOTS, INDEX, PACKS] {
        for listed in storage.list(folder)?.into_iter().take(OBJECTS_MAX) {
            let mut bytes = vec![0; listed.bytes.min(HEADER_BYTES_MAX as u64) as usize];
            match storage.read_range(&listed.name, 0, &mut bytes) {
                Ok(()) => {}
                Err(error) if error.is_damage() => continue,
                Err(error) => return Err(error),
            }
            if let Ok((header, _)) = ObjectHeader::decode(&bytes, &listed.name) {
                return Ok(Some(header));
            }
        }
    }
    Ok(None)
}
