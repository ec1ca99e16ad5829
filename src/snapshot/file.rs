//! Saves one regular file: opens it, reads it, and looks again whether it held still.

use super::compare::held_still;
use super::content::{ContentWriter, SMALL_FILE_BYTES, SaveError, Saver};
use super::lengths::Lengths;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, ContentList, NODE_CHANGED_WHILE_READ, Node};
use crate::repository::FrameGatherer;
use crate::source::{Extent, Folder, Owners, SourceFile, Stat, metadata_of_file};
use crate::wire::Extensions;

/// A file that changes while it is read is read so many times …
const TRIES: u32 = 3;
/// … if it is not longer than this. A longer one is most likely open all day.
const TRY_AGAIN_BYTES: u64 = 64 << 20;
/// What the kernel makes up is read so much at a time, and may go on for ever.
const READ_MADE_UP_BYTES: usize = 64 << 10;
const ENDLESS_BYTES_MAX: u64 = 1 << 30;

/// A file that was saved.
pub(super) struct SavedFile {
    pub node: Node,
    pub bytes_read: u64,
    /// Attributes that could not be read.
    pub notes: Vec<Error>,
}

/// Reads the file `name` of `folder`, which had `stat` a moment ago.
pub(super) fn save_file(
    saver: &Saver<'_>,
    gatherer: &mut FrameGatherer,
    owners: &Owners,
    (folder, lengths): (&Folder, &Lengths),
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
        saver.writeback.make_clean(&file);
        let is_endless = lengths.are_unknown(&opened);
        let (bytes, list) = if is_endless { read_to_end(saver, gatherer, &file)? } else { read_content(saver, gatherer, &file, &opened)? };
        bytes_read += bytes;
        let after = file.stat().map_err(SaveError::Source)?;
        let is_still = held_still(&opened, &after) && (is_endless || bytes == opened.size);
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

/// Reads a file whose length says nothing.
fn read_to_end(saver: &Saver<'_>, gatherer: &mut FrameGatherer, file: &SourceFile) -> std::result::Result<(u64, ContentList), SaveError> {
    let mut content = ContentWriter::new(saver);
    let mut first = [0];
    // Most are empty indeed.
    if file.read_at(0, &mut first).map_err(SaveError::Source)? > 0 {
        let mut read_at = |offset: u64, buffer: &mut [u8]| -> Result<usize> {
            // The kernel refuses to make up more at once.
            let room = buffer.len().min(READ_MADE_UP_BYTES);
            let bytes = file.read_at(offset, &mut buffer[..room])?;
            if bytes > 0 && offset >= ENDLESS_BYTES_MAX {
                return Err(Error::new(ErrorKind::Other, "it has no end: its length is said to be 0, and 1 GiB was read of it"));
            }
            Ok(bytes)
        };
        content.push_data(gatherer, 0, u64::MAX, &mut read_at)?;
    }
    content.finish()
}

/// Reads the content up to the length that the file had when it was opened. What it grows by
/// meanwhile belongs to the next snapshot.
fn read_content(
    saver: &Saver<'_>,
    gatherer: &mut FrameGatherer,
    file: &SourceFile,
    opened: &Stat,
) -> std::result::Result<(u64, ContentList), SaveError> {
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
