//! Failures of the source: how they are told, and which of them end the run.

use crate::error::{Error, ErrorKind, Result};
use crate::platform::failure::{is_out_of_handles, is_shortage};

/// Ends the run in a shortage, which would go on to leave out all that comes after this file.
///
/// # Errors
/// `Other`, with the same number of the operating system.
pub(super) fn refuse_shortage(error: &Error) -> Result<()> {
    match error.os_code().filter(|_| is_shortage(error)) {
        None => Ok(()),
        Some(code) => {
            let hint = if is_out_of_handles(error) { "; `ulimit -n` says how many files may be open" } else { "" };
            let message = format!("not everything can be read, so nothing is saved: {error}{hint}");
            Err(Error::new(ErrorKind::Other, message).with_source(std::io::Error::from_raw_os_error(code)))
        }
    }
}

/// An error with its cause, in one line.
pub(super) fn describe(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
