//! Folders and files of this program by their path, which nobody but their owner can look into.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Makes a folder, and those above it that are missing. One that is there is left as it is.
///
/// # Errors
/// Those of the file system, as everywhere here.
pub fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a file to be written; refused when the name is taken.
///
/// # Errors
/// `AlreadyExists`.
pub fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// As [`new_file`], to be read as well.
///
/// # Errors
/// `AlreadyExists`.
pub fn new_file_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Opens a file to be written, and makes it where it is missing; what is in it stays.
///
/// # Errors
/// Those of the file system.
pub fn open_or_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// Opens a file to be written from its beginning, and makes it where it is missing.
///
/// # Errors
/// Those of the file system.
pub fn overwrite(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Whether a file belongs to this user, and no other may write to it.
pub fn is_ours_alone(metadata: &std::fs::Metadata) -> bool {
    metadata.uid() == super::process::user() && metadata.mode() & 0o022 == 0
}

/// Whether a file belongs to this user or to root.
pub fn is_ours_or_roots(metadata: &std::fs::Metadata) -> bool {
    metadata.uid() == super::process::user() || metadata.uid() == 0
}

/// Whether others than the owner may write to a file.
pub fn can_others_write(metadata: &std::fs::Metadata) -> bool {
    metadata.mode() & 0o022 != 0
}

/// A file in `folder` that has no name and goes when it is closed.
///
/// # Errors
/// Those of the file system.
pub fn nameless_file(folder: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::from_raw_mode(0o600)) {
        Ok(file) => Ok(file.into()),
        // A file system that has none of these: a name that goes at once.
        Err(_) => {
            let path = folder.join(format!(".repo-spool-{}", std::process::id()));
            let file = new_file_to_read(&path)?;
            std::fs::remove_file(&path)?;
            Ok(file)
        }
    }
}

/// Whether others than the owner may read a file.
pub fn can_others_read(metadata: &std::fs::Metadata) -> bool {
    metadata.mode() & 0o044 != 0
}
