//! A file that is being written: under a temporary name until it is complete.
//!
//! A restore writes frames in the order of the packs, so thousands of files may be begun at a time.
//! A file can therefore let go of its handle and takes it back when it is written to again, by its
//! temporary name, and only if that name still leads to the same inode. It holds its folder as long as
//! its own handle, so that it gets its name in the folder that it was made in.
//!
//! What was written begins its way to the disk at once, except for small files: the sync that comes
//! before the name then finds little left, and the disk works while frames are decoded. Between its
//! completion and its name a file needs no handle, so that many can wait for one sync.
//! A crash leaves at most temporary names, which [`super::is_temporary_name`] knows.

mod naming;

use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::destination::{Destination, join};
use super::folder::Folder;
use super::given_names::{TemporaryName, temporary_name};
use super::metadata::{ApplyOptions, Fresh, apply_to_fresh_file};
use super::system_error;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Metadata, check_name};
use crate::platform::durability::{self, begin_write_out};
use crate::platform::{AsHandle, Failure, Identity, content, entries, look, open, rights};
use crate::units::PathText;

/// Writes of this length begin to be written out at once, and files of this length when they are complete.
/// Smaller ones cost a call each and come to the disk in better order without.
const WRITE_OUT_BYTES: usize = 256 << 10;

/// A file in work. It is written from any thread; dropping it before it has its name removes it.
#[derive(Debug)]
pub struct NewFile {
    destination: Arc<Destination>,
    /// The folder, relative to the destination; shared, because many files wait for their names at a time.
    folder: Arc<[u8]>,
    name: Arc<[u8]>,
    temporary: TemporaryName,
    identity: Identity,
    /// Who owns it until its metadata is set.
    owner: (u32, u32),
    /// Bytes of writes that were not begun to be written out.
    waiting_bytes: AtomicUsize,
    state: Mutex<State>,
}

/// A file in its folder.
#[derive(Clone, Debug)]
struct Opened {
    handle: Arc<File>,
    folder: Arc<Folder>,
}

#[derive(Debug)]
struct State {
    opened: Option<Opened>,
    /// True once it has its name, or is removed.
    is_over: bool,
}

impl NewFile {
    /// Begins a file that will be `name` in the folder `folder` of the destination; for its owner
    /// only until its metadata is set.
    ///
    /// # Errors
    /// `Damaged` for an impossible name; `NotFound` when the folder is not there; `Full`, `Denied`.
    pub fn create(destination: &Arc<Destination>, folder: impl Into<Arc<[u8]>>, name: impl Into<Arc<[u8]>>) -> Result<Self> {
        let (folder, name) = (folder.into(), name.into());
        check_name(&name)?;
        let fail = |failure| system_error("cannot create", &join(&destination.full_path(&folder), &name), failure);
        let temporary = temporary_name()?;
        let make = |within: &Folder| open::new_file(within, temporary);
        let mut within = destination.folder_as_kept(&folder)?;
        within.check_renaming()?;
        let handle = match make(&within) {
            // The folder of a kept handle was removed; another one may have its name by now.
            Err(Failure::NOT_FOUND) => {
                within = destination.folder(&folder)?;
                within.check_renaming()?;
                make(&within)
            }
            other => other,
        }
        .map_err(fail)?;
        let made = look::at_handle(&handle).map_err(fail)?;
        let opened = Opened { handle: Arc::new(handle), folder: within };
        Ok(Self {
            destination: Arc::clone(destination),
            folder,
            name,
            temporary,
            identity: made.identity,
            owner: (made.uid, made.gid),
            waiting_bytes: AtomicUsize::new(0),
            state: Mutex::new(State { opened: Some(opened), is_over: false }),
        })
    }

    /// Which inode it is, for hard links to it.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    fn path(&self) -> Vec<u8> {
        join(&self.destination.full_path(&self.folder), &self.name)
    }

    /// The path is made only when a call has failed: most succeed.
    fn fail<'f>(&'f self, action: &'f str) -> impl FnOnce(Failure) -> Error + 'f {
        move |failure| system_error(action, &self.path(), failure)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of the state is a single assignment, so it is whole at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handle, taken back by the temporary name if it was let go.
    pub(super) fn handle(&self) -> Result<Arc<File>> {
        Ok(self.opened()?.handle)
    }

    fn opened(&self) -> Result<Opened> {
        let mut state = self.lock();
        if state.is_over {
            return Err(Error::new(ErrorKind::Invalid, format!("{} is complete already", PathText(&self.path()))));
        }
        if let Some(opened) = &state.opened {
            return Ok(opened.clone());
        }
        let folder = self.destination.folder(&self.folder)?;
        let handle = open::file_to_write(&folder, self.temporary).map_err(self.fail("cannot open"))?;
        if look::at_handle(&handle).map_err(self.fail("cannot look at"))?.identity != self.identity {
            return Err(Error::new(ErrorKind::Changed, format!("{} was replaced during the restore", PathText(&self.path()))));
        }
        let opened = Opened { handle: Arc::new(handle), folder };
        state.opened = Some(opened.clone());
        Ok(opened)
    }

    /// Lets go of the file handle; the next call that needs it opens it again. Threads that write
    /// just now are not disturbed.
    ///
    /// # Errors
    /// Those of setting the mode, without which it could not be opened again under a strict umask.
    pub fn close(&self) -> Result<()> {
        let mut state = self.lock();
        if let Some(opened) = &state.opened {
            rights::set_mode(&opened.handle, 0o600).map_err(self.fail("cannot set the mode of"))?;
        }
        state.opened = None;
        Ok(())
    }

    /// Writes `bytes` from `offset` on. What is never written stays a hole.
    ///
    /// # Errors
    /// `Full`; `Changed` when the file was replaced while its handle was closed.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let handle = self.handle()?;
        content::write_all_at(&handle, bytes, offset).map_err(self.fail("cannot write"))?;
        if bytes.len() >= WRITE_OUT_BYTES {
            begin_write_out(&handle, offset, bytes.len() as u64);
        } else {
            self.waiting_bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Makes the file exactly so many bytes long; a longer end is a hole. Needed for a file that
    /// ends with a hole; cheap for any other.
    ///
    /// # Errors
    /// `Full` when the file system holds no file of that length.
    pub fn set_length(&self, bytes: u64) -> Result<()> {
        durability::set_length(&*self.handle()?, bytes).map_err(self.fail("cannot set the length of"))
    }

    /// Takes the space of a file that is to have no holes, so that a full disk is found out before
    /// anything is written. A file system that cannot is fine.
    ///
    /// # Errors
    /// `Full`.
    pub fn reserve(&self, bytes: u64) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        durability::reserve(&*self.handle()?, bytes).map_err(self.fail("cannot reserve space for"))
    }

    /// Sets the metadata of a file whose content is complete, all but inode flags; returns what could not
    /// be set. The caller makes it durable (see [`Destination::sync_for`]) and gives it its name then.
    ///
    /// # Errors
    /// Those of opening it again.
    pub fn complete(&self, metadata: &Metadata, options: &ApplyOptions) -> Result<Vec<String>> {
        let Opened { handle, folder } = self.opened()?;
        let notes = apply_to_fresh_file(handle.as_handle(), self.fresh(&folder), metadata, options, folder.disk());
        if self.waiting_bytes.load(Ordering::Relaxed) >= WRITE_OUT_BYTES {
            begin_write_out(&handle, 0, 0);
        }
        Ok(notes)
    }

    /// As [`NewFile::complete`], for a file that could not be restored whole: never with setuid, setgid
    /// or capabilities.
    ///
    /// # Errors
    /// As there.
    pub fn complete_damaged(&self, metadata: &Metadata, options: &ApplyOptions) -> Result<Vec<String>> {
        let mut plain = metadata.clone();
        plain.mode &= 0o1777;
        plain.xattrs.retain(|xattr| xattr.name != b"security.capability");
        self.complete(&plain, options)
    }

    /// Lets go of the handle of a complete file: it needs none to get its name.
    pub fn release(&self) {
        self.lock().opened = None;
    }

    /// Waits until the content of this one file is durable: for where a whole file system cannot be asked.
    ///
    /// # Errors
    /// `Full`, or `Other` when the disk failed; it is not tried again.
    pub fn sync(&self) -> Result<()> {
        durability::sync_content(&*self.handle()?).map_err(self.fail("cannot sync"))
    }

    /// Removes the file.
    ///
    /// # Errors
    /// Those of removing it; it is not tried again.
    pub fn abandon(self) -> Result<()> {
        self.remove_temporary()
    }

    fn fresh(&self, folder: &Folder) -> Fresh {
        Fresh { owner: self.owner, has_inherited: folder.gives_acl() }
    }

    fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        state.opened = None;
    }

    fn remove_temporary(&self) -> Result<()> {
        if self.lock().is_over {
            return Ok(());
        }
        self.end();
        let folder = self.destination.folder(&self.folder)?;
        match entries::remove(&folder, self.temporary) {
            Ok(()) | Err(Failure::NOT_FOUND) => Ok(()),
            Err(failure) => Err(self.fail("cannot remove")(failure)),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure; the name says what it is.
        let _ = self.remove_temporary();
    }
}
