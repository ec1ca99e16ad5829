//! Files that are being written: a temporary name, then the final one.
//!
//! A writer holds a lock of the kernel on its temporary file as long as it lives. So a temporary
//! whose lock is free has lost its writer, to `kill -9` or a power cut, and can be removed at any
//! time, without looking at clocks or process ids.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use super::listing::read_folder;
use super::root::Root;
use crate::error::{Error, ErrorKind, Result};
use crate::id::to_hex;
use crate::platform::lock::{self, Share};
use crate::platform::{EntryType, Failure, durability, entries, look, open, random};
use crate::storage::{Stale, Upload, name};
use crate::units::MIB;

/// Nobody writes to an object again, not even its owner.
const FILE_MODE: u32 = 0o400;
/// After so many bytes the kernel is asked to begin writing them to the disk, so that the disk works
/// while the next frames are made. Measured with 32 MiB packs: a third less time in all, a fifth of
/// the time waiting for the disk at the end.
const WRITE_BACK_BYTES: u64 = 4 * MIB;
/// A random name is taken, or removed before it is locked, once in a lifetime; not so often.
const ATTEMPTS_MAX: usize = 16;

/// A temporary file that wants a name.
pub(super) struct LocalUpload {
    root: Arc<Root>,
    area: String,
    temporary: String,
    file: File,
    written: u64,
    /// The kernel was asked to write back what lies before this offset.
    begun: u64,
    failed: bool,
    named: bool,
}

impl LocalUpload {
    pub fn create(root: &Arc<Root>, area: &str) -> Result<Self> {
        root.check_synced()?;
        for _ in 0..ATTEMPTS_MAX {
            let temporary = name::join(area, &random_name()?);
            let failed = |failure| Error::io("cannot create", root.describe(&temporary), failure);
            let file = match open::new_file_for_ever(&root.handle, &temporary) {
                Ok(file) => file,
                Err(Failure::EXISTS) => continue,
                Err(Failure::NOT_FOUND) if !area.is_empty() => {
                    root.create_folder(area)?;
                    continue;
                }
                Err(failure) => return Err(failed(failure)),
            };
            let upload = Self {
                root: Arc::clone(root),
                area: area.to_owned(),
                temporary: temporary.clone(),
                file,
                written: 0,
                begun: 0,
                failed: false,
                named: false,
            };
            // The umask may have taken the owner's right to read.
            root.owners.give_file(&upload.file, FILE_MODE).map_err(failed)?;
            if upload.mark_alive() {
                return Ok(upload);
            }
        }
        Err(Error::new(ErrorKind::Other, format!("cannot create a temporary file in {}", root.describe(area))))
    }

    /// Takes the lock that shows that the writer lives. False when somebody who looks for stale
    /// temporaries came between creation and lock: then the file is gone or soon will be.
    fn mark_alive(&self) -> bool {
        match lock::try_take(&self.file, Share::Alone) {
            Err(Failure::WOULD_WAIT) => false,
            Ok(()) => look::at_handle(&self.file).is_ok_and(|found| found.links > 0),
            // Without locks on this file system nobody takes any temporary for stale.
            Err(_) => true,
        }
    }

    fn begin_write_back(&mut self) {
        let bytes = self.written - self.begun;
        if bytes >= WRITE_BACK_BYTES {
            // This advice starts writing back dirty pages and drops only clean ones, of which there
            // are none in a range just written. It is advice: a failure means nothing.
            durability::begin_write_out(&self.file, self.begun, bytes);
            self.begun = self.written;
        }
    }

    /// What it means that `name` is taken.
    fn meet_existing(&self, name: &str) -> Result<()> {
        let path = self.root.describe(name);
        let found = look::at_entry(&self.root.handle, name).map_err(|failure| Error::io("cannot look at", &path, failure))?;
        let is_same = found.entry_type == EntryType::File && found.bytes == self.written;
        if is_same && !self.area.is_empty() { Ok(()) } else { Err(Error::new(ErrorKind::Exists, format!("{path} exists already"))) }
    }
}

impl Upload for LocalUpload {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        // Short writes and interruptions are looped over by the standard library.
        self.file.write_all(bytes).map_err(|error| {
            self.failed = true;
            Error::io("cannot write", self.root.describe(&self.temporary), error)
        })?;
        self.written += bytes.len() as u64;
        self.begin_write_back();
        Ok(())
    }

    fn publish(mut self: Box<Self>, name: &str) -> Result<()> {
        name::check_upload(&self.area, name, self.failed)?;
        self.root.check_synced()?;
        match durability::sync_content(&self.file) {
            Err(failure) if !failure.is_impossible() => {
                return Err(Error::io("cannot sync", self.root.describe(&self.temporary), failure));
            }
            _ => {}
        }
        match self.root.rename_into(&self.temporary, name)? {
            Ok(()) => {
                self.named = true;
                Ok(())
            }
            Err(Failure::EXISTS) => self.meet_existing(name),
            Err(failure) => Err(Error::io("cannot publish", self.root.describe(name), failure)),
        }
    }
}

impl Drop for LocalUpload {
    fn drop(&mut self) {
        if !self.named {
            // What cannot be removed now is stale as soon as the file is closed.
            let _ = entries::remove(&self.root.handle, &self.temporary);
        }
    }
}

fn random_name() -> Result<String> {
    let mut bytes = [0; 8];
    random::fill(&mut bytes).map_err(|failure| Error::io("cannot draw", "random bytes", failure))?;
    Ok(format!("{}{}", name::TEMPORARY_PREFIX, to_hex(&bytes)))
}

/// Where objects are begun; packs go to folders below theirs. Other folders below the top are of somebody else, and what lies in them too.
const AREAS: [&str; 6] = ["", "keys", "packs", "index", "snapshots", "records"];

/// Removes the temporaries that this program has made and whose writer is dead; says how many.
pub(super) fn remove_stale(root: &Root, stale: Stale) -> Result<u64> {
    let mut removed = 0;
    // What has such a name in the folders of the packs is no pack, and of nobody else.
    let folders = if stale == Stale::Anywhere { 0..256_u16 } else { 0..0 };
    let pack_folders = folders.map(|first| format!("packs/{first:02x}"));
    for area in AREAS.into_iter().map(str::to_owned).chain(pack_folders) {
        // What cannot be looked into, a dangling link for one, has no temporaries that matter.
        let Ok(folder) = read_folder(root, &area) else { continue };
        for entry in folder.entries {
            let path = name::join(&area, &entry.name);
            if name::is_temporary(&entry.name) && is_stale(root, &path) {
                match entries::remove(&root.handle, &path) {
                    Ok(()) => removed += 1,
                    Err(Failure::NOT_FOUND) => {}
                    Err(failure) => return Err(Error::io("cannot remove", root.describe(&path), failure)),
                }
            }
        }
    }
    Ok(removed)
}

/// True when the lock of a temporary can be had. Shared, because some network file systems want a
/// file open for writing before they lock it alone.
fn is_stale(root: &Root, path: &str) -> bool {
    open::file_itself(&root.handle, path).and_then(|file| lock::try_take(&file, Share::Shared)).is_ok()
}
