//! Messages, on standard error: what happened, where, why, and what to do. Text for people; with `--json` one
//! object on each line, whose `message_type` says what it is.
//!
//! An error may say itself what can be done about it; else a hint is added here, by its kind. Writing to standard error never fails a command: whoever
//! closed it does not want to read.

use std::error::Error as _;
use std::fmt;
use std::io::Write;
use std::sync::OnceLock;

use serde::Serialize;

use super::exit::Status;
use super::style::{ColorWhen, Style};
use crate::browse::json;
use crate::error::{Error, ErrorKind, Hint};
use crate::progress::{Finding, FindingKind};
use crate::units::{PathText, lossy_text};

/// How messages look. Plain text until the options are read.
static FORM: OnceLock<Form> = OnceLock::new();

#[derive(Clone, Copy, Default)]
struct Form {
    style: Style,
    is_json: bool,
    is_quiet: bool,
}

/// Chooses how all messages of this process look.
pub fn set_form(color: ColorWhen, is_json: bool, is_quiet: bool) {
    let _ = FORM.set(Form { style: color.style(&std::io::stderr()), is_json, is_quiet });
}

fn form() -> Form {
    FORM.get().copied().unwrap_or_default()
}

/// A message as `--json` prints it.
#[derive(Default, Serialize)]
struct MessageLine {
    message_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<u8>,
}

/// Writes one line to standard error, as it is.
pub fn write_line(line: impl fmt::Display) {
    // Formatted first, so that a line is one write and lines of two processes do not mix.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Writes an object on a line of its own.
pub fn write_json(object: &impl Serialize) {
    // A struct of texts and numbers can always be written.
    if let Ok(text) = serde_json::to_string(object) {
        write_line(text);
    }
}

fn say(message_type: &'static str, head: impl fmt::Display, message: impl fmt::Display) {
    if form().is_json {
        write_json(&MessageLine { message_type, message: message.to_string(), ..MessageLine::default() });
    } else {
        write_line(format_args!("{head} {message}"));
    }
}

/// Writes a remark that is no problem; not with `-q`.
pub fn note(message: impl fmt::Display) {
    if !form().is_quiet {
        say("note", "note:", message);
    }
}

/// Writes a problem that does not end the command.
pub fn warn(message: impl fmt::Display) {
    say("warning", form().style.warning("warning:"), message);
}

/// Writes what can be done about problems that were told.
pub fn hint(message: impl fmt::Display) {
    say("hint", "hint:", message);
}

/// Writes a command line that makes no sense, as `text` says.
pub fn refuse(text: &str, is_json: bool) {
    if is_json {
        let message = text.trim().strip_prefix("error: ").unwrap_or(text.trim()).to_owned();
        write_json(&MessageLine { message_type: "error", message, exit_code: Some(Status::Usage.code()), ..MessageLine::default() });
    } else {
        write_line(text.trim_end());
    }
}

/// Writes an error with its causes and a hint.
pub fn show(error: &Error) {
    if !form().is_json {
        return write_line(Shown(error));
    }
    write_json(&MessageLine {
        message_type: "error",
        message: error.to_string(),
        causes: causes(error),
        hint: hint_about(error).map(str::to_owned),
        exit_code: Some(Status::of_error(error.kind()).code()),
        ..MessageLine::default()
    });
}

/// Writes what was found about one path.
pub fn tell(finding: &Finding) {
    if !form().is_json {
        return write_line(Line(finding));
    }
    let path = Some(&finding.path[..]).filter(|path| !path.is_empty());
    let message_type = if finding.kind.is_note() { "note" } else { "warning" };
    write_json(&MessageLine {
        message_type,
        finding: Some(finding.kind.code()),
        path: path.map(|path| lossy_text(path).into_owned()),
        path_hex: path.and_then(json::hex_where_needed),
        message: finding.message.clone(),
        ..MessageLine::default()
    });
}

/// A finding as one line: the path quoted and escaped, then what happened.
struct Line<'a>(&'a Finding);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = form().style;
        match self.0.kind {
            FindingKind::Note(_) => f.write_str("note: ")?,
            FindingKind::Damaged => write!(f, "{} ", style.danger("damaged:"))?,
            _ => write!(f, "{} ", style.warning("warning:"))?,
        }
        if !self.0.path.is_empty() {
            write!(f, "\"{}\": ", PathText(&self.0.path))?;
        }
        f.write_str(&self.0.message)
    }
}

/// What caused an error, each once: some causes are quoted by what they caused.
fn causes(error: &Error) -> Vec<String> {
    let (mut said, mut cause, mut causes) = (error.to_string(), error.source(), Vec::new());
    while let Some(error) = cause {
        let text = error.to_string();
        if !text.is_empty() && !said.contains(&text) {
            causes.push(text.clone());
        }
        (said, cause) = (text, error.source());
    }
    causes
}

struct Shown<'a>(&'a Error);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", form().style.danger("error:"), OneLine(&self.0.to_string()))?;
        for cause in causes(self.0) {
            write!(f, "\n  cause: {}", OneLine(&cause))?;
        }
        match hint_about(self.0) {
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

/// What can be done about an error; nothing where its message says it already.
fn hint_about(error: &Error) -> Option<&str> {
    match error.hint() {
        Hint::Instead(hint) => return Some(hint),
        Hint::Nothing => return None,
        Hint::ByKind => {}
    }
    Some(match error.kind() {
        ErrorKind::NoRepository => "mount the disk that it is on, name another with -r or REPO_REPOSITORY, or make one with `repo init`",
        ErrorKind::WrongKey => "look at REPO_PASSWORD, REPO_PASSWORD_FILE, REPO_PASSWORD_COMMAND, REPO_KEY_FILE and their options",
        ErrorKind::Busy => "another `repo` is at work there; try again when it is done, or wait for it with --lock-wait",
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
    use crate::progress::Topic;

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
    fn a_hint_of_the_error_itself_is_shown_and_none_that_contradicts_it() {
        let error = |hint: Option<&'static str>| {
            let error = Error::new(ErrorKind::Damaged, "an older state");
            Shown(&hint.map_or_else(|| Error::new(ErrorKind::Damaged, "").without_hint(), |hint| error.with_hint(hint))).to_string()
        };
        assert_eq!(error(Some("put it back")), "error: an older state\n  hint: put it back");
        assert_eq!(error(None), "error: ");
    }

    #[test]
    fn a_hostile_cause_cannot_write_on_the_screen() {
        let error = Error::new(ErrorKind::Other, "odd").with_source(io::Error::other("a\x1b[2J\nb"));
        assert_eq!(Shown(&error).to_string(), "error: odd\n  cause: a\\u{1b}[2J b");
    }

    #[test]
    fn a_finding_is_one_line_with_its_path_quoted_and_escaped() {
        let finding = Finding::new(FindingKind::Unreadable, *b"/a\nb\xff", "permission denied");
        assert_eq!(Line(&finding).to_string(), "warning: \"/a\\nb\\xff\": permission denied");
        assert_eq!(Line(&Finding::new(FindingKind::Note(Topic::Clock), *b"", "done")).to_string(), "note: done");
    }
}
