//! The times of access and of modification, read and set.

use rustix::fs::{AtFlags, Timespec, Timestamps, UTIME_OMIT};

use super::failure::{Failure, Result};
use super::handle::AsHandle;
use crate::units::Timestamp;

/// Two times of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The last look at its content; `None` leaves it as it is.
    pub accessed: Option<Timestamp>,
    /// The last change of its content.
    pub modified: Timestamp,
}

impl Times {
    fn to_system(self) -> Timestamps {
        let time = |time: Timestamp| Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() };
        let accessed = self.accessed.map_or(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }, time);
        Timestamps { last_access: accessed, last_modification: time(self.modified) }
    }
}

/// The times of what a handle holds.
///
/// # Errors
/// Those of the system, as everywhere here.
pub fn of(handle: impl AsHandle) -> Result<Times> {
    let found = rustix::fs::fstat(handle.as_handle())?;
    Ok(Times {
        accessed: Some(Timestamp { seconds: found.st_atime, nanoseconds: found.st_atime_nsec as u32 }),
        modified: Timestamp { seconds: found.st_mtime, nanoseconds: found.st_mtime_nsec as u32 },
    })
}

/// Sets the times of an open file or folder.
///
/// # Errors
/// Those of the system.
pub fn set(handle: impl AsHandle, times: &Times) -> Result<()> {
    rustix::fs::futimens(handle.as_handle(), &times.to_system()).map_err(Failure)
}

/// Sets the times of a pinned entry.
///
/// # Errors
/// Those of the system.
pub fn set_pinned(handle: impl AsHandle, times: &Times) -> Result<()> {
    rustix::fs::utimensat(handle.as_handle(), c"", &times.to_system(), AtFlags::EMPTY_PATH).map_err(Failure)
}

/// The time that a file would get that is made now: the clock of files may be some milliseconds behind the other.
pub fn file_clock() -> Timestamp {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    Timestamp::new(now.tv_sec, now.tv_nsec as u32)
}
