//! The first page of a database file: what can be known without a server.
//!
//! The state stands there, so it can be asked when the server is gone, and of the very file that is read. Only what is
//! needed is decoded. The places are those of ODS 11 to 13 (Firebird 2.5 to 5); the list at the end is that of
//! `src/jrd/ods.h` of Firebird, and is believed only where it can be walked to its end.

use std::fmt;
use std::fs::File;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::platform::{content, open};
use crate::units::PathText;

/// Enough of the smallest page for everything that is read here.
const HEAD_BYTES: usize = 1024;
/// Where the flags stand.
pub const FLAGS_AT: usize = 42;
/// The bits of the flags that say whether writes go to a difference file.
pub const STATE_MASK: u16 = 0x0c00;
const LOCKED: u16 = 0x0400;
const MERGING: u16 = 0x0800;
/// Where the list begins: (kind, length, bytes), until kind 0.
const LIST_AT: usize = 132;
const FURTHER_FILE: u8 = 2;
const DIFFERENCE_FILE: u8 = 6;
const LOCK_ID: u8 = 7;

/// What becomes of writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// They go to the database file.
    Normal,
    /// They go to the difference file: the database file is frozen.
    Locked,
    /// The difference file is being written back.
    Merging,
}

/// The number that the server draws for each lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LockId([u8; 16]);

/// The first page of a database file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of a page.
    pub page_bytes: u32,
    /// The version of the format: 12 for Firebird 3, 13 for 4 and 5.
    pub ods: u16,
    /// What becomes of writes.
    pub state: State,
    /// The number of the last lock, also where that was released.
    pub lock_id: Option<LockId>,
    /// The difference file, where one was named.
    pub difference: Option<String>,
    /// Whether the database goes on in another file.
    pub goes_on: bool,
}

impl Header {
    /// Reads it from an open file.
    ///
    /// # Errors
    /// `Invalid` for a file that is no database of Firebird; those of the disk.
    pub fn read(file: &File, path: &Path) -> Result<Self> {
        let mut bytes = [0; HEAD_BYTES];
        content::read_exact_at(file, &mut bytes, 0).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => not_a_database(path),
            _ => Error::io("cannot read", shown(path), error),
        })?;
        Self::decode(&bytes).ok_or_else(|| not_a_database(path))
    }

    /// Reads it from the file at a path.
    ///
    /// # Errors
    /// As [`Header::read`].
    pub fn of_path(path: &Path) -> Result<Self> {
        let file = open::file(path).map_err(|failure| Error::io("cannot open", shown(path), failure))?;
        Self::read(&file, path)
    }

    /// Decodes it; none where it is no header of a database.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let (page_bytes, version, flags) = (u32::from(number(16)?), number(18)?, number(FLAGS_AT)?);
        let is_header = bytes.first() == Some(&1) && page_bytes.is_power_of_two() && (1024..=32_768).contains(&page_bytes);
        let ods = version & 0x7fff;
        if !is_header || version & 0x8000 == 0 || ods < 10 {
            return None;
        }
        let state = match flags & STATE_MASK {
            0 => State::Normal,
            LOCKED => State::Locked,
            MERGING => State::Merging,
            _ => return None,
        };
        let items = items(bytes.get(LIST_AT..)?).unwrap_or_default();
        let item = |kind: u8| items.iter().find(|(found, _)| *found == kind).map(|(_, bytes)| *bytes);
        Some(Self {
            page_bytes,
            ods,
            state,
            lock_id: item(LOCK_ID).and_then(|bytes| bytes.try_into().ok()).map(LockId),
            difference: item(DIFFERENCE_FILE).map(|name| String::from_utf8_lossy(name).into_owned()).filter(|name| !name.is_empty()),
            goes_on: item(FURTHER_FILE).is_some(),
        })
    }
}

/// Walks the list; none where it does not end within the bytes.
fn items(mut rest: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut items = Vec::new();
    loop {
        match rest {
            [0, ..] => return Some(items),
            [kind, length, more @ ..] => {
                let (bytes, next) = more.split_at_checked(usize::from(*length))?;
                items.push((*kind, bytes));
                rest = next;
            }
            _ => return None,
        }
    }
}

fn not_a_database(path: &Path) -> Error {
    Error::new(ErrorKind::Invalid, format!("{} is not a database of Firebird", shown(path)))
}

/// A path as messages show it.
pub fn shown(path: &Path) -> String {
    format!("\"{}\"", PathText(crate::platform::names::to_bytes(path)))
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "not locked",
            Self::Locked => "locked",
            Self::Merging => "merging",
        })
    }
}

impl fmt::Display for LockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LockId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(flags: u16, list: &[u8]) -> Vec<u8> {
        let mut page = vec![0; HEAD_BYTES];
        page[0] = 1;
        page[16..18].copy_from_slice(&8192_u16.to_le_bytes());
        page[18..20].copy_from_slice(&0x800c_u16.to_le_bytes());
        page[FLAGS_AT..FLAGS_AT + 2].copy_from_slice(&flags.to_le_bytes());
        page[LIST_AT..LIST_AT + list.len()].copy_from_slice(list);
        page
    }

    #[test]
    fn the_state_and_the_number_of_a_lock_are_read_from_the_first_page() {
        let id: Vec<u8> = (0..16).collect();
        let list = [&[6, 3][..], b"a.d", &[7, 16], &id, &[0]].concat();
        let header = Header::decode(&page(0x0412, &list)).unwrap();
        assert_eq!((header.page_bytes, header.ods, header.state, header.goes_on), (8192, 12, State::Locked, false));
        assert_eq!(header.lock_id.unwrap().to_string(), "000102030405060708090a0b0c0d0e0f");
        assert_eq!(header.difference.as_deref(), Some("a.d"));
        assert_eq!(Header::decode(&page(0x0812, &[])).unwrap().state, State::Merging);
        let header = Header::decode(&page(0x12, &[2, 1, b'x', 0])).unwrap();
        assert_eq!((header.state, header.lock_id, header.goes_on), (State::Normal, None, true));
    }

    #[test]
    fn what_is_no_header_is_refused_and_a_list_without_end_is_not_believed() {
        for bad in [page(0x0c00, &[]), vec![0; HEAD_BYTES], page(0, &[])[..100].to_vec(), vec![]] {
            assert_eq!(Header::decode(&bad), None);
        }
        let mut endless = page(0x0400, &[7, 16]);
        endless[LIST_AT + 18..].fill(255);
        assert_eq!(Header::decode(&endless).unwrap().lock_id, None);
    }
}
