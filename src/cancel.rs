//! Asking work to stop: the smallest thing that a front hands down.
//!
//! It stands apart from [`crate::progress`], so that what only has to know whether it is to go on, such as waiting for a
//! lock or reading a long file, need not be given a front to talk to.

use crate::error::{Error, ErrorKind, Result};

/// Says whether work is to stop. Asked from any thread, often: the answer should cost no more than a look at a flag.
pub trait Cancel: Send + Sync {
    /// True when the user asked to stop: the work winds down in good order.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Stops where the user asked to.
///
/// # Errors
/// `Interrupted`.
pub fn check_cancelled(cancel: &(impl Cancel + ?Sized)) -> Result<()> {
    if cancel.is_cancelled() { Err(Error::new(ErrorKind::Interrupted, "interrupted")) } else { Ok(()) }
}

/// A flag that another thread, or the handler of a signal, sets.
impl Cancel for std::sync::atomic::AtomicBool {
    fn is_cancelled(&self) -> bool {
        self.load(std::sync::atomic::Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn work_goes_on_until_the_flag_is_set() {
        let flag = AtomicBool::new(false);
        check_cancelled(&flag).unwrap();
        flag.store(true, Ordering::Relaxed);
        assert_eq!(check_cancelled(&flag).unwrap_err().kind(), ErrorKind::Interrupted);
    }
}
