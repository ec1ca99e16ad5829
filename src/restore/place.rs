//! Where nothing is restored to: into a repository, be it the one that is read or another.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::retry_on_intr;

use super::sight::holds_repository;
use crate::error::{Error, ErrorKind, Result};
use crate::id::PackId;
use crate::pack::OBJECT_MAGIC;
use crate::target::{Protected, is_any_above, names_in, nearest_folders};
use crate::units::PathText;

/// Refuses a destination that lies in a repository, before anything is made. What is in one is part of
/// backups, and its names are given by its content: nothing that is put there comes from a user.
///
/// # Errors
/// `Invalid`.
pub(super) fn check(destination: &[u8], protected: &Protected) -> Result<()> {
    protected.check_destination(destination)?;
    for nearest in nearest_folders(destination) {
        // One of its folders may be mounted by itself.
        let is_in_repository = holds_objects(nearest.as_fd()) || is_any_above(nearest, holds_repository);
        if is_in_repository {
            let message = format!(
                "{} lies in another repository, and nothing is restored into that; name another folder, or one above the repository",
                PathText(destination)
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
    }
    Ok(())
}

/// Whether objects of a repository lie directly in the folder: files that are named by an id and begin as
/// they do.
fn holds_objects(folder: BorrowedFd<'_>) -> bool {
    let is_object = |name: &[u8]| {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = retry_on_intr(|| openat(folder, name, flags, Mode::empty())) else { return false };
        let mut head = [0; OBJECT_MAGIC.len()];
        retry_on_intr(|| rustix::io::pread(&file, &mut head[..], 0)).is_ok_and(|count| count == head.len()) && head == *OBJECT_MAGIC
    };
    let is_id = |name: &[u8]| std::str::from_utf8(name).is_ok_and(|name| PackId::parse(name).is_ok());
    let names = names_in(folder).unwrap_or_default();
    names.iter().filter(|name| is_id(name)).any(|name| is_object(name))
}
