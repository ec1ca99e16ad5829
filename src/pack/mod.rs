//! Packs: files of frames with a sealed directory at their end, and the sealed container that every
//! other object shares with them.

mod directory;

pub use directory::{ChunkEntry, FRAME_PLAIN_BYTES_MAX, FRAME_SEALED_BYTES_MAX, FrameEntry, PackDirectory, PackKind, check_frames};
