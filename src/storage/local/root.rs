//! The folder that everything lies in: making folders, giving names, and making both durable.
//!
//! All calls go through one open handle of the folder, so a program that changes its working folder,
//! or a folder that is renamed meanwhile, cannot lead them elsewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::owners::{self, Owners};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{EntryType, Failure, Handle, Kind, durability, entries, failure, file_systems, look, names, open};
use crate::storage::{LockKind, name};
use crate::units::PathText;

/// So many folders are synced at a time. Measured on ext4: 64 folders one after the other take
/// 190 ms, from four threads 15 ms, because the kernel merges the flushes that wait together.
const SYNC_THREADS: usize = 8;

/// Whose names are durable.
#[derive(Debug, Default)]
struct Folders {
    /// Folders that got a new sub-folder and were not synced since.
    unsynced: BTreeSet<String>,
    /// Folders that were synced once: the names that were in them then are durable, whoever made them.
    synced: BTreeSet<String>,
}

/// What the locks of the folder are. Where the system does not say on what it lies, they are taken for those of a disk, as
/// those of a kind that nobody knows are.
fn lock_kind(handle: &Handle) -> LockKind {
    let is_on_disk = || look::at_handle(handle).is_ok_and(|found| file_systems::is_on_disk(found.identity.device));
    match Kind::of(handle) {
        Ok(kind) if kind.has_local_locks_only(false) && kind.has_local_locks_only(is_on_disk()) => LockKind::Here(kind),
        _ => LockKind::Process,
    }
}

/// An open folder and what is known about its durability.
#[derive(Debug)]
pub(super) struct Root {
    pub handle: Handle,
    /// Absolute, without symbolic links.
    pub path: PathBuf,
    /// Whose the new things in it are.
    pub owners: Owners,
    /// What its locks are.
    pub lock: LockKind,
    /// What is known of the folders themselves.
    folders: Mutex<Folders>,
    /// A sync failed: the kernel may have dropped what it could not write, and says so only once.
    sync_failed: AtomicBool,
}

impl Root {
    pub fn open(path: &Path) -> Result<Self> {
        let action = "cannot open the folder";
        let handle = open::folder(path).map_err(|failure| {
            let error = Error::io(action, text(path), failure);
            if failure == Failure::NO_FOLDER { error.with_kind(ErrorKind::NotFound) } else { error }
        })?;
        let path = path.canonicalize().map_err(|error| Error::io(action, text(path), error))?;
        let owners = Owners::of(&handle);
        let lock = lock_kind(&handle);
        Ok(Self { handle, path, owners, lock, folders: Mutex::default(), sync_failed: AtomicBool::new(false) })
    }

    /// How an object or folder is named in messages: its whole path, escaped.
    pub fn describe(&self, name: &str) -> String {
        if name.is_empty() { text(&self.path) } else { text(&self.path.join(name)) }
    }

    /// As [`Root::describe`], for a name of any bytes.
    pub fn describe_bytes(&self, name: &[u8]) -> String {
        text(&if name.is_empty() { self.path.clone() } else { self.path.join(names::to_path(name)) })
    }

    /// True when this user may make names in the folder; the empty name is the top folder.
    pub fn is_writable(&self, folder: &str) -> bool {
        let folder = if folder.is_empty() { "." } else { folder };
        look::may_write_in(&self.handle, folder)
    }

    pub fn open_folder(&self, folder: &str) -> failure::Result<Handle> {
        open::folder_in(&self.handle, if folder.is_empty() { "." } else { folder })
    }

    /// Makes a folder and those above it, and remembers where a sync is due.
    pub fn create_folder(&self, folder: &str) -> Result<()> {
        for folder in name::ancestors(folder) {
            let failed = |failure| Error::io("cannot make the folder", self.describe(folder), failure);
            match entries::make_folder(&self.handle, folder, owners::FOLDER_MODE) {
                Ok(()) => {
                    self.owners.give_folder(&self.handle, folder).map_err(failed)?;
                    self.folders().unsynced.insert(name::parent(folder).to_owned());
                }
                Err(Failure::EXISTS) => {
                    let found = look::behind_entry(&self.handle, folder).map_err(failed)?;
                    if found.entry_type != EntryType::Directory {
                        return Err(Error::new(ErrorKind::Exists, format!("{} is not a folder", self.describe(folder))));
                    }
                }
                Err(failure) => return Err(failed(failure)),
            }
        }
        Ok(())
    }

    /// Gives `old` the name `new`, making its folder when that is missing.
    pub fn rename_into(&self, old: &str, new: &str) -> Result<std::result::Result<(), Failure>> {
        match self.rename_without_replacing(old, new) {
            Err(Failure::NOT_FOUND) if !name::parent(new).is_empty() => {
                self.create_folder(name::parent(new))?;
                Ok(self.rename_without_replacing(old, new))
            }
            result => Ok(result),
        }
    }

    fn rename_without_replacing(&self, old: &str, new: &str) -> failure::Result<()> {
        match entries::rename_to_free(&self.handle, old, new) {
            Err(failure) if failure.is_impossible() => self.link_and_unlink(old, new),
            result => result,
        }
    }

    /// For file systems that cannot rename without replacing: NFS, and many below FUSE.
    pub fn link_and_unlink(&self, old: &str, new: &str) -> failure::Result<()> {
        match entries::add_name(&self.handle, old, &self.handle, new) {
            Ok(()) => {
                // The name is given. A temporary that stays is removed as stale later.
                let _ = entries::remove(&self.handle, old);
                Ok(())
            }
            // Neither of the two, as FAT below FUSE. A name that is taken between the look and the
            // rename is a hash of the same content.
            Err(failure) if failure.is_impossible() || failure == Failure::NOT_PERMITTED => match look::at_entry(&self.handle, new) {
                Ok(_) => Err(Failure::EXISTS),
                Err(Failure::NOT_FOUND) => entries::rename_over(&self.handle, old, new),
                Err(failure) => Err(failure),
            },
            Err(failure) => Err(failure),
        }
    }

    /// Makes the names in these folders durable, and the folders made since the last call. One that
    /// failed is never tried again: the kernel marks what it could not write as clean, and a second
    /// sync would succeed without having written it.
    ///
    /// The folders above are synced too, once: another program may have made a folder and died before
    /// it made its name durable.
    pub fn sync(&self, folders: &[String]) -> Result<()> {
        // Held to the end, so that a second caller does not return before what it waits for is done.
        let mut known = self.folders();
        self.check_synced()?;
        let above =
            folders.iter().flat_map(|folder| name::ancestors(folder).map(name::parent)).filter(|above| !known.synced.contains(*above));
        let wanted: BTreeSet<&str> = folders.iter().chain(&known.unsynced).map(String::as_str).chain(above).collect();
        let folders: Vec<String> = wanted.into_iter().map(str::to_owned).collect();
        let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
        let work = || {
            while let Some(folder) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(error) = self.sync_one(folder) {
                    failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(error);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..SYNC_THREADS.min(folders.len()) {
                // Without a thread to be had, this one does it all.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        if let Some(error) = failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            return Err(error);
        }
        known.unsynced.clear();
        known.synced.extend(folders);
        Ok(())
    }

    fn sync_one(&self, folder: &str) -> Result<()> {
        let failed = |failure| Error::io("cannot sync the folder", self.describe(folder), failure);
        let handle = self.open_folder(folder).map_err(failed)?;
        match durability::sync_names(&handle) {
            Err(failure) if !failure.is_impossible() => {
                self.sync_failed.store(true, Ordering::Release);
                Err(failed(failure))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// `Other` when a sync failed before.
    pub fn check_synced(&self) -> Result<()> {
        if self.sync_failed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Other, format!("an earlier sync of {} failed", self.describe(""))));
        }
        Ok(())
    }

    fn folders(&self) -> std::sync::MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A path for messages.
pub(super) fn text(path: &Path) -> String {
    PathText(path.as_os_str().as_encoded_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_above_are_synced_once_because_another_program_may_have_made_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("packs/3f")).unwrap();
        let root = Root::open(folder.path()).unwrap();
        root.sync(&["packs/3f".into()]).unwrap();
        assert_eq!(root.folders().synced.iter().collect::<Vec<_>>(), ["", "packs", "packs/3f"]);
        assert!(root.folders().unsynced.is_empty());
    }

    #[test]
    fn after_a_failed_sync_nothing_is_called_durable_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        root.sync(&[String::new()]).unwrap();
        root.sync_failed.store(true, Ordering::Release);
        assert!(root.sync(&[String::new()]).is_err());
        assert!(root.sync(&[]).is_err());
        assert!(root.check_synced().is_err());
    }
}
