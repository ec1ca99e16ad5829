//! What no restore may remove or replace: the repository, its cache, the keys, and the folders above
//! them.
//!
//! They are known by device and inode, so it does not matter by which way, through which link or bind
//! mount, or under which other name a restore comes to them. Their handles are kept: some file systems
//! give numbers only to what somebody holds. Others give several to one file, so keys are known by their
//! content too. What lies in an image that is mounted goes with the image, which stays as well.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::platform::images::find_images;
use crate::platform::{AsHandle, EntryType, Existing, Handle, Identity, entries, is_any_above, look, names, nearest_folders, open};
use crate::units::PathText;

/// A path leads through at most this many links, as for the kernel.
const LINKS_MAX: usize = 40;
/// A closed folder is looked through so many levels deep; a repository has two.
const LEVELS_MAX: usize = 6;
/// What is longer is no key and no password.
const SECRET_BYTES_MAX: u64 = 1 << 20;

/// What must stay, wherever it is met.
#[derive(Debug, Default)]
pub struct Protected {
    /// What stays with everything in it.
    things: HashMap<Identity, Thing>,
    /// Folders above, which stay; what else is in them is judged as anything.
    above: HashSet<Identity>,
    /// Folders that nothing is restored into.
    closed: HashMap<Identity, Thing>,
    /// What stays by its content: its length and hash, and what messages call it.
    contents: Vec<(u64, blake3::Hash, String)>,
    /// Numbers of the file systems whose images are protected.
    disks: HashSet<u64>,
    /// Keeps the numbers from being given to anything else.
    handles: Vec<Handle>,
}

/// A thing that stays.
#[derive(Clone, Debug)]
struct Thing {
    /// What messages call it.
    what: String,
    /// Where it was found, when no handle keeps its number: others who are at work may remove it, and whatever
    /// is made next gets its number.
    place: Option<PathBuf>,
}

impl Thing {
    fn held(what: impl Into<String>) -> Self {
        Self { what: what.into(), place: None }
    }

    fn seen(what: &str, place: &Path) -> Self {
        Self { what: what.to_owned(), place: Some(place.to_owned()) }
    }

    /// Whether the thing with the number `identity` is still this one.
    fn is_still(&self, identity: Identity) -> bool {
        self.place.as_ref().is_none_or(|place| identity_behind(place) == Some(identity))
    }
}

impl Protected {
    /// Protects what `path` leads to, with everything in it: the folders above it, and the links on the
    /// way. `what` names it in messages. Of a path that is not there the part is protected that is.
    pub fn add(&mut self, path: &Path, what: &str) {
        self.follow(path, what);
    }

    /// As [`Protected::add`], for a file that stays also where it has another number: whatever has its content.
    pub fn add_with_content(&mut self, path: &Path, what: &str) {
        self.add(path, what);
        // A pipe that a shell made can be read once only.
        let Ok(file) = open::file(path) else { return };
        let is_secret = |found: &Metadata| found.is_file() && (1..=SECRET_BYTES_MAX).contains(&found.len());
        let Some(found) = file.metadata().ok().filter(is_secret) else { return };
        if let Ok(hash) = hash_of(file) {
            self.contents.push((found.len(), hash, what.to_owned()));
        }
    }

    /// What the file `name` of `folder`, which is `existing`, is by its content, when that must stay. One of the
    /// right length that cannot be read may be it.
    pub(super) fn name_of_content(&self, folder: impl AsHandle, name: &[u8], existing: &Existing) -> Option<String> {
        let is_alike = |(bytes, ..): &&(u64, blake3::Hash, String)| existing.entry_type == EntryType::File && existing.bytes == *bytes;
        let alike: Vec<_> = self.contents.iter().filter(is_alike).collect();
        let first = alike.first()?;
        match open::file_itself(folder, name).map_err(Into::into).and_then(hash_of) {
            Ok(hash) => alike.iter().find(|(_, secret, _)| *secret == hash).map(|(.., what)| what.clone()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(_) => Some(format!("perhaps {}, as it has its length and cannot be read", first.2)),
        }
    }

    /// As [`Protected::add`], for a folder that nothing may be restored into: neither into it, nor into
    /// one of the folders in it.
    pub fn close(&mut self, path: &Path, what: &str) {
        if let Some(identity) = self.follow(path, what) {
            self.closed.insert(identity, Thing::held(what));
            // A part of it may be mounted somewhere else, from where no way leads up to it.
            self.close_below(path, what, LEVELS_MAX);
        }
    }

    /// Closes the folders in `path`, and at its top files too, so that nothing gets their names.
    fn close_below(&mut self, path: &Path, what: &str, levels: usize) {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let is_top = levels == LEVELS_MAX;
            let is_file = entry.file_type().is_ok_and(|found| found.is_file());
            if is_file && !is_top {
                continue;
            }
            let path = entry.path();
            // Handles are few, so these have none. What a link
            // leads to lies elsewhere, and the way to it stays too.
            let is_link = is_top && entry.file_type().is_ok_and(|found| found.is_symlink());
            let identity = if is_link { self.follow(&path, what) } else { identity_behind(&path) };
            let Some(identity) = identity else { continue };
            self.keep_images(identity.device, what);
            let thing = if is_link { Thing::held(what) } else { Thing::seen(what, &path) };
            self.things.entry(identity).or_insert_with(|| thing.clone());
            let is_new = self.closed.insert(identity, thing).is_none();
            if is_new && !is_file && levels > 1 {
                self.close_below(&path, what, levels - 1);
            }
        }
    }

    /// What must stay of the name: nothing, or what it is.
    pub(super) fn name_of(&self, identity: Identity) -> Option<&str> {
        self.things.get(&identity).filter(|thing| thing.is_still(identity)).map(|thing| thing.what.as_str())
    }

    /// Whether the folder is above something that must stay.
    pub(super) fn is_above(&self, identity: Identity) -> bool {
        self.above.contains(&identity)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.things.is_empty() && self.above.is_empty()
    }

    /// Refuses a destination that lies in a closed folder, or is one. What is missing of its path counts
    /// as lying where it would be made.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check_destination(&self, destination: &[u8]) -> Result<()> {
        if self.closed.is_empty() {
            return Ok(());
        }
        nearest_folders(destination).into_iter().try_for_each(|nearest| self.check_opened(nearest, destination))
    }

    /// As [`Protected::check_destination`], of an open folder; `shown` names it.
    ///
    /// # Errors
    /// `Invalid`.
    pub(super) fn check_opened(&self, folder: Handle, shown: &[u8]) -> Result<()> {
        let mut found = None;
        is_any_above(folder, |folder| {
            let identity = look::closely(folder, b"").ok().map(|(existing, _)| existing.identity);
            found = identity.and_then(|identity| self.closed.get(&identity).filter(|thing| thing.is_still(identity)));
            found.is_some()
        });
        let Some(Thing { what, .. }) = found else { return Ok(()) };
        let message = format!("{} lies in {what}, and nothing is restored into that; name another folder", PathText(shown));
        Err(Error::new(ErrorKind::Invalid, message))
    }

    /// Protects the images that the file system with the number `device` lies in, and what those lie in.
    fn keep_images(&mut self, device: u64, what: &str) {
        if self.disks.insert(device) {
            let name = format!("a disk image that holds {}", what.trim_start_matches("a disk image that holds "));
            for image in find_images(device) {
                self.follow(&image, &name);
            }
        }
    }

    /// Goes the way of `path` name by name; every folder passed is above it, every link must stay.
    /// Returns what is at its end.
    fn follow(&mut self, path: &Path, what: &str) -> Option<Identity> {
        let root = || open::pinned(Path::new("/")).ok();
        let mut here = root()?;
        // Names that are still to go, the next one last.
        let mut names = Vec::new();
        let mut links = 0;
        push_names(&mut names, &std::path::absolute(path).ok()?);
        while let Some(name) = names.pop() {
            let (folder, _) = look::closely(&here, b"").ok()?;
            if self.above.insert(folder.identity) {
                // Without another handle the numbers hold all the same on most file systems.
                self.handles.extend(here.try_clone());
            }
            let next = if name == "/" { root()? } else { open::pinned_itself(&here, names::to_bytes(&name)).ok()? };
            let (found, _) = look::closely(&next, b"").ok()?;
            if found.entry_type != EntryType::Symlink {
                here = next;
                continue;
            }
            links += 1;
            if links > LINKS_MAX {
                return None;
            }
            let target = entries::link_target(&next, "").ok()?;
            push_names(&mut names, &names::to_path(&target));
            if self.things.insert(found.identity, Thing::held(format!("a link to {what}"))).is_none() {
                self.handles.push(next);
            }
        }
        let (end, _) = look::closely(&here, b"").ok()?;
        self.keep_images(end.identity.device, what);
        if self.things.insert(end.identity, Thing::held(what)).is_none() {
            self.handles.push(here);
        }
        Some(end.identity)
    }
}

/// The hash of the content of a file, which ends where a secret would.
fn hash_of(file: File) -> std::io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file.take(SECRET_BYTES_MAX))?;
    Ok(hasher.finalize())
}

/// What `path` leads to, through links.
fn identity_behind(path: &Path) -> Option<Identity> {
    look::behind(path).ok()
}

/// Puts the names of `path` on a stack, the first one on top.
fn push_names(names: &mut Vec<OsString>, path: &Path) {
    names.extend(path.components().rev().map(|part| part.as_os_str().to_owned()));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;
    use std::os::unix::ffi::OsStrExt;

    fn identity(path: &Path) -> Identity {
        let stat = fs::symlink_metadata(path).unwrap();
        Identity { device: stat.dev(), inode: stat.ino() }
    }

    #[test]
    fn what_a_path_leads_to_stays_with_the_folders_above_it_and_the_links_on_the_way() {
        let top = tempfile::tempdir().unwrap();
        let path = |name: &str| top.path().join(name);
        fs::create_dir_all(path("disk/a/repository/packs")).unwrap();
        fs::create_dir_all(path("home/me")).unwrap();
        symlink("../../disk/a", path("home/me/link")).unwrap();
        symlink("link/repository", path("home/me/backup")).unwrap();
        let mut protected = Protected::default();
        protected.close(&path("home/me/backup"), "the repository");
        assert_eq!(protected.name_of(identity(&path("disk/a/repository"))), Some("the repository"));
        for link in ["home/me/link", "home/me/backup"] {
            assert_eq!(protected.name_of(identity(&path(link))), Some("a link to the repository"));
        }
        for above in ["", "home", "home/me", "disk", "disk/a"] {
            assert!(protected.is_above(identity(&path(above))), "{above}");
        }
        let refused = |name: &str| protected.check_destination(path(name).as_os_str().as_bytes()).is_err();
        assert!(refused("disk/a/repository") && refused("home/me/backup/packs") && refused("disk/a/repository/not/there"));
        assert!(refused("home/me/link/repository/new") && !refused("disk/a") && !refused("home/me/new"));
        assert!(refused("none/../disk/a/repository/new") && refused("home/../disk/a/repository") && !refused("disk/a/repository/../x"));
    }

    #[test]
    fn a_number_that_was_given_to_something_new_protects_nothing() {
        let top = tempfile::tempdir().unwrap();
        let path = |name: &str| top.path().join(name);
        fs::create_dir_all(path("cache/catalog")).unwrap();
        fs::write(path("cache/begun"), "by another run").unwrap();
        let mut protected = Protected::default();
        protected.close(&path("cache"), "the cache");
        let (folder, file) = (identity(&path("cache/catalog")), identity(&path("cache/begun")));
        assert_eq!([protected.name_of(folder), protected.name_of(file)], [Some("the cache"); 2]);
        // As if they had been removed, and what is made next had got their numbers.
        fs::rename(path("cache/catalog"), path("new")).unwrap();
        fs::rename(path("cache/begun"), path("file")).unwrap();
        protected.check_destination(path("new/below").as_os_str().as_bytes()).unwrap();
        assert_eq!([protected.name_of(folder), protected.name_of(file)], [None; 2]);
        assert!(protected.check_destination(path("cache/below").as_os_str().as_bytes()).is_err());
    }

    #[test]
    fn a_path_that_is_not_there_protects_what_is_there_of_it() {
        let top = tempfile::tempdir().unwrap();
        let mut protected = Protected::default();
        protected.add(&top.path().join("cache/of/this"), "the cache");
        assert!(protected.is_above(identity(top.path())));
        assert!(protected.things.is_empty());
        protected.add(Path::new(""), "nothing");
    }
}
