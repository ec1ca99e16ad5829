//! Reads and writes at an offset, and holes: bytes that are zeros and take no space.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::SeekFrom;
use rustix::io::retry_on_intr;

use super::failure::{Failure, Result};

/// Reads bytes from `offset` on and says how many; 0 means the end of the file.
///
/// # Errors
/// Those of the disk.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> Result<usize> {
    retry_on_intr(|| rustix::io::pread(file, &mut *buffer, offset)).map_err(Failure)
}

/// Fills `buffer` from `offset` on.
///
/// # Errors
/// `UnexpectedEof` when the file ends before that.
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// Writes all of `bytes` from `offset` on.
///
/// # Errors
/// [`Failure::FULL`] and the like.
pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> Result<()> {
    let (mut offset, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        match rustix::io::pwrite(file, rest, offset).map_err(Failure) {
            Ok(0) => return Err(Failure::FULL),
            Ok(count) => {
                rest = &rest[count..];
                offset += count as u64;
            }
            Err(Failure::INTERRUPTED) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

/// Where the first data lies from `offset` on.
///
/// # Errors
/// [`Failure::NOTHING`] when a hole goes on to the end; [`Failure::INVALID`] and [`Failure::UNSUPPORTED`] from a file
/// system that knows no holes.
pub fn next_data(file: &File, offset: u64) -> Result<u64> {
    seek(file, SeekFrom::Data(offset))
}

/// Where the first hole lies from `offset` on, or the end.
///
/// # Errors
/// As [`next_data`].
pub fn next_hole(file: &File, offset: u64) -> Result<u64> {
    seek(file, SeekFrom::Hole(offset))
}

fn seek(file: &File, to: SeekFrom) -> Result<u64> {
    retry_on_intr(|| rustix::fs::seek(file, to)).map_err(Failure)
}
