//! Whose new files and folders are, and who may read and write them.
//!
//! They are for their owner alone, whatever the umask says. There are two exceptions. What root makes is
//! given to the owner of the repository's folder, who could not go on otherwise. And a folder with the
//! set-group-id bit that its group may write to is shared by that group: so is everything that is made in it.
//! Nothing is ever for all.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode, Stat, Uid};
use rustix::io::Errno;

use super::root::is_unsupported;

/// Of a folder that is not shared.
pub(super) const FOLDER_MODE: Mode = Mode::RWXU;
/// Of a folder that a group shares.
const SHARED_FOLDER_MODE: Mode = Mode::RWXU.union(Mode::RWXG).union(Mode::SGID);

/// Whose the new things in a folder are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owners {
    /// Given to this owner and group; nobody where they are ours anyway.
    given_to: Option<(Uid, Gid)>,
    is_shared: bool,
}

impl Owners {
    /// Those that the folder of a repository says.
    pub fn of(folder: &OwnedFd) -> Self {
        let Ok(stat) = rustix::fs::fstat(folder) else { return Self { given_to: None, is_shared: false } };
        let is_given = rustix::process::geteuid().is_root() && stat.st_uid != 0;
        let given_to = is_given.then(|| (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid)));
        Self { given_to, is_shared: is_shared(&stat) }
    }

    /// Gives away a new file that nobody writes to again.
    pub fn give_file(&self, file: impl AsFd, mode: Mode) -> rustix::io::Result<()> {
        self.give(&file, if self.is_shared { mode | Mode::RGRP } else { mode })
    }

    /// Gives away a new lock, which is opened for writing too.
    pub fn give_lock(&self, file: impl AsFd, mode: Mode) -> rustix::io::Result<()> {
        self.give(&file, if self.is_shared { mode | Mode::RGRP | Mode::WGRP } else { mode })
    }

    fn give(&self, file: &impl AsFd, mode: Mode) -> rustix::io::Result<()> {
        if let Some((owner, group)) = self.given_to {
            tolerate_no_modes(rustix::fs::fchown(file, Some(owner), Some(group)))?;
        }
        tolerate_no_modes(rustix::fs::fchmod(file, mode))
    }

    /// Gives away a new folder. By name, because the umask may have left one that cannot be opened.
    pub fn give_folder(&self, top: &OwnedFd, folder: &str) -> rustix::io::Result<()> {
        if let Some((owner, group)) = self.given_to {
            tolerate_no_modes(rustix::fs::chownat(top, folder, Some(owner), Some(group), AtFlags::SYMLINK_NOFOLLOW))?;
        }
        let mode = if self.is_shared { SHARED_FOLDER_MODE } else { FOLDER_MODE };
        tolerate_no_modes(rustix::fs::chmodat(top, folder, mode, AtFlags::empty()))
    }
}

/// Sets the mode of the new folder of a repository: shared where the folder above is, which has given it
/// its group.
pub(super) fn give_top(path: &Path) -> rustix::io::Result<()> {
    let stat = rustix::fs::stat(path)?;
    let is_below_shared = match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => rustix::fs::stat(parent),
        None => rustix::fs::stat("."),
    }
    .is_ok_and(|above| is_shared(&above) && above.st_gid == stat.st_gid);
    tolerate_no_modes(rustix::fs::chmod(path, if is_below_shared { SHARED_FOLDER_MODE } else { FOLDER_MODE }))
}

fn is_shared(stat: &Stat) -> bool {
    Mode::from_raw_mode(stat.st_mode).contains(Mode::SGID | Mode::WGRP)
}

/// A file system without owners and modes (FAT, CIFS) refuses to set them, and a server may refuse what
/// root asks; nothing is lost by that.
pub(super) fn tolerate_no_modes(result: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match result {
        Err(errno) if is_unsupported(errno) || errno == Errno::PERM => Ok(()),
        result => result,
    }
}
