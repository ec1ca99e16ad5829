//! Safe writing at restore: files, folders, links and their metadata, below one folder and never
//! outside it.
//!
//! A repository may be hostile, and so may be whoever else writes into the destination while a
//! restore runs. So nothing here works by path: the destination is a handle, folders are opened
//! beneath it without ever following a link, and every other call takes a folder's handle and one
//! checked name. Files are written under a temporary name, get their metadata through their handle,
//! are made durable many at a time, and only then get their own name. This module knows nodes; it knows nothing of repositories.

mod accounts;
mod asking;
mod attributes;
mod clock;
mod compare;
mod destination;
mod disk;
mod durable;
mod file;
mod fixed;
mod folder;
mod given_names;
mod in_use;
mod inode_flags;
mod judge;
mod metadata;
mod protected;
mod removal;
mod rights;
mod scaffold;
mod unfinished;

#[cfg(test)]
mod tests;

pub use accounts::Names;
pub use compare::{Differences, matches, metadata_differences};
pub use destination::{Destination, MadeFolder};
pub use disk::{Disk, Holds, NO_HARD_LINKS, NO_LINKS, is_limit};
pub use file::NewFile;
pub use folder::Folder;
pub use given_names::{is_name_aside, is_temporary_name, range_of_temporary_names, resembles_temporary_name, temporary_name};
pub use in_use::Use;
pub use inode_flags::{apply_inode_flags, is_left_behind};
pub use judge::{Choice, Found, Judge, Stays};
pub use metadata::{ApplyOptions, apply_time_to_folder, apply_to_existing, apply_to_file, apply_to_folder, apply_to_link_or_special};
pub use protected::Protected;
pub use rights::Rights;
pub use scaffold::{apply_to_ancestor, apply_to_passed};

use crate::error::{Error, ErrorKind};
use crate::platform::Failure;
pub use crate::platform::entries::DeviceKind;
pub use crate::platform::{EntryType, Existing, Identity};
use crate::units::PathText;

/// The error of a failed system call on `path`. What is not a folder where one is needed, a link
/// where none may be followed, and a folder where a file should go are all the same to a restore:
/// something is in the way.
fn system_error(action: &str, path: &[u8], failure: Failure) -> Error {
    let error = Error::io(action, PathText(path), failure);
    match failure {
        Failure::IS_LINK => in_the_way(error, "a symbolic link is in the way"),
        Failure::NO_FOLDER => in_the_way(error, "something that is not a folder is in the way"),
        Failure::IS_FOLDER | Failure::NOT_EMPTY | Failure::EXISTS => in_the_way(error, "the name is taken"),
        Failure::ELSEWHERE => error.context("another file system is mounted there"),
        _ => error,
    }
}

fn in_the_way(error: Error, what: &str) -> Error {
    error.context(what).with_kind(ErrorKind::Exists)
}
