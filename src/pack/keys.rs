//! The secrets by what they open: who holds only some of them can do only some things.

use super::header::{ObjectHeader, ObjectKind};
use crate::crypto::{Algorithm, Identify, ObjectKey, Purpose, Secret, random_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RepositoryId, RunId};
use crate::wire::Extensions;

/// Everything that is needed to seal and open the objects of one repository.
pub struct KeyRing {
    /// The cipher of the repository.
    pub algorithm: Algorithm,
    /// The repository.
    pub repository: RepositoryId,
    /// Opens index segments and the directories of packs.
    pub index: Secret,
    /// Opens trees, manifests and records.
    pub meta: Secret,
    /// Open file content, by epoch; the last one seals.
    pub data: Vec<(u16, Secret)>,
    /// Names chunks.
    pub identify: Identify,
}

impl KeyRing {
    /// A header for a new object with a salt of its own, and the keys for its parts of `purpose`.
    ///
    /// # Errors
    /// `Other` when the operating system has no random numbers.
    pub fn new_object(&self, kind: ObjectKind, run: RunId, purpose: Purpose) -> Result<(ObjectHeader, ObjectKey)> {
        let salt = random_bytes()?;
        let key_epoch = self.data.last().map_or(0, |(epoch, _)| *epoch);
        let key = self.derive(kind, key_epoch, &salt, purpose)?;
        let header = ObjectHeader {
            kind,
            algorithm: self.algorithm,
            key_epoch,
            repository: self.repository,
            run,
            salt,
            commitment: *key.commitment(),
            wrapped_key: Vec::new(),
            extensions: Extensions::none(),
        };
        Ok((header, key))
    }

    /// The keys for the parts of `purpose` of an object of this repository.
    ///
    /// # Errors
    /// `Damaged` when the object is of another repository, cipher or key.
    pub fn object_key(&self, header: &ObjectHeader, purpose: Purpose, what: &str) -> Result<ObjectKey> {
        if header.repository != self.repository {
            return Err(Error::damaged(what, "it belongs to another repository"));
        }
        if header.algorithm != self.algorithm {
            return Err(Error::damaged(what, "it is encrypted otherwise than its repository"));
        }
        let key = self.derive(header.kind, header.key_epoch, &header.salt, purpose)?;
        // The directory of a pack has a key of its own; the header commits to that of the frames.
        if purpose != Purpose::Directory && key.commitment() != &header.commitment {
            return Err(Error::damaged(what, "it was sealed under another key"));
        }
        Ok(key)
    }

    fn derive(&self, kind: ObjectKind, epoch: u16, salt: &[u8; 32], purpose: Purpose) -> Result<ObjectKey> {
        let secret = match (kind, purpose) {
            (_, Purpose::Directory) | (ObjectKind::Index, _) => &self.index,
            (ObjectKind::DataPack, _) => {
                let found = self.data.iter().find(|(known, _)| *known == epoch);
                &found.ok_or_else(|| Error::new(ErrorKind::WrongKey, format!("no key for data epoch {epoch} is known")))?.1
            }
            (ObjectKind::MetaPack | ObjectKind::Manifest | ObjectKind::Record, _) => &self.meta,
        };
        Ok(ObjectKey::derive(self.algorithm, secret, purpose, kind.number(), &self.repository.0, salt))
    }
}
