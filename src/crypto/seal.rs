//! Sealing: authenticated encryption with a nonce that is a hash of what is sealed.

use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroize;

use super::algorithm::Algorithm;
use super::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// `N` random bytes from the operating system.
///
/// # Errors
/// `Other` when it has none to give.
pub fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::new(ErrorKind::Other, "the operating system gives no random numbers"))?;
    Ok(bytes)
}

/// What a sealed part is for; bound into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A frame of a pack.
    Frame,
    /// The directory of a pack.
    Directory,
    /// The body of any other object.
    Body,
}

impl Purpose {
    fn number(self) -> u16 {
        match self {
            Purpose::Frame => 1,
            Purpose::Directory => 2,
            Purpose::Body => 3,
        }
    }
}

/// What is bound to a sealed part without being in it.
#[derive(Clone, Copy, Debug)]
pub struct Associated {
    /// BLAKE3 of the header of the object: kind, repository and salt among it.
    pub header_hash: [u8; 32],
    /// What the part is for.
    pub purpose: Purpose,
    /// Which of its kind it is in the object.
    pub number: u64,
    /// How it is compressed.
    pub codec: u16,
    /// What it unpacks to.
    pub plain_bytes: u64,
}

impl Associated {
    /// The 52 bytes that the tag covers beside the sealed ones.
    pub fn bytes(&self) -> [u8; 52] {
        let mut bytes = [0; 52];
        bytes[..32].copy_from_slice(&self.header_hash);
        bytes[32..34].copy_from_slice(&self.purpose.number().to_le_bytes());
        bytes[34..42].copy_from_slice(&self.number.to_le_bytes());
        bytes[42..44].copy_from_slice(&self.codec.to_le_bytes());
        bytes[44..].copy_from_slice(&self.plain_bytes.to_le_bytes());
        bytes
    }
}

/// The keys of one object, derived from a secret and the object's salt.
pub struct ObjectKey {
    algorithm: Algorithm,
    key: Option<LessSafeKey>,
    nonce: Secret,
    commitment: [u8; 32],
}

impl ObjectKey {
    /// Derives the keys for `purpose` of the object with `salt`, of `kind`, in `repository`.
    pub fn derive(algorithm: Algorithm, secret: &Secret, purpose: Purpose, kind: u16, repository: &[u8; 16], salt: &[u8; 32]) -> Self {
        let mut words: [u8; 96] = secret.derive("object keys", &[&purpose.number().to_le_bytes(), &kind.to_le_bytes(), repository, salt]);
        let key = algorithm.aead().map(|aead| {
            // The key length is the cipher's own, so that this cannot fail.
            LessSafeKey::new(UnboundKey::new(aead, &words[..32]).expect("both ciphers have keys of 32 bytes"))
        });
        let (mut nonce, mut commitment) = ([0; 32], [0; 32]);
        nonce.copy_from_slice(&words[32..64]);
        if algorithm != Algorithm::None {
            commitment.copy_from_slice(&words[64..]);
        }
        words.zeroize();
        Self { algorithm, key, nonce: Secret(nonce), commitment }
    }

    /// Stands in the header of the object, so that a ciphertext opens under one key only.
    pub fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }

    /// Seals `buffer` in place. On entry it begins with [`Algorithm::nonce_bytes`] of any content,
    /// then the (compressed) bytes; on return it holds nonce, ciphertext, tag.
    ///
    /// The nonce is the first 12 bytes of BLAKE3 keyed with the nonce key over the bytes, the number
    /// (u64) and the codec (u16).
    pub fn seal(&self, associated: &Associated, buffer: &mut Vec<u8>) {
        let Some(key) = &self.key else { return };
        let begin = self.algorithm.nonce_bytes();
        let mut hasher = blake3::Hasher::new_keyed(&self.nonce.0);
        hasher.update(&buffer[begin..]);
        hasher.update(&associated.number.to_le_bytes());
        hasher.update(&associated.codec.to_le_bytes());
        let mut nonce = [0; 12];
        hasher.finalize_xof().fill(&mut nonce);
        buffer[..begin].copy_from_slice(&nonce);
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated.bytes()), &mut buffer[begin..])
            .expect("parts are far shorter than the ciphers' limit of 64 GiB");
        buffer.extend_from_slice(tag.as_ref());
    }

    /// Opens what [`ObjectKey::seal`] made, in place, and returns the (compressed) bytes within
    /// `buffer`. On failure the buffer is wiped.
    ///
    /// # Errors
    /// `Damaged` when it was changed, moved, or sealed under another key.
    pub fn unseal<'a>(&self, associated: &Associated, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
        let Some(key) = &self.key else { return Ok(buffer) };
        let changed = || Error::damaged("a sealed part", "its authentication tag does not match");
        let begin = self.algorithm.nonce_bytes();
        if buffer.len() < begin + self.algorithm.tag_bytes() {
            return Err(changed());
        }
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&buffer[..begin]);
        let opened = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(associated.bytes()), &mut buffer[begin..]).is_ok();
        if !opened {
            buffer.zeroize();
            return Err(changed());
        }
        let end = buffer.len() - self.algorithm.tag_bytes();
        Ok(&buffer[begin..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(algorithm: Algorithm, salt: u8) -> ObjectKey {
        ObjectKey::derive(algorithm, &Secret([1; 32]), Purpose::Frame, 1, &[2; 16], &[salt; 32])
    }

    fn associated(number: u64) -> Associated {
        Associated { header_hash: [3; 32], purpose: Purpose::Frame, number, codec: 1, plain_bytes: 5 }
    }

    fn sealed(key: &ObjectKey, number: u64, plain: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; key.algorithm.nonce_bytes()];
        buffer.extend_from_slice(plain);
        key.seal(&associated(number), &mut buffer);
        buffer
    }

    #[test]
    fn what_is_sealed_opens_and_nothing_else_does() {
        for algorithm in [Algorithm::Aes256Gcm, Algorithm::ChaCha20Poly1305] {
            let key = key(algorithm, 9);
            let good = sealed(&key, 0, b"plain");
            assert_eq!(key.unseal(&associated(0), &mut good.clone()).unwrap(), b"plain");
            assert!(key.unseal(&associated(1), &mut good.clone()).is_err());
            assert!(self::key(algorithm, 8).unseal(&associated(0), &mut good.clone()).is_err());
            for at in 0..good.len() {
                let mut bad = good.clone();
                bad[at] ^= 1;
                assert!(key.unseal(&associated(0), &mut bad).is_err(), "byte {at}");
                assert!(bad.iter().all(|byte| *byte == 0), "the buffer is wiped");
            }
            assert!(key.unseal(&associated(0), &mut good[..27].to_vec()).is_err());
        }
    }

    /// Tarsnap lost its nonce counter in a refactor in 2010 and encrypted a session under one key stream.
    #[test]
    fn equal_bytes_in_two_places_have_different_key_streams() {
        let key = key(Algorithm::Aes256Gcm, 9);
        let (a, b, c) = (sealed(&key, 0, &[0; 64]), sealed(&key, 1, &[0; 64]), sealed(&self::key(Algorithm::Aes256Gcm, 8), 0, &[0; 64]));
        assert_ne!(a[..12], b[..12]);
        assert_ne!(a[12..], b[12..]);
        assert_ne!(a[12..], c[12..]);
    }

    #[test]
    fn without_encryption_the_bytes_stand_as_they_are() {
        let key = key(Algorithm::None, 9);
        assert_eq!(sealed(&key, 0, b"plain"), b"plain");
        assert_eq!(key.commitment(), &[0; 32]);
    }
}
