//! This machine's folder for one copy of a repository: index tables, catalog, client id.
//!
//! Everything in it can be deleted at any time. It is named by the repository and by where the copy
//! lies, so that two copies of one repository never share what is known of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::crypto::random_bytes;
use crate::error::{Error, Result};
use crate::id::{ClientId, RepositoryId, SnapshotId, to_hex};
use crate::platform::private;

/// Where caches lie: `$REPO_CACHE_DIR`, else `$XDG_CACHE_HOME/repo`, else `~/.cache/repo`. `None` when
/// there is no such place.
pub fn cache_root(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(path) = variable("REPO_CACHE_DIR").filter(|path| !path.is_empty()) {
        return Some(PathBuf::from(path));
    }
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache"))).map(|path| path.join("repo"))
}

/// The file that names the snapshots that were seen.
const SEEN: &str = "seen";

/// The cache folder of one copy of a repository.
#[derive(Clone, Debug)]
pub struct CacheFolder {
    path: PathBuf,
    client: ClientId,
}

impl CacheFolder {
    /// Opens the folder for `repository` at the place that `identity` tells apart, below `root`; makes
    /// it if need be.
    ///
    /// # Errors
    /// Those of the file system; callers go on without a cache.
    pub fn open(root: &Path, repository: RepositoryId, identity: &[u8]) -> Result<Self> {
        let place = to_hex(&blake3::hash(identity).as_bytes()[..8]);
        let path = root.join(format!("{repository}-{place}"));
        private::make_folder(&path).map_err(|error| Error::io("cannot make the cache folder", path.display(), error))?;
        let client = read_or_make_client(root)?;
        Ok(Self { path, client })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of index tables.
    pub fn tables(&self) -> PathBuf {
        self.path.join("tables")
    }

    /// A folder for the tables of packs that no segment names, while somebody makes them.
    pub fn unnamed_tables(&self) -> PathBuf {
        self.path.join("unnamed")
    }

    /// The folder of the catalog.
    pub fn catalog(&self) -> PathBuf {
        self.path.join("catalog")
    }

    /// The file that says which packs were read whole by a check, and when.
    pub fn checked(&self) -> PathBuf {
        self.path.join("checked")
    }

    /// The folder of notes on snapshots that are whole.
    pub(super) fn whole(&self) -> PathBuf {
        self.path.join("whole")
    }

    /// True the first time that this is asked of `what`, a file name: for what a user needs to hear once.
    pub fn is_first_time(&self, what: &str) -> bool {
        private::new_file(&self.path.join(what)).is_ok()
    }

    /// The snapshots that this machine has seen in this copy; see [`super::Rollback`]. Earlier versions remembered
    /// the newest alone.
    pub(super) fn seen(&self) -> BTreeSet<SnapshotId> {
        let text = fs::read_to_string(self.path.join(SEEN)).unwrap_or_default();
        text.lines().filter_map(|line| SnapshotId::parse(line.trim()).ok()).collect()
    }

    /// Remembers the snapshots that this machine has seen. A crash leaves the old ones or the new ones.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn set_seen(&self, ids: &BTreeSet<SnapshotId>) -> Result<()> {
        let text: String = ids.iter().map(|id| format!("{id}\n")).collect();
        write_file(&self.path, SEEN, text.as_bytes())
    }

    /// Who writes from here.
    pub fn client(&self) -> ClientId {
        self.client
    }
}

fn read_or_make_client(root: &Path) -> Result<ClientId> {
    let path = root.join("client");
    if let Some(client) = fs::read_to_string(&path).ok().and_then(|text| ClientId::parse(text.trim()).ok()) {
        return Ok(client);
    }
    let client = ClientId(random_bytes()?);
    write_file(root, "client", format!("{client}\n").as_bytes())?;
    Ok(client)
}

/// Writes a small file whole or not at all: under a name of its own first, since several processes may
/// do so at once.
pub(super) fn write_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    let temporary = folder.join(format!("{name}.{}", to_hex(&random_bytes::<16>()?)));
    let write = || -> std::io::Result<()> {
        let mut file = private::new_file(&temporary)?;
        std::io::Write::write_all(&mut file, bytes)?;
        fs::rename(&temporary, &path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&temporary);
        Error::io("cannot write", path.display(), error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_follows_the_environment() {
        let root = |pairs: &[(&str, &str)]| {
            cache_root(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
                .map(|path| path.display().to_string())
        };
        assert_eq!(root(&[("REPO_CACHE_DIR", "/a"), ("HOME", "/h")]).unwrap(), "/a");
        assert_eq!(root(&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")]).unwrap(), "/x/repo");
        assert_eq!(root(&[("XDG_CACHE_HOME", "relative"), ("HOME", "/h")]).unwrap(), "/h/.cache/repo");
        assert_eq!(root(&[]), None);
    }

    #[test]
    fn copies_have_folders_of_their_own_and_the_client_stays() {
        let root = tempfile::tempdir().unwrap();
        let a = CacheFolder::open(root.path(), RepositoryId([1; 16]), b"here").unwrap();
        let b = CacheFolder::open(root.path(), RepositoryId([1; 16]), b"there").unwrap();
        assert_ne!(a.tables(), b.tables());
        assert_eq!(a.client(), b.client());
    }
}
