//! The zip side.

use std::io::{self, Write};
use std::mem::ManuallyDrop;

use jiff::tz::TimeZone;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{DateTime, ZipWriter};

use super::{Archive, Taken};
use crate::manifest::{Content, Node};
use crate::units::Timestamp;

/// What is longer gets lengths of 64 bits; well below 4 GiB, since what cannot be compressed grows.
const SHORT_BYTES_MAX: u64 = 0xf000_0000;

/// A zip archive.
pub(super) struct Zip<'o> {
    // Dropping a writer would end the archive as if it were whole.
    writer: ManuallyDrop<ZipWriter<StreamWriter<&'o mut dyn Write>>>,
}

impl<'o> Zip<'o> {
    pub fn new(output: &'o mut dyn Write) -> Self {
        Self { writer: ManuallyDrop::new(ZipWriter::new_stream(output)) }
    }
}

impl Archive for Zip<'_> {
    fn begin(&mut self, name: &[u8], node: &Node, _root: usize) -> io::Result<Taken> {
        let Ok(name) = std::str::from_utf8(name) else { return Ok(Taken::Not("not in the archive: zip takes no name that is not UTF-8")) };
        let options = SimpleFileOptions::default()
            .unix_permissions(node.metadata.mode & 0o777)
            .last_modified_time(moment(node.metadata.mtime))
            .large_file(node.file_bytes() > SHORT_BYTES_MAX);
        match &node.content {
            Content::File(..) => self.writer.start_file(name, options)?,
            Content::Directory(_) | Content::Ancestor => self.writer.add_directory(name, options)?,
            Content::Symlink(target) => {
                let Ok(target) = std::str::from_utf8(target) else {
                    return Ok(Taken::Not("not in the archive: zip takes no link to a name that is not UTF-8"));
                };
                self.writer.add_symlink(name, target, options)?;
            }
            Content::Fifo | Content::CharDevice(..) | Content::BlockDevice(..) => {
                return Ok(Taken::Not("not in the archive: zip has no pipes and devices"));
            }
        }
        Ok(Taken::Whole)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        ManuallyDrop::into_inner(self.writer).finish()?.into_inner().flush()
    }
}

/// The time as zip has it: in this place's hours, and from 1980 on.
fn moment(time: Timestamp) -> DateTime {
    let known = jiff::Timestamp::from_second(time.seconds).ok().map(|time| time.to_zoned(TimeZone::system()).datetime());
    let part = |number: i8| u8::try_from(number).unwrap_or_default();
    known
        .and_then(|at| {
            let year = u16::try_from(at.year()).ok()?;
            DateTime::from_date_and_time(year, part(at.month()), part(at.day()), part(at.hour()), part(at.minute()), part(at.second())).ok()
        })
        .unwrap_or_default()
}
