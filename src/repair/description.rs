//! Makes `repository.json` again: every sealed object says which repository it belongs to and how it
//! is sealed, and that is all the file says.

use super::aside::set_aside;
use crate::crypto::Algorithm;
use crate::error::{ErrorKind, Result};
use crate::id::RepositoryId;
use crate::pack::{HEADER_BYTES_MAX, ObjectHeader};
use crate::repository::{Credential, DESCRIPTION, Description, FORMAT, INDEX, PACKS, RECORDS, SNAPSHOTS};
use crate::storage::Storage;

/// So many objects are asked before it is given up.
const OBJECTS_MAX: usize = 1000;

/// A file that was made again.
pub struct RestoredDescription {
    /// The repository.
    pub id: RepositoryId,
    /// What `read_credential` gave.
    pub credential: Option<Credential>,
}

/// Makes `repository.json` again where it is missing or damaged; nothing where the file is good.
///
/// No object says which number the format has. But key slots and settings are bound to the exact bytes of
/// the file, so the number that fits is found by trying, with what `read_credential` gives: it is told
/// whether the repository is encrypted.
///
/// # Errors
/// `NoRepository` or `Damaged` when no object says what is to be written, or nothing fits; `WrongKey`,
/// with nothing written; `Unsupported` when the file is of a later version; those of the storage and of
/// `read_credential`.
pub fn restore_description(
    storage: &dyn Storage,
    read_credential: &mut dyn FnMut(bool) -> Result<Option<Credential>>,
) -> Result<Option<RestoredDescription>> {
    let error = match Description::read(storage) {
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NoRepository | ErrorKind::Damaged) => error,
        Err(error) => return Err(error),
    };
    let Some(header) = find_header(storage)? else { return Err(error) };
    let credential = read_credential(header.algorithm != Algorithm::None)?;
    let Some(json) = find_bytes(storage, &header, credential.as_ref())? else { return Err(error) };
    set_aside(storage, [DESCRIPTION])?;
    let mut upload = storage.create("")?;
    upload.write(&json)?;
    upload.publish(DESCRIPTION)?;
    storage.sync(&[String::new()])?;
    Ok(Some(RestoredDescription { id: header.repository, credential }))
}

/// The bytes of the file that the repository was made with, tried from the newest format on.
fn find_bytes(storage: &dyn Storage, header: &ObjectHeader, credential: Option<&Credential>) -> Result<Option<Vec<u8>>> {
    for format in (0..=FORMAT).rev() {
        let (description, json) = Description::of(header.repository, header.algorithm, format)?;
        if description.fits(storage, credential)? {
            return Ok(Some(json));
        }
    }
    Ok(None)
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
