//! One sealed body behind a header: index segments, manifests, records.
//!
//! Layout: header; codec (u16); length of the plain body (u64); the sealed body to the end.

use super::header::{ObjectHeader, ObjectKind};
use super::keys::KeyRing;
use crate::codec;
use crate::crypto::{Associated, Purpose};
use crate::error::{Error, Result};
use crate::id::RunId;

/// Bytes between header and sealed body.
const PREFIX_BYTES: usize = 10;
/// Bodies are small and read often: zstd's default.
const LEVEL: i32 = 3;

/// The bytes of a new object of `kind` with the body `plain`. Its name is their BLAKE3.
///
/// # Errors
/// `Other` when the operating system has no random numbers.
pub fn seal_object(keys: &KeyRing, kind: ObjectKind, run: RunId, plain: &[u8]) -> Result<Vec<u8>> {
    let (header, key) = keys.new_object(kind, run, Purpose::Body)?;
    let mut bytes = header.encode();
    let header_hash = *blake3::hash(&bytes).as_bytes();
    let mut sealed = vec![0; keys.algorithm.nonce_bytes()];
    let codec = codec::compress(plain, LEVEL, &mut sealed);
    let plain_bytes = plain.len() as u64;
    key.seal(&Associated { header_hash, purpose: Purpose::Body, number: 0, codec, plain_bytes }, &mut sealed);
    bytes.extend_from_slice(&codec.to_le_bytes());
    bytes.extend_from_slice(&plain_bytes.to_le_bytes());
    bytes.extend_from_slice(&sealed);
    Ok(bytes)
}

/// The plain body of an object of `kind`, whose bytes must have the name `hash`; `what` names it.
///
/// # Errors
/// `Damaged` when anything is not as it was written, or the body is longer than `plain_bytes_max`;
/// `Unsupported` when it was written by a later version.
pub fn open_object(
    keys: &KeyRing,
    kind: ObjectKind,
    mut bytes: Vec<u8>,
    hash: &[u8; 32],
    plain_bytes_max: u64,
    what: &str,
) -> Result<Vec<u8>> {
    if blake3::hash(&bytes).as_bytes() != hash {
        return Err(Error::damaged(what, "its bytes do not have the hash that is its name"));
    }
    let (header, header_bytes) = ObjectHeader::decode(&bytes, what)?;
    if header.kind != kind {
        return Err(Error::damaged(what, format!("it is a {}", header.kind.name())));
    }
    let key = keys.object_key(&header, Purpose::Body, what)?;
    let header_hash = *blake3::hash(&bytes[..header_bytes]).as_bytes();
    let (head, sealed) = bytes.split_at_mut_checked(header_bytes + PREFIX_BYTES).ok_or_else(|| Error::damaged(what, "it is too short"))?;
    let prefix = &head[header_bytes..];
    let codec = u16::from_le_bytes([prefix[0], prefix[1]]);
    let plain_bytes = u64::from_le_bytes(std::array::from_fn(|n| prefix[2 + n]));
    if plain_bytes > plain_bytes_max {
        return Err(Error::damaged(what, "it claims to be longer than such an object can be"));
    }
    let associated = Associated { header_hash, purpose: Purpose::Body, number: 0, codec, plain_bytes };
    let packed = key.unseal(&associated, sealed).map_err(|error| error.context(what))?;
    codec::decompress(codec, packed, plain_bytes as usize).map_err(|error| error.context(what))
}
