//! The folder of a new repository, and the folders above it.

use std::path::Path;

use super::owners::{self, FOLDER_MODE};
use super::root::text;
use crate::error::{Error, Result};
use crate::platform::{Failure, durability, look, open, rights};

/// Makes the folder of a repository, for its owner alone or for the group that shares the folder above, and
/// the folders above it as the umask says. One that exists is left as it is.
pub(super) fn create_path(path: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("cannot make the folder", text(path), error);
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        // The standard library asks for the umask's mode, as people expect of other folders.
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    match rights::make_folder_at(path, FOLDER_MODE) {
        // Somebody else was quicker; who of the two makes the repository is decided by its lock.
        Err(Failure::EXISTS) => Ok(()),
        Ok(()) => owners::give_top(path).map_err(|failure| failed(failure.into())),
        Err(failure) => Err(failed(failure.into())),
    }
}

/// Makes the name of the folder `path` durable, and those of the folders above it up to the root of its
/// file system: a program that died before its own sync may have made any of them. `path` is absolute and
/// without links.
pub(super) fn sync_above(path: &Path) -> Result<()> {
    let device = |path: &Path| look::behind(path).map(|found| found.device);
    let own = device(path).map_err(|error| Error::io("cannot look at", text(path), error))?;
    for above in path.ancestors().skip(1) {
        // A folder that may be written but not read cannot be opened for a sync.
        if let Ok(folder) = open::folder(above) {
            match durability::sync_names(&folder) {
                Err(failure) if !failure.is_impossible() && failure != Failure::READ_ONLY => {
                    return Err(Error::io("cannot sync the folder", text(above), failure));
                }
                _ => {}
            }
        }
        if device(above).is_ok_and(|device| device != own) {
            break;
        }
    }
    Ok(())
}
