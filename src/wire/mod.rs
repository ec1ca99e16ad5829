//! The only home of bincode: turns plain structures into bytes and back, in exactly one way.
//!
//! bincode 1.3.3 with fixed-width little-endian integers gives every value one encoding. Decoding
//! reads from a slice whose length the caller has capped, refuses bytes that remain, and encodes the
//! result again to compare, so that no two byte strings mean the same thing and a decoder that
//! misreads is noticed. Structures that go through here use fixed-width integers, `bool`, `Option`,
//! enums, `String`, byte vectors and vectors of those; no maps, floats, `usize` or recursion.

mod extensions;

pub use extensions::{CRITICAL, Extensions};

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

fn options() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_little_endian().reject_trailing_bytes()
}

/// The bytes of `value`.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(value, &mut bytes);
    bytes
}

/// Appends the bytes of `value` to `bytes`.
pub fn encode_into<T: Serialize>(value: &T, bytes: &mut Vec<u8>) {
    // Writing to a vector cannot fail, and the type rules above leave nothing that bincode refuses.
    options().serialize_into(bytes, value).expect("plain structures always encode");
}

/// The value that `bytes` encode; `what` names it in the error.
///
/// # Errors
/// `Damaged` when the bytes are not exactly the encoding of one value.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T> {
    let value: T = options().deserialize(bytes).map_err(|error| Error::damaged(what, "it cannot be decoded").with_source(error))?;
    let mut same = Same { rest: bytes };
    if options().serialize_into(&mut same, &value).is_err() || !same.rest.is_empty() {
        return Err(Error::damaged(what, "its encoding is not canonical"));
    }
    Ok(value)
}

/// A writer that only compares, so that checking an encoding needs no second buffer.
struct Same<'a> {
    rest: &'a [u8],
}

impl std::io::Write for Same<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.rest.split_at_checked(bytes.len()) {
            Some((head, rest)) if head == bytes => {
                self.rest = rest;
                Ok(bytes.len())
            }
            _ => Err(std::io::Error::other("differs")),
        }
    }

    // Called with the eight bytes of a number at a time, whose length is known where it is inlined: they
    // are then compared without a call and a loop.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.write(bytes).map(drop)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Timestamp;

    #[test]
    fn integers_are_fixed_width_and_little_endian() {
        assert_eq!(encode(&(1u16, 2u64, Some(3u8))), [1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 3]);
    }

    #[test]
    fn trailing_and_missing_bytes_are_refused() {
        let bytes = encode(&7u32);
        assert_eq!(decode::<u32>(&bytes, "x").unwrap(), 7);
        assert!(decode::<u32>(&bytes[..3], "x").is_err());
        assert!(decode::<u32>(&[bytes, vec![0]].concat(), "x").is_err());
    }

    #[test]
    fn a_time_of_more_nanoseconds_than_a_second_has_is_refused() {
        assert_eq!(decode::<Timestamp>(&encode(&(-1i64, 999_999_999u32)), "x").unwrap(), Timestamp::new(-1, 999_999_999));
        assert!(decode::<Timestamp>(&encode(&(-1i64, 1_000_000_000u32)), "x").unwrap_err().is_damage());
    }

    #[test]
    fn a_claimed_length_beyond_the_bytes_is_refused_without_allocating_it() {
        let bytes = encode(&(1u64 << 40));
        assert!(decode::<Vec<u64>>(&bytes, "x").is_err());
        assert!(decode::<String>(&bytes, "x").is_err());
    }
}
