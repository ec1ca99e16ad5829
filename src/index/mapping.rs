//! The bytes of a table: a mapped file, or plain memory where there is no cache folder.
//!
//! A mapping is shared by all processes through the page cache and costs no private memory. Here is
//! the crate's only `unsafe`, with its argument.

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::Mmap;

use super::layout::HEADER_BYTES;
use crate::platform::private;

/// All bytes of one table.
#[derive(Debug)]
pub(super) enum TableBytes {
    /// Built in memory: nobody else can see or change it.
    Memory(Vec<u8>),
    /// A table file of the cache folder.
    Mapped(Mmap),
}

impl TableBytes {
    /// Maps a table file after looking whether it may be trusted to stay as it is: a regular file
    /// of this user that no other may write.
    ///
    /// # Errors
    /// Those of the operating system; `InvalidData` for a file that is not such a one.
    pub fn map(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() || !private::is_ours_alone(&metadata) || metadata.len() < HEADER_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        map_file(file).map(Self::Mapped)
    }

    /// True for plain memory.
    pub fn is_memory(&self) -> bool {
        matches!(self, Self::Memory(_))
    }
}

/// Maps the whole file for reading.
#[allow(unsafe_code)]
fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: a mapping is sound as long as nobody changes or truncates the file below it. A table
    // file belongs to this user and is writable by no other (checked by the caller); this program
    // writes it completely under a temporary name with plain writes, renames it once, and from then
    // on only maps or unlinks it, which leaves existing mappings whole. A user who edits files in
    // the own cache folder while a run is on breaks the own run only. Nothing is cast: rows are
    // read byte by byte and every block is checked against its checksum before it is used.
    unsafe { Mmap::map(file) }
}

impl Deref for TableBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}
