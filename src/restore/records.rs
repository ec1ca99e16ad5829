//! Which restores run, or were killed, on this machine: a small file for each, with the destination in
//! it, that is locked while it runs and gone when it ends.
//!
//! It only tells where to look for what a killed restore has left. Without it the folders are looked
//! through that the next restore comes to.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::leftovers::clear_below;
use super::task::Task;
use crate::error::Result;
use crate::id::to_hex;
use crate::platform::lock::{self, Share};
use crate::platform::{names, private};
use crate::target::Destination;

/// Longer paths are not written down.
const PATH_BYTES_MAX: u64 = 64 << 10;

/// That a restore runs. Dropping it says that it has ended.
pub(super) struct Record {
    path: PathBuf,
    _locked: File,
}

impl Record {
    /// Writes down that a restore into `destination` begins; nothing where that cannot be.
    pub fn begin(folder: &Path, destination: &Path) -> Option<Self> {
        private::make_folder(folder).ok()?;
        let random: [u8; 16] = crate::crypto::random_bytes().ok()?;
        let path = folder.join(to_hex(&random));
        let mut file = private::new_file(&path).ok()?;
        // Whoever finds it without a lock finds it empty, and lets it be.
        let write = lock::try_take(&file, Share::Alone).is_ok() && file.write_all(names::to_bytes(destination)).is_ok();
        if !write {
            let _ = fs::remove_file(&path);
            return None;
        }
        Some(Self { path, _locked: file })
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // One that stays costs the next restore a look.
        let _ = fs::remove_file(&self.path);
    }
}

/// Looks through all folders of `destination` where a restore that was killed may have left something.
///
/// # Errors
/// What ends the restore.
pub(super) fn clear_after_killed(task: &Task<'_>, folder: &Path, destination: &Arc<Destination>, path: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        let Some((killed, file)) = destination_of_killed(&entry.path()) else { continue };
        if let Ok(below) = killed.strip_prefix(path) {
            // A disk that is not there now will be; one that is mounted below is looked through by a restore into it.
            if killed.is_dir() && clear_below(task, destination, names::to_bytes(below))? && !task.is_dry {
                let _ = fs::remove_file(entry.path());
            }
        } else if path.starts_with(&killed) {
            clear_below(task, destination, b"")?;
        }
        drop(file);
    }
    Ok(())
}

/// The destination that is written down in a file that nobody holds any more; the file stays locked.
fn destination_of_killed(path: &Path) -> Option<(PathBuf, File)> {
    let file = File::open(path).ok()?;
    lock::try_take(&file, Share::Alone).ok()?;
    let mut bytes = Vec::new();
    (&file).take(PATH_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    if bytes.is_empty() {
        return None;
    }
    Some((names::into_path(bytes), file))
}
