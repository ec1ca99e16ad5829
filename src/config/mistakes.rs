//! What is wrong with a configuration: every mistake with its place.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use crate::error::{Error, ErrorKind};

/// So many mistakes are told; whoever has more has given the wrong file.
const TOLD_MAX: usize = 50;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it begins and ends, in bytes.
    pub span: Range<usize>,
    /// What is wrong, and what to write.
    pub message: String,
}

/// All mistakes of a file.
#[derive(Clone, Debug)]
pub struct Mistakes {
    file: String,
    text: String,
    /// In the order in which they stand in the file.
    pub mistakes: Vec<Mistake>,
}

/// Mistakes as they are found.
#[derive(Debug, Default)]
pub(super) struct Finding {
    found: RefCell<Vec<Mistake>>,
}

impl Finding {
    /// Takes a mistake.
    pub(super) fn add(&self, span: Range<usize>, message: impl Into<String>) {
        self.found.borrow_mut().push(Mistake { span, message: message.into() });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    pub(super) fn finish(self, file: &Path, text: &str) -> Mistakes {
        let mut mistakes = self.found.into_inner();
        mistakes.sort_by_key(|mistake| (mistake.span.start, mistake.span.end));
        mistakes.dedup();
        Mistakes { file: file.display().to_string(), text: text.to_owned(), mistakes }
    }
}

impl Mistakes {
    /// The line and column of a place, both counted from 1; columns count letters.
    pub fn place(&self, at: usize) -> (usize, usize) {
        place(&self.text, at)
    }

    /// The error that says all of this in one line.
    pub fn into_error(self) -> Error {
        let told = self.mistakes.iter().take(TOLD_MAX).map(|mistake| {
            let (line, column) = self.place(mistake.span.start);
            format!("{line}:{column}: {}", mistake.message)
        });
        let message = format!("the configuration \"{}\" is wrong: {}", self.file, told.collect::<Vec<_>>().join("; "));
        Error::new(ErrorKind::Invalid, message).with_hint("`repo config check` shows each mistake in its place")
    }
}

/// The line and column of a place in `text`, both counted from 1; columns count letters.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    let before: Vec<u8> = text.bytes().take(at).collect();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    (line, String::from_utf8_lossy(&before[begin..]).chars().count() + 1)
}

impl fmt::Display for Mistakes {
    /// As compilers show them: the place, the line, and a mark below what is meant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.mistakes.len();
        write!(f, "\"{}\" has {}", self.file, if count == 1 { "a mistake".to_owned() } else { format!("{count} mistakes") })?;
        for mistake in self.mistakes.iter().take(TOLD_MAX) {
            let (line, column) = self.place(mistake.span.start);
            let shown = self.text.lines().nth(line - 1).unwrap_or_default();
            let end = mistake.span.end.min(mistake.span.start + shown.len());
            let marked = self.text.get(mistake.span.start..end).unwrap_or_default().lines().next().unwrap_or_default();
            write!(f, "\n{}:{line}:{column}: {}\n    {}\n    ", self.file, mistake.message, shown.replace('\t', " "))?;
            write!(f, "{}{}", " ".repeat(column - 1), "^".repeat(marked.chars().count().max(1)))?;
        }
        if count > TOLD_MAX {
            write!(f, "\nand {} more", count - TOLD_MAX)?;
        }
        Ok(())
    }
}
