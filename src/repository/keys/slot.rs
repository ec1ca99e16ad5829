//! Key slots: one file each, that a password or a key file turns into the secrets.
//!
//! Adding or removing a way in never touches data: the secrets stay, slots come and go.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::secrets::SecretBundle;
use crate::crypto::{Algorithm, Argon2Cost, Associated, ObjectKey, Purpose, Secret, random_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::repository::description::Description;
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

/// The first bytes of every key slot.
pub const MAGIC: &[u8; 8] = b"STRONGRK";
const VERSION: u16 = 0;
/// A slot is never longer.
pub(in crate::repository) const BYTES_MAX: u64 = 64 << 10;
/// A key file has so many random bytes.
pub const KEY_FILE_BYTES: usize = 32;
/// Extension of a slot: sixteen random bytes that it has in common with its twin.
const PAIR: u16 = 1;
/// Extension of wrapped secrets: random bytes that make them differ from those in the twin, and with them
/// the nonce. Nothing else reads it.
const COPY: u16 = 1;

/// Slot type: Argon2id of a password.
pub const PASSWORD: u16 = 1;
/// Slot type: a key file of 32 random bytes.
pub const KEY_FILE: u16 = 2;
/// Slot type: no key, but the mark that the slots of its pair are being made or removed, one after the other.
pub(in crate::repository) const CHANGING: u16 = 5;
// 3 is reserved for write-only keys, 4 for slots sealed to a recipient's public key.

/// What a user opens a repository with.
#[derive(Clone)]
pub enum Credential {
    /// A password.
    Password(Zeroizing<Vec<u8>>),
    /// The 32 bytes of a key file.
    KeyFile(Zeroizing<Vec<u8>>),
}

impl Credential {
    pub(in crate::repository) fn slot_type(&self) -> u16 {
        match self {
            Credential::Password(_) => PASSWORD,
            Credential::KeyFile(_) => KEY_FILE,
        }
    }
}

/// A key slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySlot {
    /// [`PASSWORD`] or [`KEY_FILE`].
    pub slot_type: u16,
    /// What the user calls it.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Argon2id memory in KiB; 0 for a key file.
    pub memory_kib: u32,
    /// Argon2id passes; 0 for a key file.
    pub passes: u32,
    /// Argon2id lanes; 0 for a key file.
    pub lanes: u32,
    /// Random; salts the derivation.
    pub salt: [u8; 32],
    /// Says whether a password is right before anything is opened with it.
    pub commitment: [u8; 32],
    /// The sealed secrets: AES-256-GCM, nonce first, tag last.
    #[serde(with = "serde_bytes")]
    pub wrapped: Vec<u8>,
    /// Room to grow.
    pub extensions: Extensions,
}

impl KeySlot {
    /// Wraps `bundle` for `credential`, in a slot without a twin.
    ///
    /// # Errors
    /// `Invalid` for an empty password or a key file of another length; `Other` without memory or
    /// random numbers.
    pub fn wrap(
        bundle: &SecretBundle,
        description: &Description,
        credential: &Credential,
        label: &str,
        cost: Argon2Cost,
        now: Timestamp,
    ) -> Result<Self> {
        let slot = Self::unwrapped(credential, label, cost, now)?;
        let key = slot.derive(description, credential)?;
        Ok(slot.wrap_twin(bundle, description, &key, None))
    }

    /// As [`KeySlot::wrap`], in two slots that both open.
    ///
    /// # Errors
    /// As [`KeySlot::wrap`].
    pub(in crate::repository) fn wrap_twins(
        bundle: &SecretBundle,
        description: &Description,
        credential: &Credential,
        label: &str,
        cost: Argon2Cost,
        now: Timestamp,
    ) -> Result<[Self; 2]> {
        let mut slot = Self::unwrapped(credential, label, cost, now)?;
        slot.extensions.set(PAIR, random_bytes::<16>()?.to_vec());
        let key = slot.derive(description, credential)?;
        let (one, other) = (random_bytes()?, random_bytes()?);
        Ok([one, other].map(|copy| slot.wrap_twin(bundle, description, &key, Some(copy))))
    }

    /// A slot as it is before anything is wrapped in it.
    fn unwrapped(credential: &Credential, label: &str, cost: Argon2Cost, now: Timestamp) -> Result<Self> {
        match credential {
            Credential::Password(password) if password.is_empty() => {
                return Err(Error::new(ErrorKind::Invalid, "an empty password protects nothing"));
            }
            Credential::KeyFile(bytes) if bytes.len() != KEY_FILE_BYTES => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("a key file has exactly {KEY_FILE_BYTES} random bytes, this one has {}", bytes.len()),
                ));
            }
            _ => {}
        }
        let cost = if matches!(credential, Credential::Password(_)) { cost } else { Argon2Cost { memory_kib: 0, passes: 0, lanes: 0 } };
        Ok(Self {
            slot_type: credential.slot_type(),
            label: label.to_owned(),
            created_at: now,
            memory_kib: cost.memory_kib,
            passes: cost.passes,
            lanes: cost.lanes,
            salt: random_bytes()?,
            commitment: [0; 32],
            wrapped: Vec::new(),
            extensions: Extensions::none(),
        })
    }

    /// The same slot with `bundle` wrapped in it anew, by the key that opens it. `copy` are random bytes, in
    /// a slot that has a twin: both have the same key, so that their secrets must differ in something, and
    /// with them the nonce.
    pub(in crate::repository) fn wrap_twin(
        &self,
        bundle: &SecretBundle,
        description: &Description,
        key: &ObjectKey,
        copy: Option<[u8; 16]>,
    ) -> Self {
        let mut bundle = bundle.clone();
        if let Some(copy) = copy {
            bundle.extensions.set(COPY, copy.to_vec());
        }
        let mut slot = Self { commitment: *key.commitment(), wrapped: Vec::new(), ..self.clone() };
        let plain = Zeroizing::new(bundle.encode());
        let mut wrapped = vec![0; Algorithm::Aes256Gcm.nonce_bytes()];
        wrapped.extend_from_slice(&plain);
        key.seal(&slot.associated(description, plain.len() as u64), &mut wrapped);
        slot.wrapped = wrapped;
        slot
    }

    /// The mark that the slots of `pair` are being made or removed. No credential is needed for it.
    pub(in crate::repository) fn mark(pair: &[u8]) -> Result<Self> {
        let mut mark = Self {
            slot_type: CHANGING,
            label: String::new(),
            created_at: Timestamp::default(),
            memory_kib: 0,
            passes: 0,
            lanes: 0,
            salt: random_bytes()?,
            commitment: [0; 32],
            wrapped: Vec::new(),
            extensions: Extensions::none(),
        };
        mark.extensions.set(PAIR, pair.to_vec());
        Ok(mark)
    }

    /// What it has in common with its twin; nothing in a slot that never had one.
    pub(in crate::repository) fn pair(&self) -> Option<&[u8]> {
        self.extensions.get(PAIR)
    }

    /// Whether the two belong together: one derivation opens both or none.
    pub(in crate::repository) fn is_twin_of(&self, other: &Self) -> bool {
        self.pair().is_some() && self.pair() == other.pair() && self.derivation() == other.derivation()
    }

    /// What the way from a credential to the key depends on.
    pub(in crate::repository) fn derivation(&self) -> (u16, [u8; 32], [u32; 3]) {
        (self.slot_type, self.salt, [self.memory_kib, self.passes, self.lanes])
    }

    /// The secrets, if `credential` is the right one for this slot.
    ///
    /// # Errors
    /// `WrongKey` when it is not; `Damaged` when it is but the slot or `repository.json` was changed
    /// after the slot was made.
    pub fn unwrap(&self, description: &Description, credential: &Credential) -> Result<SecretBundle> {
        if credential.slot_type() != self.slot_type {
            return Err(wrong_key());
        }
        self.open(description, &self.derive(description, credential)?)
    }

    /// The secrets, if `key` is the right one for this slot.
    pub(in crate::repository) fn open(&self, description: &Description, key: &ObjectKey) -> Result<SecretBundle> {
        if key.commitment() != &self.commitment {
            return Err(wrong_key());
        }
        let overhead = Algorithm::Aes256Gcm.nonce_bytes() + Algorithm::Aes256Gcm.tag_bytes();
        let plain_bytes = self.wrapped.len().saturating_sub(overhead) as u64;
        let mut wrapped = Zeroizing::new(self.wrapped.clone());
        let plain = key.unseal(&self.associated(description, plain_bytes), &mut wrapped).map_err(|_| {
            Error::new(ErrorKind::Damaged, "the password is right, but the key slot or repository.json was changed after it was made")
        })?;
        let mut bundle = SecretBundle::decode(plain)?;
        bundle.extensions.remove(COPY);
        Ok(bundle)
    }

    pub(in crate::repository) fn derive(&self, description: &Description, credential: &Credential) -> Result<ObjectKey> {
        let secret = match credential {
            Credential::Password(password) => {
                Argon2Cost { memory_kib: self.memory_kib, passes: self.passes, lanes: self.lanes }.derive(password, &self.salt)?
            }
            Credential::KeyFile(bytes) => {
                let bytes: [u8; KEY_FILE_BYTES] = bytes.as_slice().try_into().map_err(|_| wrong_key())?;
                Secret(bytes)
            }
        };
        Ok(ObjectKey::derive(Algorithm::Aes256Gcm, &secret, Purpose::Body, self.slot_type, &description.id.0, &self.salt))
    }

    /// Binds the description of the repository and every field of the slot.
    fn associated(&self, description: &Description, plain_bytes: u64) -> Associated {
        let fields = Self { wrapped: Vec::new(), ..self.clone() };
        let mut hasher = blake3::Hasher::new();
        hasher.update(&description.hash);
        hasher.update(&wire::encode(&fields));
        Associated { header_hash: *hasher.finalize().as_bytes(), purpose: Purpose::Body, number: 0, codec: 0, plain_bytes }
    }

    /// The bytes of the slot's file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        wire::encode_into(self, &mut bytes);
        bytes
    }

    /// Decodes the bytes of a slot's file.
    ///
    /// # Errors
    /// `Damaged`; `Unsupported` for a later version. A slot of an unknown type decodes; no credential of
    /// this version opens it.
    pub fn decode(bytes: &[u8], what: &str) -> Result<Self> {
        let (Some(magic), Some(version)) = (bytes.get(..8), bytes.get(8..10)) else {
            return Err(Error::damaged(what, "it is too short"));
        };
        if magic != MAGIC {
            return Err(Error::damaged(what, "it is not a key slot"));
        }
        if u16::from_le_bytes([version[0], version[1]]) > VERSION {
            return Err(Error::new(ErrorKind::Unsupported, format!("{what} was written by a later version of this program")));
        }
        let slot: Self = wire::decode(&bytes[10..], what)?;
        slot.extensions.check(&[], what)?;
        Ok(slot)
    }
}

pub(in crate::repository) fn wrong_key() -> Error {
    Error::new(ErrorKind::WrongKey, "the password or key file opens no key slot of this repository")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };

    fn password(text: &str) -> Credential {
        Credential::Password(Zeroizing::new(text.as_bytes().to_vec()))
    }

    #[test]
    fn the_right_password_opens_and_a_changed_description_is_damage() {
        let (description, _) = Description::new(Algorithm::Aes256Gcm).unwrap();
        let bundle = SecretBundle::random().unwrap();
        let slot = KeySlot::wrap(&bundle, &description, &password("right"), "home", CHEAP, Timestamp::default()).unwrap();
        let slot = KeySlot::decode(&slot.encode(), "slot").unwrap();
        assert!(slot.unwrap(&description, &password("right")).unwrap() == bundle);
        assert_eq!(slot.unwrap(&description, &password("wrong")).err().unwrap().kind(), ErrorKind::WrongKey);
        let changed = Description { hash: [9; 32], ..description.clone() };
        assert_eq!(slot.unwrap(&changed, &password("right")).err().unwrap().kind(), ErrorKind::Damaged);
        let relabelled = KeySlot { label: "other".to_owned(), ..slot };
        assert_eq!(relabelled.unwrap(&description, &password("right")).err().unwrap().kind(), ErrorKind::Damaged);
    }

    #[test]
    fn empty_passwords_and_short_key_files_are_refused() {
        let (description, _) = Description::new(Algorithm::Aes256Gcm).unwrap();
        let bundle = SecretBundle::random().unwrap();
        for credential in [password(""), Credential::KeyFile(Zeroizing::new(vec![1; 31]))] {
            let error = KeySlot::wrap(&bundle, &description, &credential, "", CHEAP, Timestamp::default()).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Invalid);
        }
    }
}
