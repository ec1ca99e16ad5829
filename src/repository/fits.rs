//! Whether a description is the one that what is stored was sealed with: a repair asks that of one that it made.

use super::description::Description;
use super::facts::read_facts;
use super::keys::{Credential, SecretBundle, open_slots};
use crate::crypto::Algorithm;
use crate::error::Result;
use crate::storage::Storage;

impl Description {
    /// Whether what is stored was sealed with this description: key slots and settings are bound to the
    /// exact bytes of its file.
    ///
    /// # Errors
    /// `WrongKey` when that cannot be said, because `credential` opens nothing; those of the storage.
    pub fn fits(&self, storage: &dyn Storage, credential: Option<&Credential>) -> Result<bool> {
        let sealed = || {
            let bundle = match credential {
                Some(credential) if self.algorithm != Algorithm::None => open_slots(storage, self, credential, None)?.0,
                _ => SecretBundle::public(),
            };
            read_facts(storage, &bundle.key_ring(self.algorithm, self.id), self)
        };
        match sealed() {
            Ok(_) => Ok(true),
            Err(error) if error.is_damage() => Ok(false),
            Err(error) => Err(error),
        }
    }
}
