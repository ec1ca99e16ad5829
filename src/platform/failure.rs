//! Why the system did not do what it was asked.
//!
//! The rooms above decide by these reasons: a name that is taken is tried again with another, a call that is not
//! to be had is done in another way. What a person is told is made of them in one place, [`crate::error::Error::io`].

use std::fmt;
use std::io;

use rustix::io::Errno;

use crate::error::Error;

/// The reason that the system gave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Failure(pub(super) Errno);

/// The result of a call of the system.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Nothing has this name.
    pub const NOT_FOUND: Self = Self(Errno::NOENT);
    /// The name is taken.
    pub const EXISTS: Self = Self(Errno::EXIST);
    /// Something else stands where a folder is needed.
    pub const NO_FOLDER: Self = Self(Errno::NOTDIR);
    /// A folder stands where something else is needed.
    pub const IS_FOLDER: Self = Self(Errno::ISDIR);
    /// The folder is not empty.
    pub const NOT_EMPTY: Self = Self(Errno::NOTEMPTY);
    /// A symbolic link is in the way.
    pub const IS_LINK: Self = Self(Errno::LOOP);
    /// It lies on another file system.
    pub const ELSEWHERE: Self = Self(Errno::XDEV);
    /// The rights of the entry keep this user out.
    pub const DENIED: Self = Self(Errno::ACCESS);
    /// This user may not do that at all, or the file system knows no such thing.
    pub const NOT_PERMITTED: Self = Self(Errno::PERM);
    /// Nothing can be written there.
    pub const READ_ONLY: Self = Self(Errno::ROFS);
    /// It would have to be waited for: somebody else has it.
    pub const WOULD_WAIT: Self = Self(Errno::WOULDBLOCK);
    /// A signal came.
    pub const INTERRUPTED: Self = Self(Errno::INTR);
    /// The arguments make no sense there, which is also what old file systems say to new flags.
    pub const INVALID: Self = Self(Errno::INVAL);
    /// The system, or the sandbox around it, has no such call.
    pub const NO_CALL: Self = Self(Errno::NOSYS);
    /// The file system has no such thing.
    pub const UNSUPPORTED: Self = Self(Errno::OPNOTSUPP);
    /// What is no file of a disk cannot be asked that.
    pub const NO_QUESTION: Self = Self(Errno::NOTTY);
    /// Locks have run out, or the server has none.
    pub const NO_LOCKS: Self = Self(Errno::NOLCK);
    /// The answer is longer than the room for it.
    pub const NO_ROOM: Self = Self(Errno::RANGE);
    /// There is no such attribute.
    pub const NO_ATTRIBUTE: Self = Self(Errno::NODATA);
    /// Nothing is there: no data from here on, or nobody behind a socket.
    pub const NOTHING: Self = Self(Errno::NXIO);
    /// The file cannot be read from any place but the next.
    pub const NO_PLACES: Self = Self(Errno::SPIPE);
    /// It is not what it was any more.
    pub const STALE: Self = Self(Errno::STALE);
    /// It can have no more names.
    pub const NO_MORE_NAMES: Self = Self(Errno::MLINK);
    /// The disk is full.
    pub const FULL: Self = Self(Errno::NOSPC);
    /// The quota is used up.
    pub const OVER_QUOTA: Self = Self(Errno::DQUOT);
    /// It is longer than the file system takes.
    pub const TOO_LONG: Self = Self(Errno::TOOBIG);
    /// The disk could not read or write.
    pub const DISK: Self = Self(Errno::IO);
    /// What is on the disk makes no sense.
    pub const UNSOUND: Self = Self(Errno::UCLEAN);

    /// True when `error` came from the system with this reason.
    pub fn is_behind(self, error: &io::Error) -> bool {
        error.raw_os_error() == Some(self.0.raw_os_error())
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self(errno)
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        failure.0.into()
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// True when the system, or the file system, cannot do such a thing at all, as opposed to having failed at it.
    pub fn is_impossible(self) -> bool {
        [Self::INVALID, Self::NO_CALL, Self::UNSUPPORTED].contains(&self)
    }
}

/// Whether this process or this machine has run out of open files or memory: what fails then says nothing about
/// what was asked for.
pub fn is_shortage(error: &Error) -> bool {
    has_code(error, &[Errno::MFILE, Errno::NFILE, Errno::NOMEM])
}

/// Whether this process may open no more files.
pub fn is_out_of_handles(error: &Error) -> bool {
    has_code(error, &[Errno::MFILE])
}

/// Whether one file is longer than this process or its file system may make any, while the disk has room.
pub fn is_beyond_longest(error: &Error) -> bool {
    has_code(error, &[Errno::FBIG])
}

fn has_code(error: &Error, codes: &[Errno]) -> bool {
    error.os_code().is_some_and(|code| codes.iter().any(|errno| errno.raw_os_error() == code))
}
