//! Packs: files of frames with a sealed directory at their end, and the sealed container that every
//! other object shares with them.
//!
//! A pack is understandable alone: its header names the repository and the run, its directory what
//! it holds. Other objects (index segments, manifests, records) have the same header and one sealed
//! body. `docs/format.md` has every byte.

mod container;
mod directory;
mod header;
mod keys;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use container::{open_object, seal_object};
pub use directory::{ChunkEntry, FRAME_PLAIN_BYTES_MAX, FRAME_SEALED_BYTES_MAX, FrameEntry, PackDirectory, PackKind, check_frames};
pub use header::{HEADER_BYTES_MAX, MAGIC as OBJECT_MAGIC, ObjectHeader, ObjectKind};
pub use keys::KeyRing;
pub use reader::{FOOTER_BYTES, FramePlace, HEAD_BYTES, PackKeys, open_directory, read_directory};
pub use writer::{FinishedPack, FrameSeal, PackWriter};
