//! What `-v` prints of each entry while a verb works: its letter and its path, on standard output.
//!
//! Verbs tell it from any thread, while the results of the command wait for its end; so these lines have a
//! writer of their own on the same file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Mutex, PoisonError};

use super::style::Style;
use super::text::letter_of;
use crate::platform::waiting;
use crate::progress::Deed;
use crate::units::PathText;

/// A writer of lines about entries.
pub struct Deeds {
    writer: Mutex<BufWriter<File>>,
    style: Style,
}

impl Deeds {
    /// Writes to standard output; nothing where that is closed.
    pub fn new(style: Style) -> Option<Self> {
        let output = waiting::standard_output(&std::io::stdout()).ok()?;
        Some(Self { writer: Mutex::new(BufWriter::new(File::from(output))), style })
    }

    /// Writes a line. Whoever closes the pipe does not want to read more.
    pub fn add(&self, deed: Deed, path: &[u8]) {
        let line = format!("{} {}\n", letter_of(deed, self.style), PathText(path));
        let _ = self.writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }

    /// Sends what is buffered on its way.
    pub fn flush(&self) {
        let _ = self.writer.lock().unwrap_or_else(PoisonError::into_inner).flush();
    }
}
