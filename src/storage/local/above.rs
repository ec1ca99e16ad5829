//! The folder of a new repository, and the folders above it.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::io::Errno;

use super::owners::{self, FOLDER_MODE};
use super::root::{is_unsupported, text};
use crate::error::{Error, Result};

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
    match rustix::fs::mkdir(path, FOLDER_MODE) {
        // Somebody else was quicker; who of the two makes the repository is decided by its lock.
        Err(Errno::EXIST) => Ok(()),
        Ok(()) => owners::give_top(path).map_err(|errno| failed(errno.into())),
        Err(errno) => Err(failed(errno.into())),
    }
}

/// Makes the name of the folder `path` durable, and those of the folders above it up to the root of its
/// file system: a program that died before its own sync may have made any of them. `path` is absolute and
/// without links.
pub(super) fn sync_above(path: &Path) -> Result<()> {
    let device = |path: &Path| path.metadata().map(|metadata| metadata.dev());
    let own = device(path).map_err(|error| Error::io("cannot look at", text(path), error))?;
    for above in path.ancestors().skip(1) {
        // A folder that may be written but not read cannot be opened for a sync.
        if let Ok(folder) = File::open(above) {
            match rustix::fs::fsync(&folder) {
                Err(errno) if !is_unsupported(errno) && errno != Errno::ROFS => {
                    return Err(Error::io("cannot sync the folder", text(above), errno));
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
