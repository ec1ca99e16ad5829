//! ZIP archives, and what is made of them: every entry is unpacked, and its checksum compared.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::Verdict;
use crate::error::{Error, Result};

/// An archive that unpacks to more than this is not unpacked to its end.
const UNPACKED_BYTES_MAX: u64 = 4 << 30;

/// Unpacks all of an archive, to nowhere.
///
/// # Errors
/// When the file cannot be opened.
pub(super) fn open(path: &Path) -> Result<Verdict> {
    let file = File::open(path).map_err(|error| Error::io("cannot open", path.display(), error))?;
    let mut archive = match ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => return Ok(verdict(&error)),
    };
    let mut unpacked = 0;
    for number in 0..archive.len() {
        let entry = match archive.by_index(number) {
            Ok(entry) => entry,
            Err(error) => return Ok(verdict(&error)),
        };
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        match io::copy(&mut entry.take(UNPACKED_BYTES_MAX - unpacked), &mut io::sink()) {
            Ok(bytes) => unpacked += bytes,
            Err(error) => return Ok(Verdict::Broken(format!("`{}` in it cannot be unpacked: {error}", name.escape_debug()))),
        }
        if unpacked >= UNPACKED_BYTES_MAX {
            return Ok(Verdict::NotKnown("it unpacks to more than is looked at"));
        }
    }
    Ok(Verdict::Opens)
}

fn verdict(error: &ZipError) -> Verdict {
    match error {
        ZipError::UnsupportedArchive(_) => Verdict::NotKnown("a kind of archive that is not known here, or one with a password"),
        error => Verdict::Broken(error.to_string()),
    }
}
