//! The file system that a folder is on, and how far its stamps are trusted.

use super::folder::Folder;
use crate::error::{Error, Result};
use crate::manifest::StatTrust;
use crate::platform::{Failure, Kind, Stamps, file_systems};
use crate::units::PathText;

/// The file system that a folder is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSystem {
    kind: Kind,
    /// Tells file systems apart: `f_fsid`, or the device number where there is none. The second is
    /// another one after every mount, so that what is remembered under it is forgotten, not mistaken.
    pub id: u64,
}

impl FileSystem {
    /// True when it lives in memory (tmpfs): programs may change what they have mapped and leave no trace.
    pub fn is_in_memory(&self) -> bool {
        self.kind.is_in_memory()
    }

    /// The file system that the folder is on.
    ///
    /// # Errors
    /// Whatever statfs fails with.
    pub fn of(folder: &Folder) -> Result<Self> {
        let failed = |failure: Failure| Error::io("cannot look at the file system of", PathText(folder.shown()), failure);
        let kind = Kind::of(folder).map_err(failed)?;
        let id = match file_systems::number(folder).map_err(failed)? {
            0 => folder.stat_self()?.device,
            id => id,
        };
        Ok(Self { kind, id })
    }

    /// True when it shows the state of the kernel and there is nothing to save: `/proc`, `/sys` and
    /// the like. A tmpfs holds files, and devtmpfs cannot be told from it, so both are not.
    pub fn is_pseudo(&self) -> bool {
        self.kind.is_pseudo()
    }

    /// True when a file may have content although its length is 0: those of `/proc` are made when they are
    /// read, and so is what some FUSE file systems show. A kind that is not known may be such a one.
    pub fn may_hide_content(&self) -> bool {
        self.kind.may_hide_content()
    }

    /// True when time stamps are made by another machine's clock or by a program: NFS, CIFS, FUSE
    /// and others.
    pub fn has_own_clock(&self) -> bool {
        self.kind.has_own_clock()
    }

    /// What must be equal for a file on it to count as unchanged, unless the user says otherwise.
    pub fn default_stat_trust(&self) -> StatTrust {
        match self.kind.stamps() {
            Stamps::All => StatTrust::Full,
            Stamps::NoInode => StatTrust::NoInode,
            Stamps::Modified => StatTrust::Mtime,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use StatTrust::{Full, Mtime, NoInode};

    use super::*;

    fn of(path: &std::path::Path) -> FileSystem {
        FileSystem::of(&Folder::open(path.as_os_str().as_bytes()).unwrap()).unwrap()
    }

    fn with_magic(magic: u32) -> FileSystem {
        FileSystem { kind: Kind::with_number(magic), id: 1 }
    }

    #[test]
    fn proc_holds_nothing_to_save_and_a_folder_for_files_does() {
        let found = of("/proc".as_ref());
        assert_eq!((found.kind.name().as_str(), found.is_pseudo()), ("proc", true));
        let folder = tempfile::tempdir().unwrap();
        let found = of(folder.path());
        assert!(!found.is_pseudo());
        assert_ne!(found.id, 0);
        std::fs::create_dir(folder.path().join("below")).unwrap();
        assert_eq!(of(&folder.path().join("below")), found);
    }

    #[test]
    fn trust_and_clock_follow_the_kind() {
        for (magic, own_clock, trust) in [
            (0xef53, false, Full),
            (0x0102_1994, false, Full),
            (0x6969, true, Full),
            (0xff53_4d42, true, NoInode),
            (0x6573_5546, true, NoInode),
            (0x4d44, false, Mtime),
        ] {
            let found = with_magic(magic);
            assert_eq!((found.has_own_clock(), found.default_stat_trust()), (own_clock, trust), "{}", found.kind.name());
        }
    }

    #[test]
    fn an_unknown_kind_is_compared_strictly_and_saved() {
        let found = with_magic(0x1234_5678);
        assert_eq!((found.is_pseudo(), found.has_own_clock(), found.default_stat_trust()), (false, false, Full));
        assert_eq!(found.kind.name(), "0x12345678");
    }
}
