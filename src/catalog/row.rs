//! The frame around every value in the database: version, kind, length, payload, checksum.
//!
//! The database's own checksum covers a page. This one covers meaning: which repository a row is of,
//! which key it stands under, and what sort of row it is, so that a value under the wrong key, in the
//! wrong tree or from another repository's catalog is refused and never believed.

use crate::error::{Error, Result};
use crate::id::RepositoryId;

/// The version of all rows; another one is refused, and the catalog built again.
const VERSION: u8 = 1;
/// Version, kind and length before the payload.
const HEADER_BYTES: usize = 6;
/// The first half of a BLAKE3.
const CHECKSUM_BYTES: usize = 16;

/// No value is longer. Sixteen of them share a page of the database, which stays far below the
/// 128 KiB at which it would move a page into a file that it never syncs.
pub(super) const VALUE_BYTES_MAX: usize = 4096;
/// So many bytes at most may stand in a row.
pub(super) const PAYLOAD_BYTES_MAX: usize = VALUE_BYTES_MAX - HEADER_BYTES - CHECKSUM_BYTES;

/// What sort of row it is; every tree holds one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum RowKind {
    /// What the catalog says of itself.
    State = 1,
    /// A summary of a manifest, under its id.
    Summary = 2,
    /// A record, under its id.
    Record = 3,
    /// A snapshot, under its time.
    Time = 4,
    /// A snapshot, under its series.
    Series = 5,
}

/// The value to store under `key`.
///
/// # Errors
/// `Full` when the payload is longer than a row may be.
pub(super) fn seal(repository: RepositoryId, kind: RowKind, key: &[u8], payload: &[u8]) -> Result<Vec<u8>> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        let message = format!("a catalog row of {} bytes is too long", payload.len());
        return Err(Error::new(crate::error::ErrorKind::Full, message));
    }
    let mut value = Vec::with_capacity(HEADER_BYTES + payload.len() + CHECKSUM_BYTES);
    value.extend([VERSION, kind as u8]);
    // The check above keeps the length far below 2^32.
    value.extend((payload.len() as u32).to_le_bytes());
    value.extend(payload);
    value.extend(checksum(repository, kind, key, payload));
    Ok(value)
}

/// The payload of the value that stands under `key`.
///
/// # Errors
/// `Damaged` when it is not exactly what [`seal`] made for this repository, kind and key.
pub(super) fn open(repository: RepositoryId, kind: RowKind, key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    let wrong = |why| Err(Error::damaged("a catalog row", why));
    if value.len() < HEADER_BYTES + CHECKSUM_BYTES || value.len() > VALUE_BYTES_MAX {
        return wrong("its length is impossible");
    }
    if value[0] != VERSION || value[1] != kind as u8 {
        return wrong("it is of another version or kind");
    }
    let claimed = u32::from_le_bytes([value[2], value[3], value[4], value[5]]);
    let payload = &value[HEADER_BYTES..value.len() - CHECKSUM_BYTES];
    if u64::from(claimed) != payload.len() as u64 {
        return wrong("it has another length than it says");
    }
    if value[value.len() - CHECKSUM_BYTES..] != checksum(repository, kind, key, payload) {
        return wrong("its checksum does not fit");
    }
    Ok(payload.to_vec())
}

fn checksum(repository: RepositoryId, kind: RowKind, key: &[u8], payload: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&repository.0);
    hasher.update(&[VERSION, kind as u8]);
    // The length keeps the border between key and payload where it is.
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(payload);
    let mut half = [0; CHECKSUM_BYTES];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..CHECKSUM_BYTES]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: RepositoryId = RepositoryId([7; 16]);

    #[test]
    fn a_row_comes_back_under_its_own_key_only() {
        let value = seal(REPOSITORY, RowKind::Summary, b"key", b"payload").unwrap();
        assert_eq!(open(REPOSITORY, RowKind::Summary, b"key", &value).unwrap(), b"payload");
        assert!(open(REPOSITORY, RowKind::Summary, b"other", &value).is_err());
        assert!(open(REPOSITORY, RowKind::Record, b"key", &value).is_err());
        assert!(open(RepositoryId([8; 16]), RowKind::Summary, b"key", &value).is_err());
        assert!(open(REPOSITORY, RowKind::Summary, &value, b"key").is_err());
    }

    #[test]
    fn every_flipped_bit_and_every_other_length_is_refused() {
        let value = seal(REPOSITORY, RowKind::Time, b"key", b"payload").unwrap();
        for bit in 0..value.len() * 8 {
            let mut other = value.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(open(REPOSITORY, RowKind::Time, b"key", &other).is_err(), "bit {bit}");
        }
        for bytes in 0..value.len() {
            assert!(open(REPOSITORY, RowKind::Time, b"key", &value[..bytes]).is_err(), "{bytes} bytes");
        }
        assert!(open(REPOSITORY, RowKind::Time, b"key", &[value, vec![0]].concat()).is_err());
    }

    #[test]
    fn a_row_that_would_be_too_long_is_not_made() {
        let value = seal(REPOSITORY, RowKind::State, b"", &[0; PAYLOAD_BYTES_MAX]).unwrap();
        assert_eq!(value.len(), VALUE_BYTES_MAX);
        assert!(seal(REPOSITORY, RowKind::State, b"", &[0; PAYLOAD_BYTES_MAX + 1]).is_err());
    }
}
