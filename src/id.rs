//! The identifiers: one type each, so that a pack is never looked up by the id of a chunk.
//!
//! All print as lower-case hexadecimal. Ids of 32 bytes are hashes of what they name; ids of 16
//! bytes are random.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// So many digits of an id are written at least: fewer soon fit another one than was meant.
pub const ID_PREFIX_MIN: usize = 4;

/// Refuses the beginning of an id that is too short.
///
/// # Errors
/// `Invalid`.
pub fn check_prefix(prefix: &str) -> Result<()> {
    if prefix.len() >= ID_PREFIX_MIN {
        return Ok(());
    }
    let message = format!("`{}` is too short: of an id at least {ID_PREFIX_MIN} digits are needed", prefix.escape_debug());
    Err(Error::new(ErrorKind::Invalid, message))
}

/// Writes `bytes` as lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
    text
}

/// Reads exactly `N` bytes of lower-case hexadecimal, or nothing.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// How many bytes the id has.
            pub const BYTES: usize = $bytes;

            /// Reads the whole id from lower-case hexadecimal.
            ///
            /// # Errors
            /// `Invalid` when the text is not exactly one id.
            pub fn parse(text: &str) -> Result<Self> {
                from_hex(text).map(Self).ok_or_else(|| {
                    Error::new(ErrorKind::Invalid, format!("`{}` is not the id of a {}", text.escape_debug(), $what))
                })
            }

            /// The first eight hexadecimal digits, for people.
            pub fn short(&self) -> String {
                to_hex(&self.0[..4])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), to_hex(&self.0))
            }
        }
    };
}

identifier!(
    /// Names a chunk: the keyed BLAKE3 of its plain bytes.
    ChunkId, 32, "chunk"
);
identifier!(
    /// Names a pack: the BLAKE3 of its stored bytes.
    PackId, 32, "pack"
);
identifier!(
    /// Names an index segment: the BLAKE3 of its stored bytes.
    SegmentId, 32, "index segment"
);
identifier!(
    /// Names a snapshot: the BLAKE3 of the stored bytes of its manifest.
    SnapshotId, 32, "snapshot"
);
identifier!(
    /// Names a record: the BLAKE3 of its stored bytes.
    RecordId, 32, "record"
);
identifier!(
    /// Names a key slot: the BLAKE3 of its stored bytes.
    SlotId, 32, "key slot"
);
identifier!(
    /// Names what a snapshot holds: the keyed BLAKE3 of its top-level entries. Two snapshots of an
    /// unchanged source have the same one.
    RootId, 32, "root"
);
identifier!(
    /// Names a repository: random, drawn at init.
    RepositoryId, 16, "repository"
);
identifier!(
    /// Names one run of a program that wrote to the repository: random.
    RunId, 16, "run"
);
identifier!(
    /// Names one client (a user on a machine with its cache): random, kept in the cache folder.
    ClientId, 16, "client"
);
identifier!(
    /// Tells machines of one repository apart: a keyed hash of what the system calls itself. All zero for
    /// machines that have no such name, which count as one.
    MachineId, 16, "machine"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_and_parses_to_itself() {
        let id = RunId(*b"0123456789abcdef");
        assert_eq!(RunId::parse(&id.to_string()).unwrap(), id);
        assert_eq!(id.short(), "30313233");
    }

    #[test]
    fn other_lengths_and_upper_case_are_refused() {
        assert!(RunId::parse("30").is_err());
        assert!(RunId::parse(&"AB".repeat(16)).is_err());
        assert!(RunId::parse(&"é".repeat(16)).is_err());
    }
}
