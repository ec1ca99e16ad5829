//! Removes a key, where that locks nobody out.

use super::twins::{Key, remove_slot};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::Repository;

impl Repository {
    /// Removes `key`, one of `keys`, which are all that there are. The caller holds the lock.
    ///
    /// # Errors
    /// `Invalid` for the last key, for the one in use, and where objects of another repository lie among ours: then the
    /// key may be the only one that opens these, and nothing says whose it is. `Changed` when the key in use is gone.
    /// Those of the storage.
    pub fn remove_key(&self, key: &Key, keys: &[Key]) -> Result<()> {
        let id = key.id().short().to_string();
        let refuse = |message: String| Err(Error::new(ErrorKind::Invalid, message));
        if keys.len() == 1 {
            return refuse(format!("key {id} is the last one; without it nobody can open the repository"));
        }
        if self.is_in_use(key) {
            return refuse(format!("key {id} is in use; open the repository with another key to remove it"));
        }
        if !keys.iter().any(|key| self.is_in_use(key)) {
            return Err(Error::new(ErrorKind::Changed, "the key that opened the repository was removed by somebody else meanwhile"));
        }
        if !self.find_foreign()?.counts.is_empty() {
            return refuse(format!(
                "objects of another repository lie here, and key {id} may be the only one that opens them; move them away first"
            ));
        }
        remove_slot(&**self.objects.storage(), &key.id())
    }
}
