//! What lies on the simulated disk: what programs see, what is durable, and what is on its way.
//!
//! Every change of a name is seen at once and pending until its folder is synced. Pending changes
//! stand in the order in which they were made; what becomes of them in a crash is said in `crash`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lock::Holders;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::name;

/// What lies under a name.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub bytes: Arc<[u8]>,
    /// The bytes are durable. Always, unless the storage was told to break that promise.
    pub is_synced: bool,
}

/// A change of names that is seen and not durable.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    /// A folder was made by the program of this number.
    Folder { name: String, maker: u64 },
    /// A temporary of `area` got its name.
    Publish { name: String, object: Object, area: String },
    /// A name was removed.
    Remove { name: String },
    /// An object got another name.
    SetAside { old: String, new: String, object: Object },
    /// A temporary of so many bytes was removed.
    DropTemporary { area: String, bytes: u64 },
}

/// A promise of [`Storage`](crate::storage::Storage) that a simulated disk can be told to break, to
/// show that a test notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// A sync makes names durable.
    Names,
    /// What is published has durable bytes.
    Bytes,
}

/// A temporary: the folder it lies in and its length.
pub(super) type Temporary = (String, u64);

/// The disk and who uses it.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub objects: BTreeMap<String, Object>,
    pub folders: BTreeSet<String>,
    pub durable_objects: BTreeMap<String, Object>,
    pub durable_folders: BTreeSet<String>,
    pub pending: Vec<Pending>,
    /// Uploads whose writer lives.
    pub uploads: BTreeMap<u64, Temporary>,
    /// Temporaries whose writer is dead.
    pub stale: Vec<Temporary>,
    /// Promises that are not kept for names below a prefix.
    pub broken: Vec<(Promise, String)>,
    pub capacity_bytes: Option<u64>,
    pub programs: u64,
    pub uploads_begun: u64,
    pub locks: BTreeMap<String, Holders>,
}

impl State {
    pub fn object(&self, name: &str) -> Result<Arc<[u8]>> {
        name::check_object(name)?;
        self.objects.get(name).map(|object| Arc::clone(&object.bytes)).ok_or_else(|| not_found(name))
    }

    pub fn add_folder(&mut self, folder: &str, maker: u64) -> Result<()> {
        for folder in name::ancestors(folder) {
            if self.objects.contains_key(folder) {
                return Err(Error::new(ErrorKind::Exists, format!("{folder} is not a folder")));
            }
            if self.folders.insert(folder.to_owned()) {
                self.pending.push(Pending::Folder { name: folder.to_owned(), maker });
            }
        }
        Ok(())
    }

    /// How much more can be written.
    pub fn free_bytes(&self) -> Option<u64> {
        let capacity = self.capacity_bytes?;
        let temporaries = self.uploads.values().chain(&self.stale).map(|(_, bytes)| bytes);
        let used: u64 = self.objects.values().map(|object| object.bytes.len() as u64).chain(temporaries.copied()).sum();
        Some(capacity.saturating_sub(used))
    }

    pub fn is_broken(&self, promise: Promise, name: &str) -> bool {
        self.broken.iter().any(|(broken, prefix)| *broken == promise && name.starts_with(prefix.as_str()))
    }

    /// Gives what an upload wrote its name; says whether it did. Where the name is taken by as many
    /// bytes it need not.
    pub fn publish(&mut self, name: &str, bytes: Vec<u8>, area: &str, maker: u64) -> Result<bool> {
        match self.objects.get(name) {
            Some(object) if object.bytes.len() == bytes.len() && !area.is_empty() => Ok(false),
            Some(_) => Err(Error::new(ErrorKind::Exists, format!("{name} exists already"))),
            None => {
                self.add_folder(name::parent(name), maker)?;
                let object = Object { bytes: bytes.into(), is_synced: !self.is_broken(Promise::Bytes, name) };
                self.objects.insert(name.to_owned(), object.clone());
                self.pending.push(Pending::Publish { name: name.to_owned(), object, area: area.to_owned() });
                Ok(true)
            }
        }
    }

    /// The writer of an upload has let go of it: without a name its temporary is removed.
    pub fn end_upload(&mut self, number: u64, has_name: bool) {
        if let Some((area, bytes)) = self.uploads.remove(&number)
            && !has_name
        {
            self.pending.push(Pending::DropTemporary { area, bytes });
        }
    }

    /// Removes the temporaries whose writer is dead; says how many.
    pub fn drop_stale(&mut self) -> u64 {
        let stale = std::mem::take(&mut self.stale);
        let dropped = stale.len() as u64;
        self.pending.extend(stale.into_iter().map(|(area, bytes)| Pending::DropTemporary { area, bytes }));
        dropped
    }

    pub fn remove(&mut self, name: &str) {
        if self.objects.remove(name).is_some() {
            self.pending.push(Pending::Remove { name: name.to_owned() });
        }
    }

    pub fn set_aside(&mut self, name: &str, new_name: &str, maker: u64) -> Result<()> {
        let object = self.objects.get(name).cloned().ok_or_else(|| not_found(name))?;
        if self.objects.contains_key(new_name) {
            return Err(Error::new(ErrorKind::Exists, format!("{new_name} exists already")));
        }
        self.add_folder(name::parent(new_name), maker)?;
        self.objects.remove(name);
        self.objects.insert(new_name.to_owned(), object.clone());
        self.pending.push(Pending::SetAside { old: name.to_owned(), new: new_name.to_owned(), object });
        Ok(())
    }

    /// Makes durable what is pending in `folder`, and the folder itself with those above it.
    pub fn sync(&mut self, folder: &str) -> Result<()> {
        if !folder.is_empty() && !self.folders.contains(folder) {
            return Err(not_found(folder));
        }
        if self.is_broken(Promise::Names, folder) {
            return Ok(());
        }
        for pending in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Publish { name, object, .. } if name::parent(&name) == folder => {
                    self.durable_objects.insert(name, object);
                }
                Pending::Remove { name } if name::parent(&name) == folder => {
                    self.durable_objects.remove(&name);
                }
                Pending::SetAside { old, new, object } if [name::parent(&old), name::parent(&new)].contains(&folder) => {
                    // The old name never goes before the new one is there.
                    self.durable_objects.insert(new, object);
                    if name::parent(&old) == folder {
                        self.durable_objects.remove(&old);
                    } else {
                        self.pending.push(Pending::Remove { name: old });
                    }
                }
                Pending::Folder { name, .. } if name::parent(&name) == folder || name::ancestors(folder).any(|above| above == name) => {
                    self.durable_folders.insert(name);
                }
                Pending::DropTemporary { area, .. } if area == folder => {}
                other => self.pending.push(other),
            }
        }
        Ok(())
    }

    /// Makes durable the folders that the program `maker` has made.
    pub fn sync_folders_of(&mut self, maker: u64) {
        for pending in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Folder { name, maker: by } if by == maker => {
                    self.durable_folders.insert(name);
                }
                other => self.pending.push(other),
            }
        }
    }
}

/// The error for an object or folder that is not there.
pub(super) fn not_found(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no {name}"))
}
