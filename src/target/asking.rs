//! Extended attributes of what is in a folder already, read to be compared: also where there is no `/proc`, as in
//! a rescue system.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::existing::{EntryType, Existing};
use super::folder::Folder;

impl Folder {
    /// A path that leads to an entry, itself and no further.
    fn proc_path(&self, name: &[u8]) -> Vec<u8> {
        let mut path = format!("/proc/self/fd/{}/", self.handle().as_raw_fd()).into_bytes();
        path.extend_from_slice(name);
        path
    }

    /// The names of the attributes of the entry `name`, which is `existing`; of the folder itself with an empty name.
    pub(super) fn xattr_names(&self, name: &[u8], existing: &Existing) -> rustix::io::Result<Vec<Vec<u8>>> {
        let mut list = vec![0; 512];
        let ask = |buffer: &mut [u8]| {
            self.ask(
                (name, existing),
                &mut *buffer,
                |handle, buffer| rustix::fs::flistxattr(handle, buffer),
                |path, buffer| rustix::fs::llistxattr(path, buffer),
            )
        };
        let count = match ask(&mut list) {
            Err(Errno::RANGE) => {
                list.resize(64 << 10, 0);
                ask(&mut list)?
            }
            other => other?,
        };
        Ok(list[..count].split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
    }

    /// The value of an attribute; of one that is longer than `bytes` only the error.
    pub(super) fn xattr(&self, name: &[u8], existing: &Existing, attribute: &[u8], bytes: usize) -> rustix::io::Result<Vec<u8>> {
        let mut value = vec![0; bytes + 1];
        let count = self.ask(
            (name, existing),
            &mut value,
            |handle, buffer| rustix::fs::fgetxattr(handle, attribute, buffer),
            |path, buffer| rustix::fs::lgetxattr(path, attribute, buffer),
        )?;
        value.truncate(count);
        Ok(value)
    }

    /// Asks for attributes of an entry: through `/proc`, which costs one call, and where that is not to be had,
    /// by a handle. What must not be opened is asked by its path then, as long as that leads to it.
    fn ask(
        &self,
        (name, existing): (&[u8], &Existing),
        buffer: &mut [u8],
        by_handle: impl Fn(BorrowedFd<'_>, &mut [u8]) -> rustix::io::Result<usize>,
        by_path: impl Fn(&[u8], &mut [u8]) -> rustix::io::Result<usize>,
    ) -> rustix::io::Result<usize> {
        if name.is_empty() {
            return by_handle(self.handle(), buffer);
        }
        match by_path(&self.proc_path(name), buffer) {
            Err(Errno::NOENT | Errno::ACCESS | Errno::NOTDIR | Errno::LOOP) => {}
            answer => return answer,
        }
        if matches!(existing.entry_type, EntryType::File | EntryType::Directory) {
            return by_handle(self.open_to_look(name)?.as_fd(), buffer);
        }
        let path = self.path_of(name);
        let count = by_path(&path, buffer)?;
        let found = Existing::of(&rustix::fs::lstat(path.as_slice())?);
        if found.identity == existing.identity { Ok(count) } else { Err(Errno::STALE) }
    }
}
