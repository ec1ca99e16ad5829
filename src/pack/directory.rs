//! What a pack says of itself, and what the index repeats: frames, and the chunks in them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::ChunkId;
use crate::wire::Extensions;

/// A frame holds at most so many plain bytes.
pub const FRAME_PLAIN_BYTES_MAX: u32 = 64 << 20;
/// A sealed frame has at most so many bytes: incompressible content, nonce and tag, and room.
pub const FRAME_SEALED_BYTES_MAX: u32 = FRAME_PLAIN_BYTES_MAX + (1 << 20);

/// Whether a pack holds file content or trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PackKind {
    /// Chunks of files.
    Data,
    /// Tree pages and list pages.
    Meta,
}

/// One chunk of a frame. Its place in the frame's plain bytes is the sum of the lengths before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkEntry {
    /// The chunk.
    pub id: ChunkId,
    /// Its plain length.
    pub bytes: u32,
}

/// One frame of a pack. Its number, which its seal is bound to, is its place in the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameEntry {
    /// Where its sealed bytes begin, from the start of the pack.
    pub offset: u64,
    /// How many sealed bytes it has.
    pub sealed_bytes: u32,
    /// How many plain bytes it unpacks to: the sum of its chunks.
    pub plain_bytes: u32,
    /// How it is compressed.
    pub codec: u16,
    /// Its chunks, in order.
    pub chunks: Vec<ChunkEntry>,
}

impl FrameEntry {
    /// How many bytes it takes in a directory or a segment: 26 and 36 for each chunk.
    pub fn encoded_bytes(&self) -> u64 {
        26 + 36 * self.chunks.len() as u64
    }
}

/// All frames of a pack, in order of their numbers. Frames are sealed in parallel under numbers drawn
/// beforehand, so their offsets need not ascend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackDirectory {
    /// The frames.
    pub frames: Vec<FrameEntry>,
    /// Room to grow.
    pub extensions: Extensions,
}

impl PackDirectory {
    /// Checks that the frames lie in order between `begin` and `end` and that their lengths add up.
    ///
    /// # Errors
    /// `Damaged`, or `Unsupported` for an unknown critical extension.
    pub fn check(&self, begin: u64, end: u64) -> Result<()> {
        self.extensions.check(&[], "a pack directory")?;
        check_frames(&self.frames, begin, end)
    }
}

/// Checks the frames of one pack, wherever they are listed.
///
/// # Errors
/// `Damaged`.
pub fn check_frames(frames: &[FrameEntry], begin: u64, end: u64) -> Result<()> {
    let wrong = |why| Err(Error::damaged("a pack directory", why));
    let mut places = Vec::with_capacity(frames.len());
    for frame in frames {
        if frame.offset < begin || frame.offset > end || frame.sealed_bytes > FRAME_SEALED_BYTES_MAX {
            return wrong("a frame lies outside the pack");
        }
        let frame_end = frame.offset.saturating_add(u64::from(frame.sealed_bytes));
        if frame_end > end {
            return wrong("a frame lies outside the pack");
        }
        places.push((frame.offset, frame_end));
        let sum: u64 = frame.chunks.iter().map(|chunk| u64::from(chunk.bytes)).sum();
        if sum != u64::from(frame.plain_bytes) || frame.plain_bytes > FRAME_PLAIN_BYTES_MAX {
            return wrong("the chunks of a frame do not add up");
        }
        if frame.chunks.is_empty() || frame.chunks.iter().any(|chunk| chunk.bytes == 0) {
            return wrong("a frame or a chunk is empty");
        }
    }
    places.sort_unstable();
    if places.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        return wrong("its frames overlap");
    }
    Ok(())
}
