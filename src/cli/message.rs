//! Messages for people, on standard error: what happened, where, why, and what to do.
//!
//! The library says what happened; hints are added here only, by the kind of the error, so that
//! there is one place to keep them true. Writing to standard error never fails a command: whoever
//! closed it does not want to read.

use std::error::Error as _;
use std::fmt;
use std::io::Write;
use std::sync::OnceLock;

use super::style::{ColorWhen, Style};
use crate::error::{Error, ErrorKind};

/// The colours of standard error. None until the options are read.
static STYLE: OnceLock<Style> = OnceLock::new();

/// Chooses the colours of all messages of this process.
pub fn set_color(color: ColorWhen) {
    let _ = STYLE.set(color.style(&std::io::stderr()));
}

/// The colours of messages.
pub fn style() -> Style {
    STYLE.get().copied().unwrap_or_default()
}

/// Writes one line to standard error.
pub fn say(line: impl fmt::Display) {
    // Formatted first, so that a line is one write and lines of two processes do not mix.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Writes a remark that is no problem.
pub fn note(message: impl fmt::Display) {
    say(format_args!("note: {message}"));
}

/// Writes a problem that does not end the command.
pub fn warn(message: impl fmt::Display) {
    say(format_args!("{} {message}", style().warning("warning:")));
}

/// Writes an error with its causes and a hint.
pub fn show(error: &Error) {
    say(Shown(error));
}

struct Shown<'a>(&'a Error);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", style().danger("error:"), OneLine(&self.0.to_string()))?;
        let (mut said, mut cause) = (self.0.to_string(), self.0.source());
        while let Some(error) = cause {
            let text = error.to_string();
            // Some causes are quoted by what they caused; once is enough.
            if !text.is_empty() && !said.contains(&text) {
                write!(f, "\n  cause: {}", OneLine(&text))?;
            }
            (said, cause) = (text, error.source());
        }
        match hint(self.0.kind()) {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// A text of several lines, such as those of some libraries, on one line and without control
/// characters: what stands in a message may come from a hostile file.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.trim_end().chars() {
            match c {
                '\n' | '\t' => f.write_str(" ")?,
                c if c.is_control() => write!(f, "{}", c.escape_default())?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// What can be done about an error of this kind; nothing where the message says it already.
fn hint(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NoRepository => "mount the disk that it is on, name another with -r or REPO_REPOSITORY, or make one with `repo init`",
        ErrorKind::WrongKey => "look at REPO_PASSWORD, REPO_PASSWORD_FILE, REPO_PASSWORD_COMMAND, REPO_KEY_FILE and their options",
        ErrorKind::Busy => "another `repo` is at work there; try again when it is done",
        ErrorKind::Damaged => "see what is damaged with `repo check`, and mend it with `repo repair`",
        ErrorKind::Unsupported => "a later version of `repo` may know it",
        ErrorKind::Full => "free some space there and run the command again; nothing that was stored is lost",
        ErrorKind::Denied => "look at owner and mode, or run the command as a user who may",
        ErrorKind::Interrupted => "run the command again to go on",
        ErrorKind::NotFound | ErrorKind::Exists | ErrorKind::Invalid | ErrorKind::Changed | ErrorKind::Other => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_error_shows_its_cause_once_and_a_hint() {
        let error = Error::io("cannot write", "\"/mnt/pack\"", io::Error::from_raw_os_error(28));
        assert_eq!(
            Shown(&error).to_string(),
            "error: cannot write \"/mnt/pack\"\n  cause: No space left on device (os error 28)\n  \
             hint: free some space there and run the command again; nothing that was stored is lost"
        );
        let quoted = Error::new(ErrorKind::Other, "it failed: for a reason").with_source(io::Error::other("for a reason"));
        assert_eq!(Shown(&quoted).to_string(), "error: it failed: for a reason");
    }

    #[test]
    fn a_hostile_cause_cannot_write_on_the_screen() {
        let error = Error::new(ErrorKind::Other, "odd").with_source(io::Error::other("a\x1b[2J\nb"));
        assert_eq!(Shown(&error).to_string(), "error: odd\n  cause: a\\u{1b}[2J b");
    }
}
