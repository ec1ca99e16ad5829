//! Saves the output of a command, or standard input, as one file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;
use std::time::Duration;

use super::checkpoint::Checkpoints;
use super::content::{ContentWriter, SaveError, Saver};
use super::request::Stream;
use super::tally::{Tally, add};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, Metadata, Node, RootEntry, check_name};
use crate::platform::{AsHandle, process, waiting};
use crate::progress::Progress;
use crate::repository::FrameGatherer;
use crate::source::Owners;
use crate::units::Timestamp;
use crate::wire::Extensions;

/// How the password may stand in our environment; a command has no business with it.
const SECRET_VARIABLES: [&str; 4] = ["REPO_PASSWORD", "REPO_PASSWORD_FILE", "REPO_PASSWORD_COMMAND", "REPO_KEY_FILE"];
/// While there is nothing to read, we look so often whether the user wants to stop: every 100 ms.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Reads `stream` to its end and returns it as the file `/name`. A command must exit with success.
///
/// # Errors
/// `Invalid` for an impossible name; `Interrupted`; `Other` when the command fails or the stream cannot be read: a
/// dump that broke off must not look like a good one.
pub(super) fn save_stream(
    saver: &Saver<'_>,
    name: &str,
    stream: &Stream,
    now: Timestamp,
    owners: &Owners,
    tally: &Tally,
) -> Result<RootEntry> {
    check_name(name.as_bytes())
        .map_err(|_| Error::new(ErrorKind::Invalid, format!("`{}` cannot be the name of a file", name.escape_debug())))?;
    let mut source = Source::open(stream)?;
    let mut content = ContentWriter::new(saver);
    // All of a stream goes through windows, which have frames of their own.
    let mut unused = FrameGatherer::default();
    let mut checkpoints = Checkpoints::new(saver.sink);
    let read = content.push_data(&mut unused, 0, u64::MAX, &mut |_, buffer| {
        checkpoints.pass()?;
        source.read(buffer, saver.progress)
    });
    let (bytes, list) = read.and_then(|_| content.finish()).map_err(SaveError::into_error)?;
    source.finish(saver.progress)?;
    add(&tally.files_new, 1);
    add(&tally.bytes_read, bytes);
    add(&tally.bytes_total, bytes);
    let (uid, gid) = (process::user(), process::group());
    let metadata = Metadata {
        mode: 0o600,
        uid,
        gid,
        user: owners.user(uid),
        group: owners.group(gid),
        mtime: now,
        ctime: now,
        links: 1,
        ..Metadata::default()
    };
    let node =
        Node { name: name.as_bytes().to_vec(), metadata, content: Content::File(bytes, list), flags: 0, extensions: Extensions::none() };
    Ok(RootEntry { path: [b"/", name.as_bytes()].concat(), node })
}

enum Source {
    Reader(Box<dyn Read + Send>),
    Handle(File),
    Command(String, Child),
}

impl Source {
    fn open(stream: &Stream) -> Result<Self> {
        match stream {
            Stream::Reader(reader) => {
                let reader = reader.lock().unwrap_or_else(PoisonError::into_inner).take();
                reader.map(Source::Reader).ok_or_else(|| Error::new(ErrorKind::Invalid, "the stream was read by an earlier run"))
            }
            Stream::Handle(handle) => {
                let handle = handle.try_clone().map_err(|error| Error::io("cannot read", "the stream", error))?;
                Ok(Source::Handle(File::from(handle)))
            }
            Stream::Command(arguments) => {
                let (program, arguments) =
                    arguments.split_first().ok_or_else(|| Error::new(ErrorKind::Invalid, "there is no command to run"))?;
                let name = program.to_string_lossy().into_owned();
                let child = prepare(program, arguments).spawn();
                Ok(Source::Command(name.clone(), child.map_err(|error| Error::io("cannot run", name, error).with_kind(ErrorKind::Other))?))
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8], progress: &dyn Progress) -> Result<usize> {
        loop {
            let outcome = match self {
                Source::Reader(reader) => reader.read(buffer),
                Source::Handle(file) => {
                    wait_until_ready(&*file, progress)?;
                    file.read(buffer)
                }
                Source::Command(_, child) => match child.stdout.as_mut() {
                    Some(stdout) => {
                        wait_until_ready(&*stdout, progress)?;
                        stdout.read(buffer)
                    }
                    None => Ok(0),
                },
            };
            match outcome {
                // Another reader of the same pipe was faster, or a signal came.
                Err(error) if matches!(error.kind(), std::io::ErrorKind::Interrupted | std::io::ErrorKind::WouldBlock) => {}
                other => return other.map_err(|error| Error::io("cannot read", "the stream", error)),
            }
        }
    }

    fn finish(&mut self, progress: &dyn Progress) -> Result<()> {
        let Source::Command(name, child) = self else { return Ok(()) };
        // A command may close its output and go on for long. Where the kernel has no handles for
        // processes we simply wait.
        if let Some(command) = waiting::handle_of_command(child) {
            wait_until_ready(command, progress)?;
        }
        let status = child.wait().map_err(|error| Error::io("cannot wait for", &*name, error))?;
        if status.success() {
            Ok(())
        } else if progress.is_cancelled() {
            // The terminal sends ^C to the command as well.
            Err(interrupted())
        } else {
            Err(Error::new(ErrorKind::Other, format!("`{name}` failed ({status}); nothing was committed")))
        }
    }
}

/// A command that reads nothing, writes to us, and does not see our secrets.
fn prepare(program: &OsStr, arguments: &[OsString]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    for variable in SECRET_VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// Waits until there is something to read, or the end.
fn wait_until_ready(handle: impl AsHandle, progress: &dyn Progress) -> Result<()> {
    loop {
        if progress.is_cancelled() {
            return Err(interrupted());
        }
        let is_ready = waiting::is_ready(&handle, LOOK_EVERY);
        if is_ready.map_err(|failure| Error::io("cannot wait for", "the stream", failure))? {
            return Ok(());
        }
    }
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
}

impl Drop for Source {
    /// A command whose output is of no use any more is ended.
    fn drop(&mut self) {
        if let Source::Command(_, child) = self
            && matches!(child.try_wait(), Ok(None))
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_does_not_inherit_the_way_to_the_password() {
        let command = prepare(OsStr::new("true"), &[]);
        let removed: Vec<&OsStr> = command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        for variable in SECRET_VARIABLES {
            assert!(removed.contains(&OsStr::new(variable)), "{variable}");
        }
    }
}
