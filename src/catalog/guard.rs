//! Runs work of the database where it can do no harm: on its own thread, with a deadline, and with
//! panics caught.
//!
//! sled reports damage as an error, as a panic, or by waiting for ever, and dropping it may panic
//! as well. A thread that waits for ever cannot be ended; it is left behind, holding what its work
//! owns (the lock among it, so that nobody opens the same folder under it).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// Why guarded work gave nothing.
#[derive(Debug)]
pub(super) struct Failure {
    /// What happened.
    pub error: Error,
    /// The thread is still there: the folder must not be opened again by this process.
    pub is_stuck: bool,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Runs `work` for at most `patience`.
pub(super) fn run<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> std::result::Result<T, Failure> {
    let (sender, receiver) = sync_channel(1);
    let failed = |error| Failure { error, is_stuck: false };
    let work = Arc::new(Mutex::new(Some(work)));
    let taken = Arc::clone(&work);
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let started = thread::Builder::new().name("catalog".into()).spawn(move || {
        if let Some(work) = take(&taken) {
            let outcome = catch_unwind(AssertUnwindSafe(work));
            // Nobody listens any more after the deadline.
            let _ = sender.send(outcome);
        }
    });
    if let Err(error) = started {
        // Dropping the work here would drop the database it owns without a guard, which may wait for ever for
        // threads that the database could not start either. It is left as it is.
        std::mem::forget(take(&work));
        return Err(Failure { error: Error::io("cannot start a thread for", "the catalog", error), is_stuck: true });
    }
    match receiver.recv_timeout(patience) {
        Ok(Ok(outcome)) => outcome.map_err(failed),
        Ok(Err(panic)) => Err(failed(Error::damaged("the catalog", panic_text(panic.as_ref())))),
        Err(RecvTimeoutError::Disconnected) => Err(failed(Error::damaged("the catalog", "its thread ended early"))),
        Err(RecvTimeoutError::Timeout) => {
            let message = format!("the catalog gave no answer in {} seconds", patience.as_secs());
            Err(Failure { error: Error::new(ErrorKind::Other, message), is_stuck: true })
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.and_then(|text| text.lines().next()).unwrap_or("the database panicked")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let failure = run::<()>(Duration::from_secs(60), || std::panic::resume_unwind(Box::new("torn page"))).unwrap_err();
        assert!(!failure.is_stuck);
        assert_eq!(failure.error.to_string(), "the catalog is damaged: torn page");
    }

    #[test]
    fn work_that_never_ends_is_left_behind() {
        let (hold, wait) = channel::<()>();
        let failure = run(Duration::ZERO, move || Ok(wait.recv().is_ok())).unwrap_err();
        assert!(failure.is_stuck);
        drop(hold);
    }

    #[test]
    fn a_result_comes_through() {
        assert_eq!(run(Duration::from_secs(60), || Ok(7)).unwrap(), 7);
    }
}
