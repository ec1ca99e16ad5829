//! Opens folders beneath a handle, without following a symbolic link on the way.
//!
//! The kernel does it in one call (`openat2`); where it does not know that call, or a sandbox
//! forbids it, the way is gone part by part, each opened with `O_NOFOLLOW`. Both give the same
//! answer because names are checked first: there is no `..` and no `/` in them.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::{Errno, retry_on_intr};

use super::failure::{Failure, Result};
use super::handle::{AsHandle, Handle, HandleRef};

/// The kernel takes paths below 4,096 bytes; longer ones are gone in several steps.
const STEP_BYTES_MAX: usize = 4000;
/// `openat2` asks for another try when the tree is renamed under it.
const TRIES: usize = 16;

/// Set once the kernel has refused `openat2`.
static PART_BY_PART: AtomicBool = AtomicBool::new(false);

/// A folder for reading its entries and for calls by handle.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// A folder on the way: needs only the right to pass.
const PASSED: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens the folder `relative` (checked names with `/` between, any length) beneath `top`; an empty
/// path is `top` itself, under a handle of its own.
///
/// # Errors
/// [`Failure::IS_LINK`] and [`Failure::NO_FOLDER`] when something is in the way.
pub fn open_folder(top: impl AsHandle, relative: &[u8]) -> Result<Handle> {
    let top = top.as_handle();
    if relative.is_empty() {
        return open(top, b".", FOLDER);
    }
    let mut passed: Option<Handle> = None;
    let mut rest = relative;
    loop {
        let from = passed.as_ref().map_or(top, AsHandle::as_handle);
        let (step, after) = split_step(rest);
        if after.is_empty() {
            return open_step(from, step, FOLDER);
        }
        passed = Some(open_step(from, step, PASSED)?);
        rest = after;
    }
}

/// Opens the folder `name` in `parent` only if it lies in the same mount.
///
/// # Errors
/// [`Failure::ELSEWHERE`] when it does not.
pub fn open_folder_in_mount(parent: impl AsHandle, name: &[u8]) -> Result<Handle> {
    let parent = parent.as_handle();
    match resolve(parent, name, FOLDER, ResolveFlags::NO_XDEV) {
        Some(result) => result,
        None => {
            let folder = open(parent, name, FOLDER)?;
            let same = rustix::fs::fstat(parent)?.st_dev == rustix::fs::fstat(&folder)?.st_dev;
            if same { Ok(folder) } else { Err(Failure::ELSEWHERE) }
        }
    }
}

/// The longest beginning of whole names that fits one call, and what comes after.
fn split_step(path: &[u8]) -> (&[u8], &[u8]) {
    if path.len() <= STEP_BYTES_MAX {
        return (path, &[]);
    }
    // Names have at most 255 bytes, so there is a `/` among the first 4,000.
    match path[..STEP_BYTES_MAX].iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (path, &[]),
    }
}

fn open_step(from: HandleRef<'_>, step: &[u8], flags: OFlags) -> Result<Handle> {
    resolve(from, step, flags, ResolveFlags::empty()).unwrap_or_else(|| open_part_by_part(from, step, flags))
}

/// `openat2`, or nothing where it is not to be had.
fn resolve(from: HandleRef<'_>, path: &[u8], flags: OFlags, more: ResolveFlags) -> Option<Result<Handle>> {
    if PART_BY_PART.load(Ordering::Relaxed) {
        return None;
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | more;
    let mut tries = 0;
    loop {
        match retry_on_intr(|| openat2(from, path, flags, Mode::empty(), resolve)) {
            // A kernel before 5.6, or a sandbox that answers EPERM to calls it does not know; what
            // really is forbidden fails again part by part.
            Err(Errno::NOSYS) => {
                PART_BY_PART.store(true, Ordering::Relaxed);
                return None;
            }
            Err(Errno::PERM) => return None,
            Err(Errno::AGAIN | Errno::INTR) if tries < TRIES => tries += 1,
            result => return Some(result.map(Handle).map_err(Failure)),
        }
    }
}

fn open_part_by_part(from: HandleRef<'_>, path: &[u8], flags: OFlags) -> Result<Handle> {
    let mut passed: Option<Handle> = None;
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let from = passed.as_ref().map_or(from, AsHandle::as_handle);
        let is_last = parts.peek().is_none();
        let opened = open(from, part, if is_last { flags } else { PASSED })?;
        if is_last {
            return Ok(opened);
        }
        passed = Some(opened);
    }
    Err(Failure::NOT_FOUND)
}

fn open(from: HandleRef<'_>, name: &[u8], flags: OFlags) -> Result<Handle> {
    retry_on_intr(|| openat(from, name, flags, Mode::empty())).map(Handle).map_err(Failure)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn both_ways_open_folders_and_refuse_links() {
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir(outside.path().join("b")).unwrap();
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("a/b")).unwrap();
        symlink(outside.path(), top.path().join("link")).unwrap();
        let handle = fs::File::open(top.path()).unwrap();
        for open in [open_step, open_part_by_part] {
            assert!(open(handle.as_handle(), b"a/b", FOLDER).is_ok());
            assert!(open(handle.as_handle(), b"link/b", FOLDER).is_err(), "a link on the way");
            assert!(open(handle.as_handle(), b"link", FOLDER).is_err(), "a link at the end");
            assert_eq!(open(handle.as_handle(), b"none", FOLDER).unwrap_err(), Failure::NOT_FOUND);
        }
        assert_eq!(open_step(handle.as_handle(), b"link/b", FOLDER).unwrap_err(), Failure::IS_LINK);
    }

    #[test]
    fn a_mount_is_not_entered_by_who_asks_for_the_same_one() {
        let top = fs::File::open("/").unwrap();
        if fs::exists("/proc/self").unwrap() {
            assert_eq!(open_folder_in_mount(&top, b"proc").unwrap_err(), Failure::ELSEWHERE);
        }
    }

    #[test]
    fn a_long_path_is_cut_between_names() {
        let path = vec![&[b'n'; 255][..]; 40].join(&b'/');
        let (mut rest, mut names) = (&path[..], 0);
        while !rest.is_empty() {
            let (step, after) = split_step(rest);
            assert!(step.len() <= STEP_BYTES_MAX);
            names += step.split(|byte| *byte == b'/').filter(|name| name.len() == 255).count();
            rest = after;
        }
        assert_eq!(names, 40);
    }
}
