//! The files and folders of this machine, as a comparison with a snapshot looks at them.

use crate::cancel::{Cancel, check_cancelled};
use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::manifest::{Content, ContentList, Metadata};
use crate::pack::{FRAME_PLAIN_BYTES_MAX, PackKind};
use crate::repository::ChunkReader;
use crate::source::{Extent, Folder, Owners, SourceFile, Stat, metadata_of_folder, read_metadata};
use crate::trees::{Piece, visit_content};

/// Zeros are compared in pieces of this length.
const PIECE_BYTES: usize = 1 << 20;

/// What is compared with a snapshot.
pub(super) struct LiveRoot {
    path: Vec<u8>,
    /// The folder at the path, if it is one.
    folder: Option<Folder>,
    /// The folder that the file at the path lies in, if it is no folder.
    parent: Folder,
    name: Vec<u8>,
}

impl LiveRoot {
    /// Opens what lies at the absolute `path`; where that is a link to a folder, the folder is meant.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub(super) fn open(path: &[u8]) -> Result<Self> {
        let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(0) => (&b"/"[..], &path[1..]),
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&b"."[..], path),
        };
        let parent = Folder::open_place(parent)?;
        let folder = match Folder::open(path) {
            Ok(folder) => Some(folder),
            // It is no folder: then it is there, or this look fails.
            Err(error) => match parent.stat(name) {
                Ok(stat) if !stat.is_directory() => None,
                _ => return Err(error),
            },
        };
        Ok(Self { path: path.to_vec(), folder, parent, name: name.to_vec() })
    }

    pub(super) fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    pub(super) fn parent(&self) -> &Folder {
        &self.parent
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    pub(super) fn stat(&self) -> Result<Stat> {
        self.folder.as_ref().map_or_else(|| self.parent.stat(&self.name), Folder::stat_self)
    }

    /// The path `relative` below this one, where `relative` is empty or begins with a slash.
    pub(super) fn join(&self, relative: &[u8]) -> Vec<u8> {
        let top = if self.path == b"/" { &b""[..] } else { &self.path };
        let joined = [top, relative].concat();
        if joined.is_empty() { b"/".to_vec() } else { joined }
    }

    /// Opens the folder at `relative`.
    ///
    /// # Errors
    /// As [`Folder::open_below`].
    pub(super) fn open_below(&self, relative: &[u8]) -> Result<LiveFolder> {
        let folder = match (relative.strip_prefix(b"/"), &self.folder) {
            (Some(relative), Some(folder)) => folder.open_below(relative)?,
            _ => Folder::open(&self.path)?,
        };
        Ok(LiveFolder { stat: folder.stat_self()?, folder })
    }
}

/// An open folder.
pub(super) struct LiveFolder {
    folder: Folder,
    stat: Stat,
}

impl LiveFolder {
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Its entries by name; what goes while they are looked at is not there.
    ///
    /// # Errors
    /// Those of reading the folder.
    pub(super) fn list(&self) -> Result<BTreeMap<Vec<u8>, Stat>> {
        let mut entries = BTreeMap::new();
        for entry in self.folder.list()? {
            match self.folder.stat(&entry.name) {
                Ok(stat) => drop(entries.insert(entry.name, stat)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    /// The content of a file that is not as the snapshot has it. Nobody reads it, so that its list says nothing.
    pub(super) fn other_content(stat: &Stat) -> Content {
        Content::File(stat.size, ContentList::default())
    }

    /// What cannot be read of it is left out, as a snapshot does.
    pub(super) fn metadata(folder: &Folder, name: &[u8], stat: &Stat, owners: &Owners) -> Metadata {
        read_metadata(folder, name, stat, owners).0
    }

    pub(super) fn metadata_of_folder(folder: &Folder, stat: &Stat, owners: &Owners) -> Metadata {
        metadata_of_folder(folder, stat, owners).0
    }
}

/// Whether the file has the content that `list` names, by the ids of its chunks. It is read up to the first difference.
///
/// # Errors
/// `Changed` when it is another file by now; `Damaged` when the list cannot be read; those of reading; `Interrupted`.
pub(super) fn has_same_content(
    reader: &ChunkReader,
    list: &ContentList,
    folder: &Folder,
    name: &[u8],
    stat: &Stat,
    cancel: &dyn Cancel,
) -> Result<bool> {
    let file = SourceFile::open(folder, name, stat)?;
    let (mut is_same, mut buffer) = (true, Vec::new());
    visit_content(reader, list, &mut |piece: Piece| {
        if !is_same {
            return Ok(());
        }
        check_cancelled(cancel)?;
        match piece {
            Piece::Chunk { id, offset, bytes } => {
                if bytes > u64::from(FRAME_PLAIN_BYTES_MAX) {
                    return Err(Error::damaged("a content list", "it has a chunk that is longer than chunks are"));
                }
                buffer.resize(bytes as usize, 0);
                is_same = read_whole(&file, offset, &mut buffer)? && reader.verify(PackKind::Data, &id, &buffer);
            }
            Piece::Hole(range) => {
                let mut at = range.start;
                while at < range.end && is_same {
                    // A hole of the file itself is not read.
                    let extent = file.next_extent(at, range.end)?;
                    at = match extent {
                        Extent::Hole { end, .. } => end,
                        Extent::Data { end, .. } => {
                            buffer.resize(PIECE_BYTES.min((end - at) as usize), 0);
                            is_same = read_whole(&file, at, &mut buffer)? && buffer.iter().all(|byte| *byte == 0);
                            at + buffer.len() as u64
                        }
                    };
                }
            }
        }
        Ok(())
    })?;
    Ok(is_same)
}

/// Fills `buffer` from `offset` on; false when the file ends before.
fn read_whole(file: &SourceFile, offset: u64, buffer: &mut [u8]) -> Result<bool> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(offset + filled as u64, &mut buffer[filled..])? {
            0 => return Ok(false),
            bytes => filled += bytes,
        }
    }
    Ok(true)
}
