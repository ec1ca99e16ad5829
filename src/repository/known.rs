//! Which repository this machine has used at which path.
//!
//! A disk that is not mounted leaves an empty folder, or none, where its repository was. Who makes a
//! repository there should know. Each path has a small file in the folder of the caches, named by the hash
//! of the path: its first line is the repository, the rest is the path. A path is kept as it was given and
//! as it is without links, since a link may lead nowhere while the disk is away.

use std::fs;
use std::path::{Path, PathBuf};

use super::cache::write_file;
use crate::error::{Error, Result};
use crate::id::{RepositoryId, to_hex};
use crate::platform::{names, private};

/// The folder of these files, below the folder of the caches.
const FOLDER: &str = "places";

/// The places that this machine knows.
#[derive(Debug)]
pub struct KnownPlaces {
    folder: PathBuf,
}

impl KnownPlaces {
    /// Those that are kept in the folder of the caches.
    pub fn below(cache_root: &Path) -> Self {
        Self { folder: cache_root.join(FOLDER) }
    }

    /// The repository that this machine last used at `location`.
    pub fn find(&self, location: &Path) -> Option<RepositoryId> {
        paths_of(location).iter().find_map(|path| self.find_path(path))
    }

    /// Remembers that `repository` lies at `location`. What is known already is not written again.
    ///
    /// # Errors
    /// Those of the file system; callers go on without.
    pub fn remember(&self, location: &Path, repository: RepositoryId) -> Result<()> {
        for path in paths_of(location) {
            if self.find_path(&path) == Some(repository) {
                continue;
            }
            private::make_folder(&self.folder).map_err(|error| Error::io("cannot make the cache folder", self.folder.display(), error))?;
            let text = [repository.to_string().as_bytes(), b"\n", names::to_bytes(&path), b"\n"].concat();
            write_file(&self.folder, &file_name(&path), &text)?;
        }
        Ok(())
    }

    fn find_path(&self, path: &Path) -> Option<RepositoryId> {
        let bytes = fs::read(self.folder.join(file_name(path))).ok()?;
        let (first, rest) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n')?);
        let is_of_path = rest.strip_prefix(b"\n")?.strip_suffix(b"\n")? == names::to_bytes(&path);
        is_of_path.then(|| RepositoryId::parse(std::str::from_utf8(first).ok()?).ok()).flatten()
    }
}

fn file_name(path: &Path) -> String {
    to_hex(&blake3::hash(names::to_bytes(&path)).as_bytes()[..16])
}

/// The path made absolute, and the same without links as far as it is there.
fn paths_of(location: &Path) -> Vec<PathBuf> {
    let Ok(absolute) = std::path::absolute(location) else { return Vec::new() };
    // Needless slashes go with the parts.
    let absolute: PathBuf = absolute.components().collect();
    let without_links = absolute.ancestors().find_map(|above| {
        let rest = absolute.strip_prefix(above).ok()?;
        let found = above.canonicalize().ok()?;
        // Joined with nothing, a path gets a slash at its end.
        Some(if rest.as_os_str().is_empty() { found } else { found.join(rest) })
    });
    let mut paths = vec![absolute];
    paths.extend(without_links.filter(|path| *path != paths[0]));
    paths
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_place_is_known_by_every_path_that_led_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("disk/repository")).unwrap();
        symlink("disk", root.join("link")).unwrap();
        let known = KnownPlaces::below(&root.join("cache"));
        let id = RepositoryId([7; 16]);
        assert_eq!(known.find(&root.join("link/repository")), None);
        known.remember(&root.join("link//repository/"), id).unwrap();
        fs::remove_dir_all(root.join("disk")).unwrap();
        for path in ["link/repository", "disk/repository", "disk/./repository/"] {
            assert_eq!(known.find(&root.join(path)), Some(id), "{path}");
        }
        assert_eq!(known.find(&root.join("disk")), None);
        known.remember(&root.join("disk/repository"), RepositoryId([8; 16])).unwrap();
        assert_eq!(known.find(&root.join("disk/repository")), Some(RepositoryId([8; 16])));
        for content in [&b""[..], b"\n", b"x", b"07070707070707070707070707070707\n/elsewhere\n"] {
            fs::write(root.join("cache/places").join(file_name(&root.join("disk"))), content).unwrap();
            assert_eq!(known.find(&root.join("disk")), None, "{content:?}");
        }
    }
}
