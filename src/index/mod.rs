//! The index: where each chunk lies.
//!
//! The repository holds sealed, immutable [`IndexSegment`]s. On this machine each is unpacked once
//! into an immutable, sorted, checksummed table that is memory-mapped and shared by all processes;
//! [`Index`] is the set of tables over the segments that are listed now. Opening costs nothing that
//! grows with the number of chunks, and private memory stays flat.
//!
//! "An entry for data that is not there" is the worst bug of a backup tool: it leaves data out of a
//! snapshot that claims to have it. So nothing here says that a chunk is known without a
//! [`Presence`], which is made from a listing of the packs that are there.

mod filter;
mod folder;
mod layout;
mod lookup;
mod mapping;
mod merge;
mod open;
mod ordered;
mod remembered;
mod rows;
mod search;
mod segment;
mod table;
mod table_build;
#[cfg(test)]
mod tests;

pub use lookup::{EntryNumbers, FrameRef, Index, Location, Presence};
pub use open::LoadSegment;
pub use remembered::read_remembered_packs;
pub use segment::{IndexSegment, IndexedPack, SEGMENT_PLAIN_BYTES_MAX, SEGMENTS_AT_ONCE};
