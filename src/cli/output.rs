//! Results, on standard output: all of them through one locked, buffered writer.
//!
//! A reader that closes the pipe early, such as `head`, ends a command quietly and with success: it
//! has what it wanted. Any other failure to write is an error, since a listing that is cut off
//! without a word is a wrong answer.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use super::style::{ColorWhen, Style};
use crate::error::{Error, ErrorKind, Result};

/// Standard output.
pub struct Output {
    writer: BufWriter<StdoutLock<'static>>,
    is_closed: bool,
    /// `--json`: objects for programs instead of text for people.
    pub is_json: bool,
    /// `-q`: nothing but what was asked for.
    pub is_quiet: bool,
    /// How wide the screen is, in characters; none where nobody sees it at once.
    pub width: Option<usize>,
    /// The colours.
    pub style: Style,
}

/// A screen is taken to be at least this wide.
const WIDTH_MIN: usize = 20;

impl Output {
    /// Locks standard output for the whole command.
    pub fn new(is_json: bool, is_quiet: bool, color: ColorWhen) -> Self {
        let stdout = io::stdout();
        Self {
            is_closed: false,
            is_json,
            is_quiet,
            width: width(&stdout),
            style: color.style(&stdout),
            writer: BufWriter::with_capacity(64 << 10, stdout.lock()),
        }
    }

    /// Writes one line of text.
    ///
    /// # Errors
    /// `Other`; nobody reads any more when [`Output::is_closed`].
    pub fn line(&mut self, line: impl fmt::Display) -> Result<()> {
        self.written(|writer| writeln!(writer, "{line}"))
    }

    /// Writes one line that says that something was done as it was asked for; not with `-q`.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn say(&mut self, line: impl fmt::Display) -> Result<()> {
        if self.is_quiet { Ok(()) } else { self.line(line) }
    }

    /// Writes one JSON object on a line of its own.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn json(&mut self, object: &impl Serialize) -> Result<()> {
        let text = serde_json::to_vec(object).map_err(|error| Error::new(ErrorKind::Other, "cannot write JSON").with_source(error))?;
        self.written(|writer| {
            writer.write_all(&text)?;
            writer.write_all(b"\n")
        })
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.written(|writer| writer.write_all(bytes))
    }

    /// Sends what is buffered on its way.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub fn finish(&mut self) -> Result<()> {
        self.written(|writer| writer.flush())
    }

    /// Whether the reader has closed the pipe.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The report of work that is done already: whether anybody reads it does not change how the
    /// command ended.
    ///
    /// # Errors
    /// As [`Output::line`], but for a closed pipe.
    pub fn report(&mut self, write: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        match write(self).and_then(|()| self.finish()) {
            Err(_) if self.is_closed => Ok(()),
            outcome => outcome,
        }
    }

    fn written(&mut self, write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>) -> Result<()> {
        let outcome = write(&mut self.writer);
        self.noticed(outcome).map_err(|error| Error::io("cannot write to", "standard output", error))
    }

    fn noticed<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        self.is_closed |= outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        outcome
    }
}

/// COLUMNS where it is set, which shells do not do for programs on their own; else the width of the terminal.
fn width(stdout: &io::Stdout) -> Option<usize> {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    let seen = || stdout.is_terminal().then(|| console::Term::stdout().size_checked()).flatten().map(|(_, columns)| usize::from(columns));
    asked.or_else(seen).map(|width| width.max(WIDTH_MIN))
}

/// File content goes out as it is.
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.writer.write(bytes);
        self.noticed(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.writer.flush();
        self.noticed(outcome)
    }
}
