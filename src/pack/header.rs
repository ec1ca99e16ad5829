//! The header that every sealed object begins with, readable without any key.

use crate::crypto::Algorithm;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RepositoryId, RunId};
use crate::wire::{self, Extensions};

/// The first bytes of every sealed object.
pub const MAGIC: &[u8; 8] = b"STRONGRM";
/// The version of the header and of what follows it.
const VERSION: u16 = 0;
/// Bytes before the wrapped key.
const FIXED_BYTES: usize = 122;
/// A header is never longer.
pub const HEADER_BYTES_MAX: usize = 4096;

/// What an object is; bound into its seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A pack of file content.
    DataPack,
    /// A pack of trees and lists.
    MetaPack,
    /// An index segment.
    Index,
    /// A manifest.
    Manifest,
    /// A record.
    Record,
}

impl ObjectKind {
    const ALL: [ObjectKind; 5] = [ObjectKind::DataPack, ObjectKind::MetaPack, ObjectKind::Index, ObjectKind::Manifest, ObjectKind::Record];

    /// Its number in the header.
    pub fn number(self) -> u16 {
        match self {
            ObjectKind::DataPack => 1,
            ObjectKind::MetaPack => 2,
            ObjectKind::Index => 3,
            ObjectKind::Manifest => 4,
            ObjectKind::Record => 5,
        }
    }

    /// What to call it in messages.
    pub fn name(self) -> &'static str {
        match self {
            ObjectKind::DataPack | ObjectKind::MetaPack => "pack",
            ObjectKind::Index => "index segment",
            ObjectKind::Manifest => "manifest",
            ObjectKind::Record => "record",
        }
    }
}

/// The header of a sealed object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHeader {
    /// What the object is.
    pub kind: ObjectKind,
    /// How it is sealed.
    pub algorithm: Algorithm,
    /// Which data secret it is sealed under.
    pub key_epoch: u16,
    /// The repository that it belongs to.
    pub repository: RepositoryId,
    /// The run that wrote it.
    pub run: RunId,
    /// Drawn anew for each object; its keys derive from it.
    pub salt: [u8; 32],
    /// Says which key opens it; zero without encryption.
    pub commitment: [u8; 32],
    /// Reserved for keys sealed to a recipient; empty in this version.
    pub wrapped_key: Vec<u8>,
    /// Room to grow.
    pub extensions: Extensions,
}

impl ObjectHeader {
    /// The bytes of the header.
    pub fn encode(&self) -> Vec<u8> {
        let extensions = wire::encode(&self.extensions);
        let header_bytes = FIXED_BYTES + self.wrapped_key.len() + extensions.len();
        let mut bytes = Vec::with_capacity(header_bytes);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.kind.number().to_le_bytes());
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(header_bytes as u32).to_le_bytes());
        bytes.extend_from_slice(&0u32.to_le_bytes()); // flags
        bytes.extend_from_slice(&self.algorithm.number().to_le_bytes());
        bytes.extend_from_slice(&self.key_epoch.to_le_bytes());
        bytes.extend_from_slice(&self.repository.0);
        bytes.extend_from_slice(&self.run.0);
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(&self.commitment);
        bytes.extend_from_slice(&(self.wrapped_key.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&self.wrapped_key);
        bytes.extend_from_slice(&extensions);
        bytes
    }

    /// Reads the header at the start of `bytes` and returns it with its length.
    ///
    /// # Errors
    /// `Damaged`; `Unsupported` for a later version, unknown flags, ciphers or critical extensions.
    pub fn decode(bytes: &[u8], what: &str) -> Result<(Self, usize)> {
        let short = || Error::damaged(what, "it is too short");
        let fixed = bytes.get(..FIXED_BYTES).ok_or_else(short)?;
        if &fixed[..8] != MAGIC {
            return Err(Error::damaged(what, "it does not begin as an object of a repository"));
        }
        let u16_at = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let u32_at = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        if u16_at(10) > VERSION || u32_at(16) != 0 {
            return Err(Error::new(ErrorKind::Unsupported, format!("{what} was written by a later version of this program")));
        }
        let number = u16_at(8);
        let kind = ObjectKind::ALL.into_iter().find(|kind| kind.number() == number);
        let kind = kind.ok_or_else(|| Error::damaged(what, "its header names an unknown kind"))?;
        let header_bytes = u32_at(12) as usize;
        let wrapped_end = FIXED_BYTES + usize::from(u16_at(120));
        if header_bytes > HEADER_BYTES_MAX || wrapped_end > header_bytes {
            return Err(Error::damaged(what, "its header has an impossible length"));
        }
        let header = bytes.get(..header_bytes).ok_or_else(short)?;
        let extensions: Extensions = wire::decode(&header[wrapped_end..], what)?;
        extensions.check(&[], what)?;
        let array = |at: usize| -> [u8; 32] { std::array::from_fn(|n| fixed[at + n]) };
        let id = |at: usize| -> [u8; 16] { std::array::from_fn(|n| fixed[at + n]) };
        let decoded = Self {
            kind,
            algorithm: Algorithm::from_number(u16_at(20))?,
            key_epoch: u16_at(22),
            repository: RepositoryId(id(24)),
            run: RunId(id(40)),
            salt: array(56),
            commitment: array(88),
            wrapped_key: header[FIXED_BYTES..wrapped_end].to_vec(),
            extensions,
        };
        Ok((decoded, header_bytes))
    }
}

#[cfg(test)]
pub(super) fn example(kind: ObjectKind) -> ObjectHeader {
    ObjectHeader {
        kind,
        algorithm: Algorithm::Aes256Gcm,
        key_epoch: 0,
        repository: RepositoryId([1; 16]),
        run: RunId([2; 16]),
        salt: [3; 32],
        commitment: [4; 32],
        wrapped_key: vec![],
        extensions: Extensions::none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_every_truncation_is_refused() {
        let mut header = example(ObjectKind::Index);
        header.wrapped_key = vec![7; 9];
        header.extensions.set(5, vec![1, 2]);
        let bytes = header.encode();
        assert_eq!(ObjectHeader::decode(&[&bytes[..], b"more"].concat(), "x").unwrap(), (header, bytes.len()));
        for end in 0..bytes.len() {
            assert_eq!(ObjectHeader::decode(&bytes[..end], "x").unwrap_err().kind(), ErrorKind::Damaged);
        }
    }

    #[test]
    fn a_later_version_and_unknown_flags_are_unsupported() {
        let bytes = example(ObjectKind::Index).encode();
        for at in [10, 16, 20] {
            let mut later = bytes.clone();
            later[at] = 0x77;
            assert_eq!(ObjectHeader::decode(&later, "x").unwrap_err().kind(), ErrorKind::Unsupported);
        }
    }
}
