//! Writes the content of one file to a stream.

use crate::cancel::check_cancelled;
use std::io::{self, Write};

use super::place::Place;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, ContentList, NODE_CHANGED_WHILE_READ};
use crate::progress::{Finding, FindingKind, Progress};
use crate::repository::ChunkReader;
use crate::trees::{Piece, visit_content};
use crate::units::PathText;

/// Holes are written in pieces of so many bytes: a pipe takes no more at a time.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// How a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatOutcome {
    /// All of it: so many bytes.
    Whole(u64),
    /// Whoever reads closed the pipe before the end, as `head` does. That is no error.
    PipeClosed,
}

/// Writes the file at `place` to `output`, in order. Every chunk is verified before any of its bytes
/// is written; holes are written as zeros.
///
/// # Errors
/// `NotFound` when nothing is there, `Invalid` when it is no regular file; `Damaged`, after what came
/// before the damage was written; `Interrupted`; `Other` or `Full` when `output` fails.
pub fn cat(reader: &ChunkReader, place: &Place<'_>, output: &mut dyn Write, progress: &dyn Progress) -> Result<CatOutcome> {
    let path = PathText(place.path());
    let node = place.find(reader)?.ok_or_else(|| place.nothing_there())?;
    let Content::File(file_bytes, list) = &node.content else {
        return Err(Error::new(ErrorKind::Invalid, format!("{path} is a {}, not a file", node.type_name())));
    };
    if node.flags & NODE_CHANGED_WHILE_READ != 0 {
        progress.report(Finding::new(FindingKind::Changed, place.path(), "the file changed while it was saved"));
    }
    let mut stopped: Option<io::Error> = None;
    let mut write_piece = |piece: &[u8]| {
        output.write_all(piece).map_err(|error| {
            stopped = Some(error);
            Error::new(ErrorKind::Other, "stopped")
        })
    };
    let walked = each_piece(reader, list, progress, &mut write_piece);
    match (stopped, walked) {
        (Some(error), _) => return refused(place, error),
        (None, Err(error)) => return Err(error.context(path)),
        (None, Ok(())) => {}
    }
    match output.flush() {
        Ok(()) => Ok(CatOutcome::Whole(*file_bytes)),
        Err(error) => refused(place, error),
    }
}

fn refused(place: &Place<'_>, error: io::Error) -> Result<CatOutcome> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(CatOutcome::PipeClosed),
        _ => Err(Error::io("cannot write the content of", PathText(place.path()), error)),
    }
}

/// Reads the content of a file in order. Every chunk is verified before it is given out; holes are given as zeros.
///
/// # Errors
/// `Damaged`; `Interrupted`; those of `take`.
pub(super) fn each_piece(
    reader: &ChunkReader,
    list: &ContentList,
    progress: &dyn Progress,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut take_piece = |piece: Piece| {
        check_cancelled(progress)?;
        let bytes = match piece {
            Piece::Hole(range) => {
                let mut left = range.end - range.start;
                while left > 0 {
                    check_cancelled(progress)?;
                    let part = left.min(ZEROS.len() as u64);
                    take(&ZEROS[..part as usize])?;
                    left -= part;
                }
                range.end - range.start
            }
            Piece::Chunk { id, bytes, .. } => {
                let plain = reader.data_chunk(&id)?;
                if plain.len() as u64 != bytes {
                    return Err(Error::damaged(format!("chunk {}", id.short()), "it has another length than the file says"));
                }
                take(&plain)?;
                bytes
            }
        };
        progress.add_done(0, bytes);
        Ok(())
    };
    visit_content(reader, list, &mut take_piece)
}
