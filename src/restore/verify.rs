//! Reads every file that was written back and compares its chunks with their ids.
//!
//! It runs after all is written, so that what a later entry did to an earlier one is found too. Files
//! are known by their number in the walk, which is the same every time. A file that is to stay as it is
//! is read before that is decided.

use std::fs::File;
use std::ops::Range;

use rayon::prelude::*;

use super::content::{Part, each_part};
use super::entries::{Entered, Left, Visitor};
use super::outcome::Count;
use super::task::{Task, join, with_causes};
use super::writer::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, Node};
use crate::pack::{FRAME_PLAIN_BYTES_MAX, PackKind};
use crate::platform::content;
use crate::platform::failure::{Failure, is_shortage};
use crate::progress::FindingKind;
use crate::target::Folder;
use crate::trees::Piece;

/// So many files are read back by all threads at a time.
const BATCH_FILES: usize = 1024;

/// A walk that reads back.
pub(super) struct Verify<'w> {
    writer: &'w Writer<'w>,
    /// Folders that could not be made.
    blocked: &'w std::collections::HashSet<Vec<u8>>,
    ordinal: u64,
    batch: Vec<(Vec<u8>, Node)>,
}

impl<'w> Verify<'w> {
    pub fn new(writer: &'w Writer<'w>, blocked: &'w std::collections::HashSet<Vec<u8>>) -> Self {
        Self { writer, blocked, ordinal: 0, batch: Vec::new() }
    }

    /// Reads back what is gathered.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn flush(&mut self) -> Result<()> {
        let task = self.writer.task;
        self.batch.par_iter().for_each(|(folder, node)| {
            if !task.is_over() {
                self.verify(folder, node);
            }
        });
        self.batch.clear();
        task.check()
    }

    fn verify(&self, folder: &[u8], node: &Node) {
        let task = self.writer.task;
        let meant = join(folder, &node.name);
        let name = self.writer.other_name_of(&meant).unwrap_or_else(|| node.name.clone());
        let file = self.writer.destination.folder(folder).and_then(|within| within.open_file(&name));
        let outcome = file.and_then(|file| compare(task, &file, node));
        match outcome {
            Ok(()) => task.tally.add(Count::Verified),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_shortage(&error) => task.end(error),
            Err(error) => {
                task.tally.add(Count::VerifyFailed);
                task.report(FindingKind::Damaged, &join(folder, &name), format!("read back after the restore: {}", with_causes(&error)));
            }
        }
        task.progress.add_done(0, node.file_bytes());
    }
}

impl Visitor for Verify<'_> {
    fn enter(&mut self, relative: &[u8], _: Option<&Node>) -> Result<Entered> {
        if self.blocked.contains(relative) {
            return Ok(Entered::Not);
        }
        Ok(self.writer.other_name_of(relative).map_or(Entered::Here, Entered::Under))
    }

    fn entry(&mut self, folder: &[u8], node: Node, _: usize) -> Result<()> {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        if self.writer.is_written(ordinal) {
            self.writer.task.progress.add_total(0, node.file_bytes());
            self.batch.push((folder.to_vec(), node));
        }
        if self.batch.len() >= BATCH_FILES { self.flush() } else { Ok(()) }
    }

    fn leave(&mut self, _: Left<'_>) -> Result<()> {
        Ok(())
    }

    fn unreadable(&mut self, _: &[u8], _: Error) {
        // Reported by the walk that restored.
    }
}

/// Whether the file that a folder has under the name of `node` has its content too, by reading it.
///
/// # Errors
/// `Damaged` when it cannot be told, because part of the content list cannot be read; `Interrupted`.
pub(super) fn has_content_of(task: &Task<'_>, folder: &Folder, node: &Node) -> Result<bool> {
    task.progress.add_total(0, node.file_bytes());
    let outcome = folder.open_file(&node.name).and_then(|file| compare(task, &file, node));
    task.progress.add_done(0, node.file_bytes());
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Interrupted) || is_shortage(&error) => Err(error),
        // What cannot be read is not known to be right.
        Err(_) => Ok(false),
    }
}

fn compare(task: &Task<'_>, file: &File, node: &Node) -> Result<()> {
    let Content::File(bytes, list) = &node.content else { return Ok(()) };
    let differs = |why: String| Error::new(ErrorKind::Changed, why);
    let found = file.metadata().map_err(|error| Error::io("cannot look at", "it", error))?.len();
    if found != *bytes {
        return Err(differs(format!("it has {found} bytes instead of {bytes}")));
    }
    let mut plain = Vec::new();
    each_part(task.reader, list, &mut |part| match part {
        Part::Piece(Piece::Chunk { id, offset, bytes }) => {
            if task.is_over() {
                return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
            }
            if bytes > u64::from(FRAME_PLAIN_BYTES_MAX) {
                return Err(differs("a chunk of it has an impossible length".to_owned()));
            }
            plain.resize(bytes as usize, 0);
            content::read_exact_at(file, &mut plain, offset).map_err(|error| Error::io("cannot read", "it", error))?;
            if task.reader.verify(PackKind::Data, &id, &plain) {
                Ok(())
            } else {
                Err(differs(format!("bytes {offset} to {} differ from the snapshot", offset + bytes - 1)))
            }
        }
        Part::Piece(Piece::Hole(range)) => match first_nonzero(task, file, range)? {
            None => Ok(()),
            Some(offset) => Err(differs(format!("byte {offset} is not zero"))),
        },
        Part::Lost(_) => Err(Error::damaged("its content list", "part of it cannot be read any more")),
    })
}

/// The first byte in `range` that is not zero; holes are not read.
fn first_nonzero(task: &Task<'_>, file: &File, range: Range<u64>) -> Result<Option<u64>> {
    const READ_AT_ONCE: u64 = 256 << 10;
    let mut bytes = Vec::new();
    let mut offset = range.start;
    while offset < range.end {
        if task.is_over() {
            return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
        }
        match content::next_data(file, offset) {
            // Nothing but a hole up to its end.
            Err(Failure::NOTHING) => return Ok(None),
            Ok(data) if data > offset => offset = data,
            // Data here, or a file system that does not tell.
            _ => {
                bytes.resize((range.end - offset).min(READ_AT_ONCE) as usize, 0);
                content::read_exact_at(file, &mut bytes, offset).map_err(|error| Error::io("cannot read", "it", error))?;
                if let Some(at) = bytes.iter().position(|byte| *byte != 0) {
                    return Ok(Some(offset + at as u64));
                }
                offset += bytes.len() as u64;
            }
        }
    }
    Ok(None)
}
