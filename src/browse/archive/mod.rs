//! Writes a folder of a snapshot to a stream as a tar or zip archive.
//!
//! ```text
//! walk -> entry: name, node -> tar or zip -> head, pieces of content as they are read, rest
//! ```
//!
//! One chunk is in memory at a time, and the names that several files share; zip keeps its table of contents. What is
//! damaged ends the archive with an error and without its end, so that nobody takes it for whole.

mod tar;
mod zip;

use std::io::{self, Write};

use super::cat::each_piece;
use super::place::Place;
use super::visit::{Descend, Visit, visit};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, NODE_CHANGED_WHILE_READ, NODE_INCOMPLETE, Node};
use crate::progress::{Finding, FindingKind, Progress, Topic};
use crate::repository::ChunkReader;
use crate::units::PathText;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// POSIX tar with pax headers: names are bytes, links are links.
    Tar,
    /// Zip: names are text, a file with several names is several files, and there are no pipes and devices.
    Zip,
}

/// What an archive made of an entry.
enum Taken {
    /// It is in it; of a file the content comes next.
    Whole,
    /// It is in it as a further name, without content.
    Link,
    /// It cannot be in it, for this reason.
    Not(&'static str),
}

/// An archive that is being written. Dropping it leaves it without its end.
trait Archive {
    /// Begins an entry. `name` is relative; `root` tells the source that it lies in.
    fn begin(&mut self, name: &[u8], node: &Node, root: usize) -> io::Result<Taken>;
    /// Content of the entry that was begun last.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// The end of its content.
    fn end(&mut self) -> io::Result<()>;
    /// The end of the archive.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Writes what lies at `place` to `output`, names beginning with its last one. What the format cannot hold is reported.
///
/// # Errors
/// `NotFound`; `Damaged`, after what came before the damage was written; `Interrupted`; `Other` or `Full` when `output`
/// fails.
pub fn archive(
    reader: &ChunkReader,
    place: &Place<'_>,
    format: ArchiveFormat,
    output: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<()> {
    let archive: Box<dyn Archive + '_> = match format {
        ArchiveFormat::Tar => Box::new(tar::Tar::new(output)),
        ArchiveFormat::Zip => Box::new(zip::Zip::new(output)),
    };
    let path = place.path().to_vec();
    let above = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let mut writing = Writing { reader, place, above: if path == b"/" { 1 } else { above }, archive, progress };
    if let Some(folder) = place.find(reader)?.filter(|node| node.is_directory() && path != b"/") {
        writing.add(&path, &folder)?;
    }
    let mut each = |visited: Visit<'_>| match visited {
        Visit::Entry(path, node) => writing.add(path, node).map(|()| Descend::Enter),
        Visit::Leave => Ok(Descend::Enter),
        Visit::Unreadable => Err(Error::damaged("the archive", "it ends here: entries of a folder cannot be read")),
    };
    visit(reader, place, &mut each, progress)?;
    writing.archive.finish().map_err(|error| Error::io("cannot write", "the archive", error))
}

struct Writing<'w> {
    reader: &'w ChunkReader,
    place: &'w Place<'w>,
    /// Names begin behind this many bytes of the path.
    above: usize,
    archive: Box<dyn Archive + 'w>,
    progress: &'w dyn Progress,
}

impl Writing<'_> {
    fn add(&mut self, path: &[u8], node: &Node) -> Result<()> {
        let refused = |error| Error::io("cannot write to the archive", PathText(path), error);
        let report = |kind, message: &str| self.progress.report(Finding::new(kind, path, message));
        if node.flags & NODE_CHANGED_WHILE_READ != 0 {
            report(FindingKind::Changed, "it changed while it was saved, and may not be what it was at any one moment");
        }
        if node.flags & NODE_INCOMPLETE != 0 {
            report(FindingKind::Warning(Topic::Incomplete), "the snapshot could not read it whole; see `repo problems` for what it lacks");
        }
        let name = path.get(self.above..).unwrap_or_default();
        match self.archive.begin(name, node, self.place.manifest().root_of(path)).map_err(refused)? {
            Taken::Not(why) => {
                report(FindingKind::NotRestored, why);
                return Ok(());
            }
            Taken::Link => return Ok(()),
            Taken::Whole => {}
        }
        let Content::File(bytes, list) = &node.content else { return Ok(()) };
        let mut written = 0;
        let archive = &mut self.archive;
        each_piece(self.reader, list, self.progress, &mut |piece| {
            written += piece.len() as u64;
            archive.write(piece).map_err(refused)
        })
        .map_err(|error| error.context(PathText(path)))?;
        if written != *bytes {
            return Err(Error::new(ErrorKind::Damaged, format!("{}: its content has another length than it says", PathText(path))));
        }
        self.archive.end().map_err(refused)
    }
}
