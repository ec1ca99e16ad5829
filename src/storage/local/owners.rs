//! Whose new files and folders are, and who may read and write them.
//!
//! They are for their owner alone, whatever the umask says. There are two exceptions. What root makes is
//! given to the owner of the repository's folder, who could not go on otherwise. And a folder with the
//! set-group-id bit that its group may write to is shared by that group: so is everything that is made in it.
//! Nothing is ever for all.

use std::path::Path;

use crate::platform::failure::{Failure, Result};
use crate::platform::{AsHandle, Existing, Handle, look, process, rights};

/// Of a folder that is not shared.
pub(super) const FOLDER_MODE: u32 = 0o700;
/// Of a folder that a group shares.
const SHARED_FOLDER_MODE: u32 = 0o770 | rights::GIVES_GROUP;

/// Whose the new things in a folder are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owners {
    /// Given to this owner and group; nobody where they are ours anyway.
    given_to: Option<(u32, u32)>,
    is_shared: bool,
}

impl Owners {
    /// Those that the folder of a repository says.
    pub fn of(folder: &Handle) -> Self {
        let Ok(found) = look::at_handle(folder) else { return Self { given_to: None, is_shared: false } };
        let is_given = process::is_root() && found.uid != 0;
        Self { given_to: is_given.then_some((found.uid, found.gid)), is_shared: is_shared(&found) }
    }

    /// Gives away a new file that nobody writes to again.
    pub fn give_file(&self, file: impl AsHandle, mode: u32) -> Result<()> {
        self.give(&file, if self.is_shared { mode | 0o040 } else { mode })
    }

    /// Gives away a new lock, which is opened for writing too.
    pub fn give_lock(&self, file: impl AsHandle, mode: u32) -> Result<()> {
        self.give(&file, if self.is_shared { mode | 0o060 } else { mode })
    }

    fn give(&self, file: &impl AsHandle, mode: u32) -> Result<()> {
        if let Some(owner) = self.given_to {
            tolerate_no_modes(rights::set_owner(file, owner))?;
        }
        tolerate_no_modes(rights::set_mode(file, mode))
    }

    /// Gives away a new folder. By name, because the umask may have left one that cannot be opened.
    pub fn give_folder(&self, top: &Handle, folder: &str) -> Result<()> {
        if let Some(owner) = self.given_to {
            tolerate_no_modes(rights::set_owner_of(top, folder, owner))?;
        }
        let mode = if self.is_shared { SHARED_FOLDER_MODE } else { FOLDER_MODE };
        tolerate_no_modes(rights::set_mode_of(top, folder, mode))
    }
}

/// Sets the mode of the new folder of a repository: shared where the folder above is, which has given it
/// its group.
pub(super) fn give_top(path: &Path) -> Result<()> {
    let found = look::behind_path(path)?;
    let is_below_shared = match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => look::behind_path(parent),
        None => look::behind_path(Path::new(".")),
    }
    .is_ok_and(|above| is_shared(&above) && above.gid == found.gid);
    tolerate_no_modes(rights::set_mode_at(path, if is_below_shared { SHARED_FOLDER_MODE } else { FOLDER_MODE }))
}

fn is_shared(folder: &Existing) -> bool {
    let both = rights::GIVES_GROUP | rights::GROUP_WRITES;
    folder.mode & both == both
}

/// A file system without owners and modes (FAT, CIFS) refuses to set them, and a server may refuse what
/// root asks; nothing is lost by that.
pub(super) fn tolerate_no_modes(result: Result<()>) -> Result<()> {
    match result {
        Err(failure) if failure.is_impossible() || failure == Failure::NOT_PERMITTED => Ok(()),
        result => result,
    }
}
