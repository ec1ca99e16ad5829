//! Reading extended attributes, of all namespaces.
//!
//! An open file answers on its handle; what must not be opened is asked by its folder and its name. An entry
//! without attributes costs one call.

use crate::error::Error;
use crate::manifest::Xattr;
use crate::platform::attributes::{self, Place};
use crate::platform::failure::{Failure, Result};
use crate::units::PathText;

/// Most lists and values fit, and the kernel clears as much memory as it is told the buffer has.
const FIRST_TRY_BYTES: usize = 512;
/// All attributes, sorted by name. What cannot be read is left out and told in `notes`; a file
/// system without attributes, and an attribute that is gone again, are no news. `shown` names the
/// entry in the notes.
pub(super) fn read_xattrs(place: &Place<'_>, shown: &[u8], notes: &mut Vec<Error>) -> Vec<Xattr> {
    let mut small = [0; FIRST_TRY_BYTES];
    let mut large = Vec::new();
    let list = match fill(&mut small, &mut large, |buffer| place.list(buffer)) {
        Ok([]) => return Vec::new(),
        Ok(list) => list.to_vec(),
        Err(failure) => {
            if !is_unsupported(failure) {
                notes.push(Error::io("cannot list the extended attributes of", PathText(shown), failure));
            }
            return Vec::new();
        }
    };
    let mut names: Vec<&[u8]> = list.split(|byte| *byte == 0).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let mut xattrs = Vec::with_capacity(names.len());
    for name in names {
        match fill(&mut small, &mut large, |buffer| place.get(name, buffer)) {
            Ok(value) => xattrs.push(Xattr { name: name.to_vec(), value: value.to_vec() }),
            Err(failure) if failure == Failure::NO_ATTRIBUTE || is_unsupported(failure) => {}
            Err(failure) => {
                let what = format!("{} of {}", PathText(name), PathText(shown));
                notes.push(Error::io("cannot read the extended attribute", what, failure));
            }
        }
    }
    xattrs
}

/// Reads into the small buffer, or into the large one where that does not do. The large one has the
/// greatest length there is, so a list or value that grows between two calls needs no third.
fn fill<'a>(small: &'a mut [u8], large: &'a mut Vec<u8>, read: impl Fn(&mut [u8]) -> Result<usize>) -> Result<&'a [u8]> {
    match read(small) {
        Ok(bytes) => Ok(&small[..bytes]),
        Err(Failure::NO_ROOM) => {
            large.resize(attributes::BYTES_MAX, 0);
            let bytes = read(large)?;
            Ok(&large[..bytes])
        }
        Err(failure) => Err(failure),
    }
}

/// The answers of file systems that know no such thing.
pub(super) fn is_unsupported(failure: Failure) -> bool {
    matches!(failure, Failure::UNSUPPORTED | Failure::NO_CALL | Failure::NO_QUESTION | Failure::INVALID)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use rustix::fs::{XattrFlags, lsetxattr};

    use super::*;
    use crate::platform::AsHandle;
    use crate::source::Folder;

    fn set(path: &std::path::Path, name: &[u8], value: &[u8]) -> bool {
        match lsetxattr(path, name, value, XattrFlags::empty()) {
            Ok(()) => true,
            Err(errno) if errno == rustix::io::Errno::PERM || is_unsupported(errno.into()) => {
                eprintln!("skipped: {} cannot be set here: {errno}", PathText(name));
                false
            }
            Err(errno) => panic!("{errno}"),
        }
    }

    fn read_both_ways(folder: &std::path::Path, name: &str) -> Vec<Xattr> {
        let opened = Folder::open(folder.as_os_str().as_bytes()).unwrap();
        let handle = std::fs::File::open(folder.join(name)).unwrap();
        let mut notes = Vec::new();
        let by_handle = read_xattrs(&Place::Handle(handle.as_handle()), name.as_bytes(), &mut notes);
        let by_path = read_xattrs(&Place::entry(&opened, name.as_bytes()), name.as_bytes(), &mut notes);
        assert_eq!(by_handle, by_path);
        assert!(notes.is_empty(), "{notes:?}");
        by_path
    }

    #[test]
    fn attributes_of_all_namespaces_come_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"").unwrap();
        let wanted: [(&[u8], &[u8]); 4] =
            [(b"user.z", b""), (b"user.a\xff", &[0, 255]), (b"security.strongroom", b"s"), (b"trusted.strongroom", b"t")];
        let mut set: Vec<_> = wanted.into_iter().filter(|(name, value)| set(&path, name, value)).collect();
        set.sort();
        let found = read_both_ways(folder.path(), "file");
        let found: Vec<_> = found.iter().filter(|xattr| xattr.name != b"security.selinux").collect();
        assert!(found.iter().map(|xattr| (xattr.name.as_slice(), xattr.value.as_slice())).eq(set), "{found:?}");
    }

    #[test]
    fn long_values_and_long_lists_are_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"").unwrap();
        let value = vec![7; 2000];
        if !set(&path, b"user.long", &value) {
            return;
        }
        let names: Vec<_> = (0..20).map(|n| format!("user.{n:0>40}").into_bytes()).collect();
        assert!(names.iter().map(Vec::len).sum::<usize>() > FIRST_TRY_BYTES);
        for name in &names {
            assert!(set(&path, name, b""));
        }
        let found = read_both_ways(folder.path(), "file");
        assert_eq!(found.iter().find(|xattr| xattr.name == b"user.long").map(|xattr| &xattr.value), Some(&value));
        assert!(names.iter().all(|name| found.iter().any(|xattr| xattr.name == *name)));
    }

    #[test]
    fn a_link_has_its_own_attributes_and_not_those_of_its_target() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), b"").unwrap();
        symlink("file", folder.path().join("link")).unwrap();
        if !set(&folder.path().join("file"), b"user.target", b"x") || !set(&folder.path().join("link"), b"trusted.link", b"y") {
            return;
        }
        let opened = Folder::open(folder.path().as_os_str().as_bytes()).unwrap();
        let mut notes = Vec::new();
        let found = read_xattrs(&Place::entry(&opened, b"link"), b"link", &mut notes);
        assert!(found.contains(&Xattr { name: b"trusted.link".to_vec(), value: b"y".to_vec() }));
        assert!(found.iter().all(|xattr| xattr.name != b"user.target"));
        assert!(notes.is_empty());
    }

    #[test]
    fn an_entry_that_is_gone_is_a_note_and_no_panic() {
        let folder = tempfile::tempdir().unwrap();
        let opened = Folder::open(folder.path().as_os_str().as_bytes()).unwrap();
        let mut notes = Vec::new();
        assert!(read_xattrs(&Place::entry(&opened, b"gone"), b"gone", &mut notes).is_empty());
        assert_eq!(notes.len(), 1);
        assert!(notes[0].is_not_found());
    }
}
