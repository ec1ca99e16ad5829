//! The ciphers that a repository may be made with.

use crate::error::{Error, ErrorKind, Result};

/// The cipher of a repository, chosen at init.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// No encryption: hashes only.
    None,
    /// AES-256-GCM: fastest where the processor has AES instructions.
    Aes256Gcm,
    /// ChaCha20-Poly1305: for processors without.
    ChaCha20Poly1305,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 3] = [Algorithm::Aes256Gcm, Algorithm::ChaCha20Poly1305, Algorithm::None];

    /// Its number in object headers.
    pub fn number(self) -> u16 {
        match self {
            Algorithm::None => 0,
            Algorithm::Aes256Gcm => 1,
            Algorithm::ChaCha20Poly1305 => 2,
        }
    }

    /// The cipher of a number in an object header.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn from_number(number: u16) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.number() == number);
        found.ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("cipher {number} is not known to this version")))
    }

    /// Its name in `repository.json` and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::None => "none",
            Algorithm::Aes256Gcm => "aes-256-gcm",
            Algorithm::ChaCha20Poly1305 => "chacha20-poly1305",
        }
    }

    /// The cipher of a name.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn from_name(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.name() == name);
        found
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("encryption `{}` is not known to this version", name.escape_debug())))
    }

    /// Bytes before the sealed bytes: the nonce.
    pub fn nonce_bytes(self) -> usize {
        if self == Algorithm::None { 0 } else { 12 }
    }

    /// Bytes after the sealed bytes: the tag.
    pub fn tag_bytes(self) -> usize {
        if self == Algorithm::None { 0 } else { 16 }
    }

    /// Its implementation, if it encrypts at all.
    pub(super) fn aead(self) -> Option<&'static ring::aead::Algorithm> {
        match self {
            Algorithm::None => None,
            Algorithm::Aes256Gcm => Some(&ring::aead::AES_256_GCM),
            Algorithm::ChaCha20Poly1305 => Some(&ring::aead::CHACHA20_POLY1305),
        }
    }
}
