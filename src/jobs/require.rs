//! What must be there before anything is read: a disk that is not mounted looks like a folder that somebody emptied.

use std::fs;
use std::path::Path;

use crate::config::Job;
use crate::error::{Error, ErrorKind, Result};

/// Refuses a job whose sources or required paths are missing, or whose folders are empty.
///
/// # Errors
/// `NotFound` for what is missing, `Invalid` for what is empty; those of the file system.
pub fn check_required(job: &Job) -> Result<()> {
    for path in job.source.iter().chain(&job.require) {
        let shown = || format!("\"{}\"", path.display());
        let metadata = fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                let message = format!("{} is not there; nothing was committed", shown());
                Error::new(ErrorKind::NotFound, message)
                    .with_hint("is its disk mounted? What is gone for good is taken out of the configuration")
            }
            _ => Error::io("cannot look at", shown(), error),
        })?;
        let is_empty = if metadata.is_dir() {
            is_empty_folder(path)?
        } else {
            metadata.is_file() && metadata.len() == 0 && job.require.contains(path)
        };
        if is_empty {
            let message = format!("{} is empty; nothing was committed", shown());
            return Err(Error::new(ErrorKind::Invalid, message)
                .with_hint("is its disk mounted? What is empty for good is taken out of the configuration"));
        }
    }
    Ok(())
}

fn is_empty_folder(path: &Path) -> Result<bool> {
    let mut entries = fs::read_dir(path).map_err(|error| Error::io("cannot read the folder", path.display(), error))?;
    Ok(entries.next().is_none())
}
