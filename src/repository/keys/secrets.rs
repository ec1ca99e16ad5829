//! The bundle of secrets that a key slot wraps.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::crypto::{Algorithm, Identify, Secret, random_bytes};
use crate::error::{Error, Result};
use crate::id::RepositoryId;
use crate::pack::KeyRing;
use crate::wire::{self, Extensions};

/// Independent random secrets: what is shared or given to a limited key is exactly one of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretBundle {
    /// Names chunks and decides where files are cut.
    pub dedup: Secret,
    /// Opens the index and the directories of packs.
    pub index: Secret,
    /// Opens trees, manifests and records.
    pub meta: Secret,
    /// Open file content, by epoch.
    pub data: Vec<(u16, Secret)>,
    /// Room to grow.
    pub extensions: Extensions,
}

impl SecretBundle {
    /// New secrets.
    ///
    /// # Errors
    /// `Other` when the operating system has no random numbers.
    pub fn random() -> Result<Self> {
        let secret = || random_bytes().map(Secret);
        Ok(Self { dedup: secret()?, index: secret()?, meta: secret()?, data: vec![(0, secret()?)], extensions: Extensions::none() })
    }

    /// The bundle of every repository without encryption: known to all, so that hashes are checks
    /// against damage only.
    pub fn public() -> Self {
        let zero = || Secret([0; 32]);
        Self { dedup: zero(), index: zero(), meta: zero(), data: vec![(0, zero())], extensions: Extensions::none() }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Decodes it.
    ///
    /// # Errors
    /// `Damaged`, `Unsupported`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let bundle: Self = wire::decode(bytes, "a key bundle")?;
        bundle.extensions.check(&[], "a key bundle")?;
        let epochs: HashSet<u16> = bundle.data.iter().map(|(epoch, _)| *epoch).collect();
        if bundle.data.is_empty() || epochs.len() < bundle.data.len() {
            return Err(Error::damaged("a key bundle", "it has no data secret, or two of one epoch"));
        }
        Ok(bundle)
    }

    /// The keys of the repository.
    pub fn key_ring(&self, algorithm: Algorithm, repository: RepositoryId) -> KeyRing {
        KeyRing {
            algorithm,
            repository,
            index: self.index.clone(),
            meta: self.meta.clone(),
            data: self.data.clone(),
            identify: Identify::new(&self.dedup),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_has_at_least_one_data_secret_and_one_for_each_epoch() {
        let bundle = |epochs: &[u16]| {
            let data = epochs.iter().map(|epoch| (*epoch, Secret([*epoch as u8; 32]))).collect();
            SecretBundle { data, ..SecretBundle::public() }.encode()
        };
        for epochs in [&[][..], &[3, 3], &[0, 1, 0]] {
            assert!(SecretBundle::decode(&bundle(epochs)).err().unwrap().is_damage(), "{epochs:?}");
        }
        assert_eq!(SecretBundle::decode(&bundle(&[7, 2])).unwrap().data.len(), 2);
    }
}
