//! What is held open: a file, a folder, or an entry that is only pinned.
//!
//! A handle stays the same thing even when somebody renames it or puts another in its place, so all that is done
//! with entries is done by the handle of a folder and one name.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::failure::Result;

/// A handle, closed when it is dropped.
#[derive(Debug)]
pub struct Handle(pub(super) OwnedFd);

/// A handle of somebody else.
#[derive(Clone, Copy, Debug)]
pub struct HandleRef<'h>(pub(super) BorrowedFd<'h>);

/// Whatever has a handle.
pub trait AsHandle {
    /// Its handle.
    fn as_handle(&self) -> HandleRef<'_>;
}

impl Handle {
    /// Another handle of the same; it shares the position in a listing or file.
    ///
    /// # Errors
    /// When no more files can be open.
    pub fn try_clone(&self) -> Result<Self> {
        duplicate(self)
    }
}

/// Another handle of the same; it shares the position in a listing or file, and no lock is lost with it.
///
/// # Errors
/// When no more files can be open.
pub fn duplicate(handle: impl AsHandle) -> Result<Handle> {
    Ok(Handle(rustix::io::fcntl_dupfd_cloexec(handle.as_handle(), 0)?))
}

impl AsHandle for Handle {
    fn as_handle(&self) -> HandleRef<'_> {
        HandleRef(self.0.as_fd())
    }
}

impl AsHandle for HandleRef<'_> {
    fn as_handle(&self) -> HandleRef<'_> {
        *self
    }
}

impl AsHandle for File {
    fn as_handle(&self) -> HandleRef<'_> {
        HandleRef(self.as_fd())
    }
}

impl AsHandle for std::process::ChildStdout {
    fn as_handle(&self) -> HandleRef<'_> {
        HandleRef(self.as_fd())
    }
}

impl<T: AsHandle> AsHandle for &T {
    fn as_handle(&self) -> HandleRef<'_> {
        T::as_handle(self)
    }
}

impl<T: AsHandle> AsHandle for Arc<T> {
    fn as_handle(&self) -> HandleRef<'_> {
        T::as_handle(self)
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for HandleRef<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0
    }
}

impl From<Handle> for File {
    fn from(handle: Handle) -> Self {
        handle.0.into()
    }
}

impl From<File> for Handle {
    fn from(file: File) -> Self {
        Self(file.into())
    }
}
