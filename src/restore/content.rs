//! The pieces of a file in order, with the gaps that were lost.
//!
//! A list page that cannot be read costs the bytes that it stands for; the pages after it are read all
//! the same, so that as much of the file comes back as there is.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::manifest::ContentList;
use crate::platform::failure::is_shortage;
use crate::repository::ChunkReader;
use crate::trees::{ContentVisitor, ListPlace, Piece, visit_content};

/// A part of a file.
#[derive(Debug)]
pub(super) enum Part {
    /// What is there.
    Piece(Piece),
    /// Bytes of which nothing is known.
    Lost(Range<u64>),
}

/// Hands out the parts of the file with the content `list`, in order.
///
/// # Errors
/// Those of `each`; when the system is short of something.
pub(super) fn each_part(reader: &ChunkReader, list: &ContentList, each: &mut dyn FnMut(Part) -> Result<()>) -> Result<()> {
    visit_content(reader, list, &mut Parts(each))
}

struct Parts<'e>(&'e mut dyn FnMut(Part) -> Result<()>);

impl ContentVisitor for Parts<'_> {
    fn take(&mut self, piece: Piece) -> Result<()> {
        (self.0)(Part::Piece(piece))
    }

    fn lose(&mut self, page: &ListPlace, error: Error) -> Result<()> {
        if is_shortage(&error) { Err(error) } else { (self.0)(Part::Lost(page.range())) }
    }
}
