//! Opens what is to be saved so that looking does not change the time of access, which would make every run write to
//! every inode of the source. Only the owner may ask for that; others do without.

use std::fs::File;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, retry_on_intr};

use super::attributes::path_of_handle;
use super::failure::{Failure, Result};
use super::handle::{AsHandle, Handle, HandleRef};

/// The system takes paths shorter than this, in bytes (PATH_MAX of Linux).
const PATH_BYTES_MAX: usize = 4096;
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens the folder that `path` leads to, through links.
///
/// # Errors
/// Those of the system, as everywhere here.
pub fn open_folder(path: &Path) -> Result<Handle> {
    without_touching(FOLDER, |flags| retry_on_intr(|| rustix::fs::openat(CWD, path, flags, Mode::empty())))
}

/// Opens the folder `relative` below `folder`: one name or several with `/` between them, of any length. No link is
/// followed. One call (`openat2`) walks several components and refuses every link on the way; where it is missing
/// (Linux before 5.6, some containers) the components are opened one by one.
///
/// # Errors
/// [`Failure::IS_LINK`] and [`Failure::NO_FOLDER`] when something is in the way.
pub fn open_folder_below(folder: impl AsHandle, relative: &[u8]) -> Result<Handle> {
    let folder = folder.as_handle();
    if relative.len() < PATH_BYTES_MAX {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let open = |flags| retry_on_intr(|| rustix::fs::openat2(folder, relative, flags, Mode::empty(), resolve));
        match without_touching(FOLDER | OFlags::NOFOLLOW, open) {
            // Containers that do not know the call forbid it.
            Err(Failure::NO_CALL | Failure::NOT_PERMITTED) => {}
            result => return result,
        }
    }
    open_by_components(folder, relative)
}

/// Opens component by component, each relative to the one before, following no link.
fn open_by_components(start: HandleRef<'_>, relative: &[u8]) -> Result<Handle> {
    let mut last: Option<Handle> = None;
    for part in relative.split(|byte| *byte == b'/') {
        let from = last.as_ref().map_or(start, AsHandle::as_handle);
        let open = |flags| retry_on_intr(|| rustix::fs::openat(from, part, flags, Mode::empty()));
        last = Some(without_touching(FOLDER | OFlags::NOFOLLOW, open)?);
    }
    last.ok_or(Failure::NOT_FOUND)
}

/// Opens the entry `name` of `folder` itself for reading, without waiting for anybody.
///
/// # Errors
/// [`Failure::WOULD_WAIT`] when somebody must let go of it first.
pub fn open_file(folder: impl AsHandle, name: &[u8]) -> Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let open = |flags| retry_on_intr(|| rustix::fs::openat(folder.as_handle(), name, flags, Mode::empty()));
    without_touching(flags, open).map(File::from)
}

/// Opens a pinned file for reading, and waits for whoever has to let go of it: the system limits that.
///
/// # Errors
/// Those of the system.
pub fn open_pinned(pinned: &Handle) -> Result<File> {
    let path = path_of_handle(pinned, None);
    let open = |flags| retry_on_intr(|| rustix::fs::open(&path, flags, Mode::empty()));
    without_touching(OFlags::RDONLY | OFlags::CLOEXEC, open).map(File::from)
}

fn without_touching(flags: OFlags, open: impl Fn(OFlags) -> rustix::io::Result<std::os::fd::OwnedFd>) -> Result<Handle> {
    let opened = match open(flags | OFlags::NOATIME) {
        Err(Errno::PERM) => open(flags),
        result => result,
    };
    opened.map(Handle).map_err(Failure)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::platform::look;

    #[test]
    fn the_way_without_openat2_opens_the_same_folders() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b/c")).unwrap();
        let opened = open_folder(folder.path()).unwrap();
        for path in [&b"a"[..], b"a/b", b"a/b/c"] {
            let slow = open_by_components(opened.as_handle(), path).unwrap();
            let fast = open_folder_below(&opened, path).unwrap();
            assert_eq!(look::at_handle(slow).unwrap(), look::at_handle(fast).unwrap());
        }
    }

    #[test]
    fn neither_way_follows_a_link() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        symlink("a", folder.path().join("inside")).unwrap();
        symlink("/", folder.path().join("outside")).unwrap();
        let opened = open_folder(folder.path()).unwrap();
        for path in [&b"inside"[..], b"inside/b", b"outside", b"outside/etc"] {
            assert!(open_by_components(opened.as_handle(), path).is_err(), "{path:?}");
            assert!(open_folder_below(&opened, path).is_err(), "{path:?}");
        }
    }
}
