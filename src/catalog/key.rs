//! Keys of the look-up trees: short, of fixed length, and sorted as what they stand for.

use super::summary::series_key;
use crate::error::{Error, Result};
use crate::units::Timestamp;

/// The id that a key or value is.
///
/// # Errors
/// `Damaged` when it has another length.
pub(super) fn exact_id(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| Error::damaged("a catalog row", "its key or value is not an id"))
}

/// A series as a key of fixed length.
pub(super) fn series_prefix(series: &str) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(series_key(series).as_bytes()).as_bytes()[..16]);
    half
}

/// A time whose bytes sort as times do, before 1970 too.
pub(super) fn time_bytes(time: Timestamp) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&((time.seconds as u64) ^ (1 << 63)).to_be_bytes());
    bytes[8..].copy_from_slice(&time.nanoseconds.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_their_keys_do() {
        let times = [(i64::MIN, 0), (-1, 0), (-1, 9), (0, 0), (0, 256), (1, 0), (256, 0), (i64::MAX, 999_999_999)];
        let keys = times.map(|(seconds, nanoseconds)| time_bytes(Timestamp::new(seconds, nanoseconds)));
        assert!(keys.is_sorted());
    }
}
