//! Waits for something to read or for a command to end, for a short time, so that a request to stop is seen.

use std::io::{Stdin, Stdout};
use std::os::fd::AsFd;
use std::process::Child;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::failure::{Failure, Result};
use super::handle::{AsHandle, Handle};

/// Waits until there is something to read or the end, at most `time`; false when there is nothing yet.
///
/// # Errors
/// Those of the system; a signal is none.
pub fn is_ready(handle: impl AsHandle, time: Duration) -> Result<bool> {
    let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
    match poll(&mut [PollFd::from_borrowed_fd(handle.as_handle().0, PollFlags::IN)], Some(&time)).map_err(Failure) {
        Ok(0) | Err(Failure::INTERRUPTED) => Ok(false),
        Ok(_) => Ok(true),
        Err(failure) => Err(failure),
    }
}

/// A handle that is ready when a command has ended; none where the system has no such handles.
pub fn handle_of_command(child: &Child) -> Option<Handle> {
    pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok().map(Handle)
}

/// A handle of standard input of its own; none where the input is closed or the null device, which a program gets that
/// is started with its input closed.
///
/// # Errors
/// When no more files can be open.
pub fn standard_input(stdin: &Stdin) -> std::io::Result<Option<Handle>> {
    let is_null = |a: &rustix::fs::Stat, b: &rustix::fs::Stat| (a.st_mode, a.st_rdev) == (b.st_mode, b.st_rdev);
    if let (Ok(input), Ok(null)) = (rustix::fs::fstat(stdin.as_fd()), rustix::fs::stat("/dev/null"))
        && is_null(&input, &null)
    {
        return Ok(None);
    }
    Ok(Some(Handle(stdin.as_fd().try_clone_to_owned()?)))
}

/// A handle of standard output of its own.
///
/// # Errors
/// When it is closed.
pub fn standard_output(stdout: &Stdout) -> std::io::Result<Handle> {
    Ok(Handle(stdout.as_fd().try_clone_to_owned()?))
}
