//! Signals: the first asks a verb to wind down, the second ends the process at once.
//!
//! While no verb that looks at the request is at work, a signal ends the process the ordinary way:
//! whatever is half done then is cleaned up by the next run, as after a power cut. The signal of a file
//! that grows beyond the limit of the process is no reason to end it: the write fails, and says so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use super::exit::Status;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::signals;

/// A signal has come while somebody looks at this flag.
static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// Nobody looks at the flag.
static UNWATCHED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Says what a request to stop does from here on.
///
/// # Errors
/// `Other` when the kernel refuses.
pub fn install() -> Result<()> {
    let watched = signals::watch_for_stop(&UNWATCHED, &REQUESTED, i32::from(Status::Interrupted.code()));
    watched
        .and_then(|()| signals::outlive_long_files())
        .map_err(|error| Error::new(ErrorKind::Other, "cannot watch for signals").with_source(error))
}

/// Whether the user asked to stop.
pub fn is_requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// The error of a command that stopped because it was asked to.
pub fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
}

/// While this lives, the first signal only makes [`is_requested`] true.
#[must_use]
#[derive(Debug)]
pub struct Watch(bool);

/// Begins to look at the flag.
pub fn watch() -> Watch {
    Watch(UNWATCHED.swap(false, Ordering::Relaxed))
}

impl Drop for Watch {
    fn drop(&mut self) {
        UNWATCHED.store(self.0, Ordering::Relaxed);
    }
}
