//! Saves the output of a command, or standard input, as one file.

use std::io::Read;
use std::process::{Child, Command, Stdio};

use super::content::{ContentWriter, SaveError, Saver};
use super::request::Stream;
use super::tally::{Tally, add};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, Metadata, Node, RootEntry, check_name};
use crate::repository::FrameGatherer;
use crate::source::Owners;
use crate::units::Timestamp;
use crate::wire::Extensions;

/// Reads `stream` to its end and returns it as the file `/name`. A command must exit with success.
///
/// # Errors
/// `Invalid` for an impossible name; `Other` when the command fails or the stream cannot be read: a
/// dump that broke off must not look like a good one.
pub(super) fn save_stream(
    saver: &Saver<'_, '_>,
    name: &str,
    stream: Stream,
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
    let read = content.push_data(&mut unused, 0, u64::MAX, &mut |_, buffer| source.read(buffer));
    let (bytes, list) = read.and_then(|_| content.finish()).map_err(|error| match error {
        SaveError::Source(error) | SaveError::Repository(error) => error,
    })?;
    source.finish()?;
    add(&tally.files_new, 1);
    add(&tally.bytes_read, bytes);
    add(&tally.bytes_total, bytes);
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
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
    Command(String, Child),
}

impl Source {
    fn open(stream: Stream) -> Result<Self> {
        match stream {
            Stream::Reader(reader) => Ok(Source::Reader(reader)),
            Stream::Command(arguments) => {
                let (program, arguments) =
                    arguments.split_first().ok_or_else(|| Error::new(ErrorKind::Invalid, "there is no command to run"))?;
                let name = program.to_string_lossy().into_owned();
                let child = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
                Ok(Source::Command(name.clone(), child.map_err(|error| Error::io("cannot run", name, error).with_kind(ErrorKind::Other))?))
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            let outcome = match self {
                Source::Reader(reader) => reader.read(buffer),
                Source::Command(_, child) => child.stdout.as_mut().map_or(Ok(0), |stdout| stdout.read(buffer)),
            };
            match outcome {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => return other.map_err(|error| Error::io("cannot read", "the stream", error)),
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        let Source::Command(name, child) = self else { return Ok(()) };
        let status = child.wait().map_err(|error| Error::io("cannot wait for", &*name, error))?;
        if status.success() {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Other, format!("`{name}` failed ({status}); nothing was committed")))
        }
    }
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
