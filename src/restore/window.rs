//! What is planned at a time: files by the frames that their chunks lie in, and what follows when
//! they are written.
//!
//! A chunk with several places is taken from a frame that is read anyway, if there is one. Of the
//! frames that were planned last some are marked to be kept: files of the next windows most likely
//! lie in them too, since what was saved at the same time by one worker lies together.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::entries::Left;
use super::files::FileInWork;
use super::links::LinkInWork;
use super::repositories::Takes;
use super::request::WindowLimits;
use crate::id::{ChunkId, PackId};
use crate::index::Location;
use crate::manifest::{Content, Node};

/// So many frames are kept, when they are not longer than [`KEPT_FRAME_BYTES`].
pub(super) const KEPT_FRAMES: usize = 8;
/// The longest frame that is kept; eight of them are 16 MiB.
const KEPT_FRAME_BYTES: u32 = 2 << 20;
/// Paths of folders in a window take at most so many bytes, so that a tree of many levels with long
/// names does not fill the memory.
const PATH_BYTES_MAX: usize = 16 << 20;

/// Which frame: the pack and the number in it.
pub(super) type FrameKey = (PackId, u32);

/// A chunk of a file that is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    pub id: ChunkId,
    /// Number of the file in the window.
    pub file: u32,
    /// Its length, by the content list.
    pub bytes: u64,
    /// Where it belongs in the file.
    pub offset: u64,
}

/// A want with the place in a frame's plain bytes where the index has its chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlacedWant {
    pub chunk_offset: u32,
    pub chunk_bytes: u32,
    pub want: Want,
}

/// A frame with everything that is wanted of it.
#[derive(Debug)]
pub(super) struct FramePlan {
    pub place: Location,
    pub wants: Vec<PlacedWant>,
}

impl FramePlan {
    pub fn key(&self) -> FrameKey {
        (self.place.pack, self.place.frame.number)
    }
}

/// A folder whose entries are planned: it gets its metadata when they are there.
pub(super) struct FolderInWork {
    /// Its absolute path in the snapshot.
    pub path: Vec<u8>,
    /// Its path in the destination.
    pub relative: Vec<u8>,
    pub node: Node,
    /// False when some of its entries could not be read or were not asked for, so that nothing in it is removed.
    pub is_complete: bool,
    /// True when everything below it was selected.
    pub is_included: bool,
    /// What of its metadata it gets.
    pub treatment: Treatment,
    /// True when it was there before, below the destination, and finished.
    pub was_there: bool,
    /// True when it is of a repository that was there, so that nothing in it or of it is changed.
    pub is_in_repository: bool,
}

impl FolderInWork {
    /// The folder that a walk leaves, if it stands for one of the snapshot; `is_new` when this restore made it,
    /// or it counts as that. With `keeps_metadata` it keeps what it has.
    pub fn of(left: Left<'_>, is_new: bool, keeps_metadata: bool, takes: Takes) -> Option<Self> {
        let node = left.node?;
        let treatment = if keeps_metadata { Treatment::LeftAlone } else { Treatment::of(&node, left.is_selected, is_new) };
        Some(Self {
            path: left.path.to_vec(),
            relative: left.relative.to_vec(),
            node,
            is_complete: left.is_complete,
            is_included: left.is_included,
            treatment,
            was_there: !is_new && !left.relative.is_empty(),
            is_in_repository: takes == Takes::Nothing,
        })
    }
}

/// What of its metadata a folder gets when everything in it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// All: it was asked for.
    Restored,
    /// All: it was made as the way to something that was asked for.
    Passed,
    /// Owner and mode: it was made as the way to a source.
    Ancestor,
    /// Nothing: it was there, and only passed through, or it is a destination that its user filled.
    LeftAlone,
}

impl Treatment {
    /// What a folder gets; `is_new` when this restore made it.
    fn of(node: &Node, is_selected: bool, is_new: bool) -> Self {
        match (&node.content, is_new) {
            (Content::Ancestor, true) => Self::Ancestor,
            (Content::Ancestor, false) => Self::LeftAlone,
            _ if is_selected => Self::Restored,
            (_, true) => Self::Passed,
            (_, false) => Self::LeftAlone,
        }
    }
}

/// What is planned.
#[derive(Default)]
pub(super) struct Window {
    pub frames: Vec<FramePlan>,
    by_key: HashMap<FrameKey, usize>,
    /// Chunks of which the index knows no place.
    pub unplaced: Vec<Want>,
    pub files: Vec<Arc<FileInWork>>,
    /// Files that wait for no chunk.
    pub ready: Vec<u32>,
    pub links: Vec<LinkInWork>,
    pub folders: Vec<FolderInWork>,
    chunks: usize,
    path_bytes: usize,
    last_frames: VecDeque<usize>,
}

impl Window {
    /// Takes a file in and returns its number.
    pub fn add_file(&mut self, file: &Arc<FileInWork>) -> u32 {
        self.files.push(Arc::clone(file));
        // A window has at most some hundred thousand.
        (self.files.len() - 1) as u32
    }

    /// Plans a chunk whose `places` the index knows.
    pub fn add_chunk(&mut self, want: Want, places: &[Location]) {
        self.chunks += 1;
        // A place with another length than the content list says is a place of something else.
        let mut fitting = places.iter().filter(|place| u64::from(place.chunk_bytes) == want.bytes);
        let is_planned = |place: &&Location| self.by_key.contains_key(&(place.pack, place.frame.number));
        let Some(place) = fitting.clone().find(is_planned).or_else(|| fitting.next()) else {
            self.unplaced.push(want);
            return;
        };
        let at = *self.by_key.entry((place.pack, place.frame.number)).or_insert_with(|| {
            self.frames.push(FramePlan { place: *place, wants: Vec::new() });
            self.frames.len() - 1
        });
        let placed = PlacedWant { chunk_offset: place.chunk_offset, chunk_bytes: place.chunk_bytes, want };
        self.frames[at].wants.push(placed);
        if self.last_frames.back() != Some(&at) {
            self.last_frames.retain(|last| *last != at);
            self.last_frames.push_back(at);
            if self.last_frames.len() > KEPT_FRAMES {
                self.last_frames.pop_front();
            }
        }
    }

    /// Takes a folder in that was left.
    pub fn add_folder(&mut self, folder: FolderInWork) {
        self.path_bytes += folder.path.len() + folder.relative.len();
        self.folders.push(folder);
    }

    /// Counts the bytes of a path that files of this window hold.
    pub fn add_path_bytes(&mut self, bytes: usize) {
        self.path_bytes += bytes;
    }

    /// True when no more chunks should be added.
    pub fn has_chunks_enough(&self, limits: &WindowLimits) -> bool {
        self.chunks >= limits.chunks
    }

    /// True when it should be executed before another entry is added.
    pub fn is_full(&self, limits: &WindowLimits) -> bool {
        let entries = self.files.len() + self.links.len() + self.folders.len();
        self.has_chunks_enough(limits) || entries >= limits.entries || self.path_bytes >= PATH_BYTES_MAX
    }

    /// True when the frame with this number was among those planned last.
    pub fn is_kept(&self, frame: usize) -> bool {
        self.frames[frame].place.frame.plain_bytes <= KEPT_FRAME_BYTES && self.last_frames.contains(&frame)
    }

    /// The frames planned last, the very last one last.
    pub fn last_frames(&self) -> impl Iterator<Item = FrameKey> + '_ {
        self.last_frames.iter().map(|at| self.frames[*at].key())
    }

    /// Takes in what follows the files of `other`, which are written.
    pub fn take_rest(&mut self, other: Self) {
        self.links.extend(other.links);
        self.folders.extend(other.folders);
        self.path_bytes += other.path_bytes;
    }

    /// Links and folders, as many as there are: with more they should wait no longer when it is none.
    pub fn waiting(&self) -> Option<usize> {
        (self.path_bytes < PATH_BYTES_MAX).then_some(self.links.len() + self.folders.len())
    }

    /// Takes the files and their chunks out; links and folders stay.
    pub fn take_files(&mut self) -> Self {
        let (links, folders) = (std::mem::take(&mut self.links), std::mem::take(&mut self.folders));
        let rest = Self { links, folders, path_bytes: self.path_bytes, ..Self::default() };
        std::mem::replace(self, rest)
    }
}
