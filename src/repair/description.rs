//! Makes `repository.json` again: every sealed object says which repository it belongs to and how it
//! is sealed, and that is all the file says. What one says may be damaged too, so it is proven first.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::crypto::Algorithm;
use crate::error::{ErrorKind, Result};
use crate::id::RepositoryId;
use crate::pack::{HEADER_BYTES_MAX, ObjectHeader};
use crate::repository::{Credential, DESCRIPTION, Description, FORMAT, INDEX, KEYS, PACKS, RECORDS, SNAPSHOTS, set_aside};
use crate::storage::Storage;

/// So many objects are asked before it is given up.
const OBJECTS_MAX: usize = 1000;
/// So many different things that headers say are tried; each may cost the derivation of a key.
const CLAIMS_MAX: usize = 16;
/// A pack is a little longer than 32 MiB; what is beyond this is not read to be hashed.
const HASHED_BYTES_MAX: u64 = 256 << 20;

/// A file that was made again, or in a dry run would be.
pub struct RestoredDescription {
    /// What it says.
    pub description: Description,
    /// What `read_credential` gave.
    pub credential: Option<Credential>,
}

/// Makes `repository.json` again where it is missing or damaged; nothing where the file is good. A dry run finds out
/// what it would say.
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
    is_dry: bool,
    read_credential: &mut dyn FnMut(bool) -> Result<Option<Credential>>,
) -> Result<Option<RestoredDescription>> {
    let error = match Description::read(storage) {
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NoRepository | ErrorKind::Damaged) => error,
        Err(error) => return Err(error),
    };
    let (mut credentials, mut failure) = (HashMap::new(), error);
    for claim in find_claims(storage)? {
        let is_encrypted = claim.algorithm != Algorithm::None;
        // Asked for once, however many objects say that it is needed.
        let credential = match credentials.entry(is_encrypted) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(read_credential(is_encrypted)?),
        };
        match find_bytes(storage, &claim, credential.as_ref()) {
            Ok(Some((description, json))) => {
                if !is_dry {
                    write_file(storage, &json)?;
                }
                return Ok(Some(RestoredDescription { description, credential: credentials.remove(&is_encrypted).flatten() }));
            }
            Ok(None) => {}
            // No key opens what the claim of a damaged header would have it be: another may be the true one.
            Err(error) if error.kind() == ErrorKind::WrongKey => failure = error,
            Err(error) => return Err(error),
        }
    }
    // That a repair makes it again was just found not to be so.
    Err(if failure.kind() == ErrorKind::Damaged { failure.with_hint("put repository.json back from a copy") } else { failure })
}

fn write_file(storage: &dyn Storage, json: &[u8]) -> Result<()> {
    set_aside(storage, [DESCRIPTION])?;
    let mut upload = storage.create("")?;
    upload.write(json)?;
    upload.publish(DESCRIPTION)?;
    storage.sync(&[String::new()])
}

/// What the headers of some objects say of the repository.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Claim {
    repository: RepositoryId,
    algorithm: Algorithm,
}

/// The bytes of the file that the repository was made with, tried from the newest format on; none when
/// nothing proves that the claim is true.
fn find_bytes(storage: &dyn Storage, claim: &Claim, credential: Option<&Credential>) -> Result<Option<(Description, Vec<u8>)>> {
    if claim.algorithm == Algorithm::None && !is_hashed(storage, claim)? {
        return Ok(None);
    }
    for format in (0..=FORMAT).rev() {
        let (description, json) = Description::of(claim.repository, claim.algorithm, format)?;
        if description.fits(storage, credential)? {
            return Ok(Some((description, json)));
        }
    }
    Ok(None)
}

/// What headers say, that of most objects first. A bit of any of them may have flipped, so each is a claim
/// and no more.
fn find_claims(storage: &dyn Storage) -> Result<Vec<Claim>> {
    let mut claims: Vec<(Claim, usize)> = Vec::new();
    for_each_header(storage, &mut |_, claim| {
        match claims.iter_mut().find(|(other, _)| *other == claim) {
            Some((_, count)) => *count += 1,
            None => claims.push((claim, 1)),
        }
        Ok(true)
    })?;
    // A repository with key slots is encrypted, and one without cannot be opened if it is.
    let has_slots = !storage.list(KEYS)?.is_empty();
    if claims.iter().any(|(claim, _)| (claim.algorithm != Algorithm::None) == has_slots) {
        claims.retain(|(claim, _)| (claim.algorithm != Algorithm::None) == has_slots);
    }
    claims.sort_by_key(|(_, count)| Reverse(*count));
    claims.truncate(CLAIMS_MAX);
    Ok(claims.into_iter().map(|(claim, _)| claim).collect())
}

/// Whether an object that says so has the hash that is its name: without encryption nothing else proves it.
fn is_hashed(storage: &dyn Storage, claim: &Claim) -> Result<bool> {
    let mut is_hashed = false;
    for_each_header(storage, &mut |name, other| {
        if other == *claim {
            is_hashed = match storage.read(name, HASHED_BYTES_MAX) {
                Ok(bytes) => name.ends_with(blake3::hash(&bytes).to_hex().as_str()),
                Err(error) if error.is_damage() => false,
                Err(error) => return Err(error),
            };
        }
        Ok(!is_hashed)
    })?;
    Ok(is_hashed)
}

/// Gives the objects that have a whole header to `each`, until that is false.
fn for_each_header(storage: &dyn Storage, each: &mut dyn FnMut(&str, Claim) -> Result<bool>) -> Result<()> {
    for folder in [RECORDS, SNAPSHOTS, INDEX, PACKS] {
        for listed in storage.list(folder)?.into_iter().take(OBJECTS_MAX) {
            let mut bytes = vec![0; listed.bytes.min(HEADER_BYTES_MAX as u64) as usize];
            match storage.read_range(&listed.name, 0, &mut bytes) {
                Ok(()) => {}
                Err(error) if error.is_damage() => continue,
                Err(error) => return Err(error),
            }
            let Ok((header, _)) = ObjectHeader::decode(&bytes, &listed.name) else { continue };
            if !each(&listed.name, Claim { repository: header.repository, algorithm: header.algorithm })? {
                return Ok(());
            }
        }
    }
    Ok(())
}
