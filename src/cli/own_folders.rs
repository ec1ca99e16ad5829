//! The repository and the caches of this program: folders that no snapshot should hold.

use std::path::PathBuf;

use super::global::Global;
use crate::error::Result;
use crate::platform::{Handle, look, open};
use crate::repository::cache_root;

/// Folders that no snapshot should hold.
#[derive(Default)]
pub struct OwnFolders {
    /// By (device, inode).
    pub numbers: Vec<(u64, u64)>,
    /// They keep these numbers: others may remove a cache while a run goes on, and what is made next would get its
    /// number and be left out.
    pub handles: Vec<Handle>,
}

impl OwnFolders {
    /// Those of this program itself.
    ///
    /// # Errors
    /// `Invalid` when no repository is named.
    pub fn of(global: &Global) -> Result<Self> {
        let folders = [Some(global.location()?), cache_root(|name| std::env::var_os(name))];
        Ok(Self::hold(folders.into_iter().flatten()))
    }

    fn hold(folders: impl Iterator<Item = PathBuf>) -> Self {
        let mut own = Self::default();
        for handle in folders.filter_map(|folder| open::pinned(&folder).ok()) {
            if let Ok((found, _)) = look::closely(&handle, b"") {
                own.numbers.push((found.identity.device, found.identity.inode));
                own.handles.push(handle);
            }
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn the_number_of_a_folder_that_is_left_out_is_given_to_nothing_else_while_the_run_goes_on() {
        let place = tempfile::tempdir().unwrap();
        let own = place.path().join("cache");
        std::fs::create_dir(&own).unwrap();
        let OwnFolders { numbers, handles } = OwnFolders::hold([own.clone(), place.path().join("none")].into_iter());
        assert_eq!((handles.len(), numbers.len()), (1, 1));
        std::fs::remove_dir(&own).unwrap();
        // Where the file system gives free numbers again, it gives that of the last one removed.
        for n in 0..20 {
            let made = place.path().join(n.to_string());
            std::fs::create_dir(&made).unwrap();
            let found = made.metadata().unwrap();
            assert!(!numbers.contains(&(found.dev(), found.ino())), "{n}");
        }
    }
}
