//! Documents: PDF by its structure, text by its letters.

use std::fs;
use std::path::Path;

use super::Verdict;
use crate::error::{Error, Result};

/// A PDF ends within this many bytes of its file.
const TAIL_BYTES: usize = 4 << 10;

/// Follows a PDF from its end to the list of its objects.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn open_pdf(path: &Path) -> Result<Verdict> {
    let bytes = read(path)?;
    let broken = |why: &str| Ok(Verdict::Broken(why.to_owned()));
    let tail = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
    if find_last(tail, b"%%EOF").is_none() {
        return broken("it ends early: the mark of its end is missing");
    }
    let Some(at) = find_last(tail, b"startxref") else { return broken("it does not say where the list of its objects is") };
    let number: String = tail[at + 9..]
        .iter()
        .map(|byte| char::from(*byte))
        .skip_while(char::is_ascii_whitespace)
        .take_while(char::is_ascii_digit)
        .collect();
    let list = number.parse::<usize>().ok().and_then(|at| bytes.get(at..)).map(<[u8]>::trim_ascii_start);
    let is_list = |list: &[u8]| {
        // A table, or an object that holds one: `12 0 obj`.
        let mut words = list.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let is_number = |word: Option<&[u8]>| word.is_some_and(|word| word.iter().all(u8::is_ascii_digit));
        list.starts_with(b"xref")
            || is_number(words.next()) && is_number(words.next()) && words.next().is_some_and(|word| word.starts_with(b"obj"))
    };
    match list {
        Some(list) if is_list(&list[..list.len().min(TAIL_BYTES)]) => Ok(Verdict::Opens),
        _ => broken("the list of its objects is not where it should be"),
    }
}

/// Reads a text to its end.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn open_text(path: &Path) -> Result<Verdict> {
    let bytes = read(path)?;
    Ok(match std::str::from_utf8(&bytes) {
        Ok(_) => Verdict::Opens,
        // It may be in another alphabet, or only begin like a text.
        Err(_) => Verdict::NotKnown("it is no text in UTF-8"),
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error::io("cannot read", path.display(), error))
}

fn find_last(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted)
}
