//! Where one entry comes that is no folder, as `cp` has it: into a folder that is there, and under a new name else.

use std::fs;

use super::folders::split_last;
use crate::platform::names;

/// Where an entry comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// The folder that it comes into.
    pub folder: Vec<u8>,
    /// The name that it gets there; its own when there is none.
    pub name: Option<Vec<u8>>,
}

/// Where an entry comes that is no folder, when a user names `destination`. A folder is one that is there, also by a
/// link, or what ends with a slash. Anything else that is there is in the way, and so is a link to a file: it is never
/// followed.
pub fn land(destination: &[u8]) -> Landing {
    let (above, name) = split_last(destination);
    let is_folder = matches!(name, b"" | b"." | b"..") || fs::metadata(names::to_path(destination)).is_ok_and(|found| found.is_dir());
    if is_folder {
        return Landing { folder: destination.to_vec(), name: None };
    }
    let folder = match (above, destination.first()) {
        (b"", Some(b'/')) => b"/",
        (b"", _) => &b"."[..],
        _ => above,
    };
    Landing { folder: folder.to_vec(), name: Some(name.to_vec()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_new_name_is_taken_and_a_folder_keeps_the_own_one() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name).into_os_string().into_encoded_bytes();
        fs::create_dir(place.path().join("folder")).unwrap();
        fs::write(place.path().join("file"), "x").unwrap();
        std::os::unix::fs::symlink("folder", place.path().join("link")).unwrap();
        std::os::unix::fs::symlink("file", place.path().join("other")).unwrap();
        for folder in ["folder", "link", "new/", "folder/", "new/.", "folder/.."] {
            assert_eq!(land(&path(folder)), Landing { folder: path(folder), name: None });
        }
        for name in ["new", "file", "other"] {
            let above = place.path().as_os_str().as_bytes().to_vec();
            assert_eq!(land(&path(name)), Landing { folder: above, name: Some(name.as_bytes().to_vec()) });
        }
        let named = |folder: &[u8], name: &[u8]| Landing { folder: folder.to_vec(), name: Some(name.to_vec()) };
        assert_eq!(land(b"no such name"), named(b".", b"no such name"));
        assert_eq!(land(b"/no such name"), named(b"/", b"no such name"));
    }
}
