//! What is mounted, by the kernel's own list: which file system, and whether all of it.
//!
//! A bind mount shows a part of a file system, and from its top no way leads to what is above.

use std::collections::HashMap;

/// A file system by the number that the kernel has for it, which may be another than that of its files. None
/// where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSystem(Option<(u32, u32)>);

impl FileSystem {
    /// That with these numbers.
    pub fn new(major: u32, minor: u32) -> Self {
        Self(Some((major, minor)))
    }

    /// False only when they are surely two.
    pub fn may_be(self, other: Self) -> bool {
        self.0.is_none() || other.0.is_none() || self == other
    }
}

#[derive(Debug)]
struct Mounted {
    on: FileSystem,
    is_whole: bool,
}

/// The mounts that this process sees.
#[derive(Debug)]
pub struct MountList {
    by_id: HashMap<u64, Mounted>,
}

impl MountList {
    /// Those of now; none where there is no list.
    pub fn read() -> Self {
        // Names of mounts can be any bytes; none of the fields that are looked at is a name but the one of the part.
        Self::parse(&String::from_utf8_lossy(&std::fs::read("/proc/self/mountinfo").unwrap_or_default()))
    }

    fn parse(list: &str) -> Self {
        let of_line = |line: &str| {
            let mut fields = line.split(' ');
            let id = fields.next()?.parse().ok()?;
            let (major, minor) = fields.nth(1)?.split_once(':')?;
            let is_whole = fields.next()? == "/";
            Some((id, Mounted { on: FileSystem::new(major.parse().ok()?, minor.parse().ok()?), is_whole }))
        };
        Self { by_id: list.lines().filter_map(of_line).collect() }
    }

    /// The file system of a mount, by the mount's number.
    pub fn file_system(&self, mount: Option<u64>) -> FileSystem {
        mount.and_then(|mount| self.by_id.get(&mount)).map_or(FileSystem::default(), |mounted| mounted.on)
    }

    /// The file system of a mount that shows a part of it only, or may do so.
    pub fn part_of(&self, mount: Option<u64>) -> Option<FileSystem> {
        match mount.and_then(|mount| self.by_id.get(&mount)) {
            Some(Mounted { is_whole: true, .. }) => None,
            Some(Mounted { on, .. }) => Some(*on),
            None => Some(FileSystem::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bind_mount_is_a_part_and_what_is_not_listed_may_be_one() {
        let list = MountList::parse(
            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n36 22 8:1 /data/a\\040b /mnt rw - ext4 /dev/sda1 rw\n40 22",
        );
        assert_eq!(list.part_of(Some(22)), None);
        assert_eq!(list.part_of(Some(36)), Some(FileSystem::new(8, 1)));
        for unknown in [Some(40), None] {
            assert_eq!(list.part_of(unknown), Some(FileSystem::default()));
        }
        assert_eq!(list.file_system(Some(22)), FileSystem::new(8, 1));
        assert!(FileSystem::default().may_be(FileSystem::new(1, 2)) && !FileSystem::new(1, 3).may_be(FileSystem::new(1, 2)));
    }
}
