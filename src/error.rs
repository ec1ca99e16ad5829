//! The one error of the crate: what happened, to which thing, why, and what can be done about it.
//!
//! It stands at the very bottom and knows no other module, so that no layer is dragged upward by
//! its errors. Callers ask for the [`ErrorKind`]. Where the place that fails knows better than a kind can say what helps,
//! the hint travels with the error; a front adds one by the kind only where the error has none of its own.

use std::borrow::Cow;
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
    /// In a box: results that carry no error are passed on everywhere, and should be small.
    more: Option<Box<More>>,
}

#[derive(Debug, Default)]
struct More {
    subject: Option<String>,
    why: Option<String>,
    hint: Hint,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What can be done about an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hint {
    /// What helps against any error of its kind.
    #[default]
    ByKind,
    /// This, and not what its kind would say.
    Instead(Cow<'static, str>),
    /// The message says it already, or there is nothing.
    Nothing,
}

/// The result of everything that can fail in this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a message in lower case, without a full stop, that names the thing it is about.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), more: None }
    }

    /// Stored bytes that are wrong: `what` names the object, `why` the contradiction.
    pub fn damaged(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        let (what, why) = (what.to_string(), why.to_string());
        let mut error = Self::new(ErrorKind::Damaged, format!("{what} is damaged: {why}"));
        let more = error.more();
        (more.subject, more.why) = (Some(what), Some(why));
        error
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
        let subject = subject.to_string();
        let mut error = Self::new(kind, format!("{action} {subject}"));
        let more = error.more();
        more.subject = Some(subject);
        more.source = Some(Box::new(source));
        error
    }

    /// The same error with `cause` behind it.
    pub fn with_source(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.more().source = Some(Box::new(cause));
        self
    }

    /// The same error under another kind, for a layer that knows better what it means.
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same error with something better to do than its kind would say: a phrase such as `wait for it with --lock-wait`.
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.more().hint = Hint::Instead(hint.into());
        self
    }

    /// The same error, about which its kind has nothing to add.
    pub fn without_hint(mut self) -> Self {
        self.more().hint = Hint::Nothing;
        self
    }

    /// Puts `context` before the message: `context: message`.
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// The thing that it is about, where that is one: the name of an object, or a path as people read it.
    pub fn subject(&self) -> Option<&str> {
        self.more.as_ref()?.subject.as_deref()
    }

    /// What is wrong with the [subject](Self::subject) of damage.
    pub fn why(&self) -> Option<&str> {
        self.more.as_ref()?.why.as_deref()
    }

    /// What can be done about it.
    pub fn hint(&self) -> &Hint {
        self.more.as_ref().map_or(&Hint::ByKind, |more| &more.hint)
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
        self.more.as_ref()?.source.as_ref()?.downcast_ref::<io::Error>()?.raw_os_error()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.more.as_ref()?.source.as_deref().map(|source| source as _)
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
    fn what_an_error_is_about_and_what_to_do_travel_with_it() {
        let error = Error::damaged("packs/ab", "it is cut short").context("restore").with_kind(ErrorKind::Other);
        assert_eq!((error.subject(), error.why(), error.hint()), (Some("packs/ab"), Some("it is cut short"), &Hint::ByKind));
        let error = error.with_hint("copy it again").context("check");
        assert_eq!(error.hint(), &Hint::Instead("copy it again".into()));
        assert_eq!(error.without_hint().hint(), &Hint::Nothing);
        assert_eq!(Error::io("cannot open", "\"/a\"", io::Error::other("")).subject(), Some("\"/a\""));
        assert_eq!(Error::new(ErrorKind::Busy, "locked").subject(), None);
    }

    #[test]
    fn context_stands_before_the_message() {
        let error = Error::damaged("pack ab", "short").context("restore");
        assert_eq!(error.to_string(), "restore: pack ab is damaged: short");
    }
}
