//! Saves one regular file: opens it, reads it, and looks again whether it held still.

use super::compare::held_still;
use super::content::{ContentWriter, SMALL_FILE_BYTES, SaveError, Saver};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, NODE_CHANGED_WHILE_READ, Node};
use crate::repository::FrameGatherer;
use crate::source::{Extent, Folder, Owners, SourceFile, Stat, metadata_of_file};
use crate::wire::Extensions;

/// A file that changes while it is read is read so many times …
const TRIES: u32 = 3;
/// … if it is not longer than this. A longer one is most likely open all day.
const TRY_AGAIN_BYTES: u64 = 64 << 20;

/// A file that was saved.
pub(super) struct SavedFile {
    pub node: Node,
    pub bytes_read: u64,
    /// Attributes that could not be read.
    pub notes: Vec<Error>,
}

/// Reads the file `name` of `folder`, which had `stat` a moment ago.
pub(super) fn save_file(
    saver: &Saver<'_, '_>,
    gatherer: &mut FrameGatherer,
    owners: &Owners,
    folder: &Folder,
    name: &[u8],
    stat: &Stat,
) -> std::result::Result<SavedFile, SaveError> {
    let (mut stat, mut bytes_read) = (stat.clone(), 0);
    let mut tries = 1;
    loop {
        let file = match SourceFile::open(folder, name, &stat) {
            // Another file took its place since it was listed: that one is saved.
            Err(error) if error.kind() == ErrorKind::Changed && tries < TRIES => {
                stat = look_again(folder, name)?;
                tries += 1;
                continue;
            }
            other => other.map_err(SaveError::Source)?,
        };
        let opened = file.opened().clone();
        let (bytes, list) = read_content(saver, gatherer, &file, &opened)?;
        bytes_read += bytes;
        let after = file.stat().map_err(SaveError::Source)?;
        let is_still = held_still(&opened, &after) && bytes == opened.size;
        if is_still || tries >= TRIES || after.size > TRY_AGAIN_BYTES {
            let (metadata, notes) = metadata_of_file(&file, &opened, owners);
            let flags = if is_still { 0 } else { NODE_CHANGED_WHILE_READ };
            let node = Node { name: name.to_vec(), metadata, content: Content::File(bytes, list), flags, extensions: Extensions::none() };
            return Ok(SavedFile { node, bytes_read, notes });
        }
        stat = after;
        tries += 1;
    }
}

fn look_again(folder: &Folder, name: &[u8]) -> std::result::Result<Stat, SaveError> {
    let stat = folder.stat(name).map_err(SaveError::Source)?;
    if stat.is_file() {
        return Ok(stat);
    }
    Err(SaveError::Source(Error::new(ErrorKind::Changed, "it is no longer a regular file")))
}

/// Reads the content up to the length that the file had when it was opened. What it grows by
/// meanwhile belongs to the next snapshot.
fn read_content(
    saver: &Saver<'_, '_>,
    gatherer: &mut FrameGatherer,
    file: &SourceFile,
    opened: &Stat,
) -> std::result::Result<(u64, crate::manifest::ContentList), SaveError> {
    let mut content = ContentWriter::new(saver);
    let mut read_at = |offset: u64, buffer: &mut [u8]| -> Result<usize> { file.read_at(offset, buffer) };
    if opened.size > SMALL_FILE_BYTES {
        file.advise_sequential();
    }
    if !opened.may_have_holes() {
        if opened.size > 0 {
            content.push_data(gatherer, 0, opened.size, &mut read_at)?;
        }
        return content.finish();
    }
    let mut at = 0;
    while at < opened.size {
        // A file of a million small extents takes long, too.
        saver.check_interrupt().map_err(SaveError::Repository)?;
        match file.next_extent(at, opened.size).map_err(SaveError::Source)? {
            Extent::Hole { start, end } => {
                content.push_hole(end - start)?;
                at = end;
            }
            Extent::Data { start, end } => {
                let reached = content.push_data(gatherer, start, end, &mut read_at)?;
                if reached < end {
                    break;
                }
                at = end;
            }
        }
    }
    content.finish()
}
