//! Opening files as the programs would that people have for them.
//!
//! That every byte of a file is what was saved shows that the backup is right, not that the file is: it may have been
//! damaged long before. So a drill opens what it has restored. Pictures are decoded to the last line, archives and office
//! documents are unpacked and their checksums compared, a PDF is followed from its end to its list of objects, a SQLite
//! database checks itself. What a file claims of itself decides nothing, its first bytes do.

mod archive;
mod database;
mod document;
mod form;
mod picture;

#[cfg(test)]
mod tests;

pub use form::Form;
pub use picture::Picture;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// So many bytes tell what a file is.
const HEAD_BYTES: u64 = 1 << 10;
/// A longer file is not opened as a whole: a program that opens it would need as much memory.
const WHOLE_BYTES_MAX: u64 = 512 << 20;

/// What came of opening a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It opens.
    Opens,
    /// Nothing here knows how to open it, for this reason.
    NotKnown(&'static str),
    /// It does not open, for this reason.
    Broken(String),
}

/// A file that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What it is.
    pub form: Form,
    /// Whether it opens.
    pub verdict: Verdict,
    /// What it shows, where it is a picture that was decoded.
    pub picture: Option<Picture>,
}

/// Opens the file at `path`.
///
/// # Errors
/// When it cannot be read at all.
pub fn open(path: &Path) -> Result<Opened> {
    let failed = |error| Error::io("cannot open", path.display(), error);
    let mut file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let mut head = Vec::new();
    (&mut file).take(HEAD_BYTES).read_to_end(&mut head).map_err(failed)?;
    let form = Form::of(&head);
    if form.needs_whole() && bytes > WHOLE_BYTES_MAX {
        return Ok(Opened { form, verdict: Verdict::NotKnown("it is too long to be opened as a whole"), picture: None });
    }
    let mut picture = None;
    let verdict = match form {
        Form::Empty => Verdict::Opens,
        Form::Unknown => Verdict::NotKnown("its form is not known here"),
        Form::Jpeg | Form::Png | Form::Tiff => {
            let (verdict, decoded) = picture::open(form, path)?;
            picture = decoded;
            verdict
        }
        Form::Zip => archive::open(path)?,
        Form::Pdf => document::open_pdf(path)?,
        Form::Text => document::open_text(path)?,
        Form::Sqlite => database::open(path)?,
    };
    Ok(Opened { form, verdict, picture })
}
