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

use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{Advice, AtFlags, FallocateFlags, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::destination::{Destination, join};
use super::existing::Identity;
use super::folder::Folder;
use super::given_names::{TemporaryName, temporary_name};
use super::metadata::{ApplyOptions, Fresh, apply_to_fresh_file};
use super::system_error;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Metadata, check_name};
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
    handle: Arc<OwnedFd>,
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
        let fail = |errno| system_error("cannot create", &join(&destination.full_path(&folder), &name), errno);
        let temporary = temporary_name()?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open =
            |within: &Folder| retry_on_intr(|| rustix::fs::openat(within.as_fd(), temporary.as_slice(), flags, Mode::RUSR | Mode::WUSR));
        let mut within = destination.folder_as_kept(&folder)?;
        within.check_renaming()?;
        let handle = match open(&within) {
            // The folder of a kept handle was removed; another one may have its name by now.
            Err(Errno::NOENT) => {
                within = destination.folder(&folder)?;
                within.check_renaming()?;
                open(&within)
            }
            other => other,
        }
        .map_err(fail)?;
        let stat = rustix::fs::fstat(&handle).map_err(fail)?;
        let opened = Opened { handle: Arc::new(handle), folder: within };
        Ok(Self {
            destination: Arc::clone(destination),
            folder,
            name,
            temporary,
            identity: Identity::of(&stat),
            owner: (stat.st_uid, stat.st_gid),
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
    fn fail<'f>(&'f self, action: &'f str) -> impl FnOnce(Errno) -> Error + 'f {
        move |errno| system_error(action, &self.path(), errno)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of the state is a single assignment, so it is whole at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handle, taken back by the temporary name if it was let go.
    pub(super) fn handle(&self) -> Result<Arc<OwnedFd>> {
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
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let handle = retry_on_intr(|| rustix::fs::openat(folder.as_fd(), self.temporary.as_slice(), flags, Mode::empty()))
            .map_err(self.fail("cannot open"))?;
        if Identity::of(&rustix::fs::fstat(&handle).map_err(self.fail("cannot look at"))?) != self.identity {
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
            rustix::fs::fchmod(&opened.handle, Mode::RUSR | Mode::WUSR).map_err(self.fail("cannot set the mode of"))?;
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
        let (begin, mut offset, mut rest) = (offset, offset, bytes);
        while !rest.is_empty() {
            match rustix::io::pwrite(&handle, rest, offset) {
                Ok(0) => return Err(self.fail("cannot write")(Errno::NOSPC)),
                Ok(count) => {
                    rest = &rest[count..];
                    offset += count as u64;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.fail("cannot write")(errno)),
            }
        }
        if bytes.len() >= WRITE_OUT_BYTES {
            begin_write_out(&handle, begin, bytes.len());
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
        rustix::fs::ftruncate(self.handle()?, bytes).map_err(self.fail("cannot set the length of"))
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
        match rustix::fs::fallocate(self.handle()?, FallocateFlags::empty(), 0, bytes) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(errno) => Err(self.fail("cannot reserve space for")(errno)),
        }
    }

    /// Sets the metadata of a file whose content is complete, all but inode flags; returns what could not
    /// be set. The caller makes it durable (see [`Destination::sync_for`]) and gives it its name then.
    ///
    /// # Errors
    /// Those of opening it again.
    pub fn complete(&self, metadata: &Metadata, options: &ApplyOptions) -> Result<Vec<String>> {
        let Opened { handle, folder } = self.opened()?;
        let notes = apply_to_fresh_file(handle.as_fd(), self.fresh(&folder), metadata, options, folder.disk());
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
        rustix::fs::fdatasync(self.handle()?).map_err(self.fail("cannot sync"))
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
        match rustix::fs::unlinkat(folder.as_fd(), self.temporary.as_slice(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.fail("cannot remove")(errno)),
        }
    }
}

/// Lets dirty pages of these bytes go to the disk, of all from `offset` on when `bytes` is 0. The advice drops
/// clean pages, of which there are hardly any in what was just written. A failure means nothing.
fn begin_write_out(file: &OwnedFd, offset: u64, bytes: usize) {
    let _ = rustix::fs::fadvise(file, offset, NonZeroU64::new(bytes as u64), Advice::DontNeed);
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure; the name says what it is.
        let _ = self.remove_temporary();
    }
}
