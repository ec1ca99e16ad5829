//! The one error of the crate: what happened, to which thing, and why.
//!
//! It stands at the very bottom and knows no other module, so that no layer is dragged upward by
//! its errors. Callers ask for the [`ErrorKind`]; hints for people are added by the command line.

use std::fmt;
use std::io;

/// What sort of failure this is. Callers decide by it; exit codes follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no repository at the location.
    NoRepository,
    /// A named thing is not there.
    NotFound,
    /// A name is taken already.
    Exists,
    /// The operating system refused access.
    Denied,
    /// Stored bytes are not what was written, or cannot be decoded.
    Damaged,
    /// Another process holds a lock that is needed.
    Busy,
    /// The password or key file opens no slot.
    WrongKey,
    /// The repository needs something that this program does not know.
    Unsupported,
    /// The caller asked for something that makes no sense.
    Invalid,
    /// A thing changed under our hands.
    Changed,
    /// No space, or a quota is used up.
    Full,
    /// The user asked to stop.
    Interrupted,
    /// Anything else, usually from the operating system.
    Other,
}

/// A failure that ends the operation. Problems that do not end it are findings
/// (see [`crate::progress::Finding`]).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of everything that can fail in this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a message in lower case, without a full stop, that names the thing it is about.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Stored bytes that are wrong: `what` names the object, `why` the contradiction.
    pub fn damaged(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Damaged, format!("{what} is damaged: {why}"))
    }

    /// A call of the operating system that failed: `action` is a phrase such as `cannot open`.
    pub fn io(action: &str, subject: impl fmt::Display, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::AlreadyExists => ErrorKind::Exists,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => ErrorKind::Full,
            _ => ErrorKind::Other,
        };
        Self { kind, message: format!("{action} {subject}"), source: Some(Box::new(source)) }
    }

    /// The same error with `cause` behind it.
    pub fn with_source(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(cause));
        self
    }

    /// The same error under another kind, for a layer that knows better what it means.
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Puts `context` before the message: `context: message`.
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// True when a named thing is not there.
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// True when stored bytes are wrong or a needed object is gone: another copy may help.
    pub fn is_damage(&self) -> bool {
        matches!(self.kind, ErrorKind::Damaged | ErrorKind::NotFound)
    }

    /// The operating system's error number behind this error, if there is one.
    pub fn os_code(&self) -> Option<i32> {
        self.source.as_ref()?.downcast_ref::<io::Error>()?.raw_os_error()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disk_is_told_apart_from_other_failures() {
        let error = Error::io("cannot write", "pack", io::Error::from_raw_os_error(28));
        assert_eq!(error.kind(), ErrorKind::Full);
        assert_eq!(error.os_code(), Some(28));
    }

    #[test]
    fn context_stands_before_the_message() {
        let error = Error::damaged("pack ab", "short").context("restore");
        assert_eq!(error.to_string(), "restore: pack ab is damaged: short");
    }
}
