//! Objects of another repository that lie among ours: two folders were copied into one, or `repository.json` came
//! from elsewhere.
//!
//! The header of an object names its repository in plain text, and the hash of the object is its name. So one that is
//! whole and not ours is told from one that is damaged, and it may be the only copy that somebody has.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;

use super::layout;
use super::objects::Objects;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RepositoryId, from_hex};
use crate::pack::{HEADER_BYTES_MAX, ObjectHeader, ObjectKind, open_object, read_directory};
use crate::storage::{Listed, Storage};

/// Objects are hashed in pieces of this length.
const PIECE_BYTES: u64 = 1 << 20;
/// A manifest, a record or a segment is read whole to see whether it opens, unless it is longer than this.
const SEALED_BYTES_MAX: u64 = 256 << 20;

/// The whole objects of other repositories.
#[derive(Debug, Default)]
pub struct Foreign {
    /// How many there are of each.
    pub counts: BTreeMap<RepositoryId, u64>,
    pub(super) names: HashSet<String>,
}

/// The repository that these bytes name as theirs, when that is not `ours` and their hash is `hash`.
pub(super) fn other_repository(bytes: &[u8], hash: &[u8; 32], ours: RepositoryId) -> Option<RepositoryId> {
    let header = ObjectHeader::decode(bytes, "").ok()?.0;
    (header.repository != ours && blake3::hash(bytes).as_bytes() == hash).then_some(header.repository)
}

impl Objects {
    /// Whether the object `name` is whole and of another repository.
    ///
    /// # Errors
    /// Those of the storage that are no damage.
    pub fn is_foreign(&self, name: &str) -> Result<bool> {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let listed = self.storage().list(folder)?.into_iter().find(|listed| listed.name == name);
        Ok(match listed {
            Some(listed) => self.owner(&listed)?.is_some_and(|owner| owner != self.keys().repository),
            None => false,
        })
    }

    /// All whole objects of other repositories. `has_settings` when the records of this one can be read.
    ///
    /// # Errors
    /// `Damaged` when there are objects that are whole, and not one that opens: then `repository.json` or the key is
    /// not of the repository that lies here, and nothing may be judged by them. Those of the storage.
    pub(super) fn find_foreign(&self, has_settings: bool) -> Result<Foreign> {
        let mut objects = Vec::new();
        for folder in [layout::RECORDS, layout::SNAPSHOTS, layout::INDEX, layout::PACKS] {
            objects.extend(self.storage().list(folder)?);
        }
        let owners = objects.par_iter().map(|listed| Ok((listed, self.claimed_owner(listed)?))).collect::<Result<Vec<_>>>()?;
        let mut foreign = Foreign::default();
        for (listed, owner) in owners {
            if let Some(owner) = owner.filter(|owner| *owner != self.keys().repository)
                && self.is_whole(listed)?
            {
                *foreign.counts.entry(owner).or_default() += 1;
                foreign.names.insert(listed.name.clone());
            }
        }
        if !has_settings {
            self.refuse_misfit(&objects, &foreign)?;
        }
        Ok(foreign)
    }

    /// Refuses where the description and the key in use fit no object, although whole ones are there.
    fn refuse_misfit(&self, objects: &[Listed], foreign: &Foreign) -> Result<()> {
        let (mut others, ours) = (0, self.keys().repository);
        for listed in objects.iter().filter(|listed| !foreign.names.contains(&listed.name)) {
            if self.opens(listed)? {
                return Ok(());
            }
            others += u64::from(self.claimed_owner(listed)?.is_some() && self.is_whole(listed)?);
        }
        let of = match foreign.counts.iter().max_by_key(|(_, count)| **count) {
            Some((owner, count)) => format!("{count} are of repository {owner}"),
            None if others > 0 => format!("{others} were sealed with other keys"),
            None => return Ok(()),
        };
        let message = format!(
            "{} names repository {ours}, and no object that lies here can be read with it: {of}. Nothing was changed. Put {0} and \
             {}/ of the repository that lies here back; where its {0} is lost, move this one away, and `repo repair` makes it again",
            layout::DESCRIPTION,
            layout::KEYS
        );
        Err(Error::new(ErrorKind::Damaged, message).without_hint())
    }

    /// The repository that an object is of, if it is whole.
    fn owner(&self, listed: &Listed) -> Result<Option<RepositoryId>> {
        match self.claimed_owner(listed)? {
            Some(owner) if self.is_whole(listed)? => Ok(Some(owner)),
            _ => Ok(None),
        }
    }

    /// What the header says; nothing where there is none.
    fn claimed_owner(&self, listed: &Listed) -> Result<Option<RepositoryId>> {
        let mut bytes = vec![0; listed.bytes.min(HEADER_BYTES_MAX as u64) as usize];
        match self.storage().read_range(&listed.name, 0, &mut bytes) {
            Ok(()) => Ok(ObjectHeader::decode(&bytes, &listed.name).ok().map(|(header, _)| header.repository)),
            Err(error) if error.is_damage() || error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether its hash is its name.
    fn is_whole(&self, listed: &Listed) -> Result<bool> {
        let Some(expected) = listed.name.rsplit('/').next().and_then(from_hex::<32>) else { return Ok(false) };
        match hash(&**self.storage(), listed) {
            Ok(found) => Ok(found == expected),
            Err(error) if error.is_damage() || error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether it can be read with the keys in use.
    fn opens(&self, listed: &Listed) -> Result<bool> {
        let (folder, name) = listed.name.rsplit_once('/').unwrap_or(("", &listed.name));
        let Some(expected) = from_hex::<32>(name) else { return Ok(false) };
        let kind = match folder {
            layout::RECORDS => ObjectKind::Record,
            layout::SNAPSHOTS => ObjectKind::Manifest,
            layout::INDEX => ObjectKind::Index,
            _ => return is_read(read_directory(&**self.storage(), self.keys(), &listed.name, listed.bytes).map(drop)),
        };
        let open = |bytes| open_object(self.keys(), kind, bytes, &expected, SEALED_BYTES_MAX, &listed.name);
        is_read(self.storage().read(&listed.name, SEALED_BYTES_MAX).and_then(open).map(drop))
    }
}

fn is_read(read: Result<()>) -> Result<bool> {
    match read {
        Ok(()) => Ok(true),
        Err(error) if error.is_damage() || matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::WrongKey) => Ok(false),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

fn hash(storage: &dyn Storage, listed: &Listed) -> Result<[u8; 32]> {
    let (mut hasher, mut at) = (blake3::Hasher::new(), 0);
    let mut piece = vec![0; listed.bytes.min(PIECE_BYTES) as usize];
    while at < listed.bytes {
        let bytes = (listed.bytes - at).min(PIECE_BYTES) as usize;
        storage.read_range(&listed.name, at, &mut piece[..bytes])?;
        hasher.update(&piece[..bytes]);
        at += bytes as u64;
    }
    Ok(*hasher.finalize().as_bytes())
}
