//! The tar side: POSIX headers, with pax records for what they cannot hold.
//!
//! The records take bytes as they are, as GNU tar, bsdtar and Python do, so that any name comes back.

use std::collections::HashMap;
use std::io::{self, Write};

use tar::{EntryType, Header};

use super::{Archive, Taken};
use crate::manifest::{Content, Metadata, Node};
use crate::units::Timestamp;
use crate::wire;

const BLOCK_BYTES: usize = 512;
static ZEROS: [u8; 2 * BLOCK_BYTES] = [0; 2 * BLOCK_BYTES];
/// The longest name, and the longest link target, of a header.
const NAME_BYTES_MAX: usize = 100;
/// The longest name of an owner.
const OWNER_BYTES_MAX: usize = 31;
/// Numbers of owners take seven octal digits.
const OWNER_MAX: u32 = 0o777_7777;
/// Lengths and times take eleven.
const NUMBER_MAX: u64 = 0o777_7777_7777;

/// A tar archive.
pub(super) struct Tar<'o> {
    output: &'o mut dyn Write,
    /// Bytes of the content that was begun.
    bytes: u64,
    /// The first names of files that have several.
    firsts: HashMap<(usize, [u8; 32]), Vec<u8>>,
}

impl<'o> Tar<'o> {
    pub fn new(output: &'o mut dyn Write) -> Self {
        Self { output, bytes: 0, firsts: HashMap::new() }
    }

    fn pad(&mut self, bytes: u64) -> io::Result<()> {
        let over = (bytes % BLOCK_BYTES as u64) as usize;
        if over == 0 { Ok(()) } else { self.output.write_all(&ZEROS[..BLOCK_BYTES - over]) }
    }

    /// The first name of the file of `node`, if it was written; else this one is the first.
    fn first_name(&mut self, name: &[u8], node: &Node, root: usize) -> Option<Vec<u8>> {
        if node.metadata.links < 2 || node.is_directory() {
            return None;
        }
        // A further name has changed nothing but this.
        let metadata = Metadata { ctime: Timestamp::default(), links: 0, ..node.metadata.clone() };
        let likeness = *blake3::hash(&wire::encode(&(metadata, &node.content))).as_bytes();
        let first = self.firsts.get(&(root, likeness)).cloned();
        if first.is_none() {
            self.firsts.insert((root, likeness), name.to_vec());
        }
        first
    }

    fn write_records(&mut self, records: &[u8]) -> io::Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::XHeader);
        put(&mut header.as_old_mut().name, b"PaxHeader");
        header.set_mode(0o644);
        header.set_size(records.len() as u64);
        header.set_cksum();
        self.output.write_all(header.as_bytes())?;
        self.output.write_all(records)?;
        self.pad(records.len() as u64)
    }
}

impl Archive for Tar<'_> {
    fn begin(&mut self, name: &[u8], node: &Node, root: usize) -> io::Result<Taken> {
        let (metadata, mut records) = (&node.metadata, Vec::new());
        let mut header = Header::new_ustar();
        let first = self.first_name(name, node, root);
        let (kind, target) = match (&first, &node.content) {
            (Some(first), _) => (EntryType::Link, first.as_slice()),
            (None, Content::File(..)) => (EntryType::Regular, &b""[..]),
            (None, Content::Directory(_) | Content::Ancestor) => (EntryType::Directory, &b""[..]),
            (None, Content::Symlink(target)) => (EntryType::Symlink, target.as_slice()),
            (None, Content::Fifo) => (EntryType::Fifo, &b""[..]),
            (None, Content::CharDevice(..)) => (EntryType::Char, &b""[..]),
            (None, Content::BlockDevice(..)) => (EntryType::Block, &b""[..]),
        };
        header.set_entry_type(kind);
        if let Content::CharDevice(major, minor) | Content::BlockDevice(major, minor) = node.content {
            header.set_device_major(major)?;
            header.set_device_minor(minor)?;
        }
        let name = if node.is_directory() { [name, b"/"].concat() } else { name.to_vec() };
        for (key, value) in [("path", name.as_slice()), ("linkpath", target)] {
            if value.len() > NAME_BYTES_MAX {
                add_record(&mut records, key.as_bytes(), value);
            }
        }
        put(&mut header.as_old_mut().name, &name);
        put(&mut header.as_old_mut().linkname, target);
        for (key, value) in [("uname", &metadata.user), ("gname", &metadata.group)] {
            if value.len() > OWNER_BYTES_MAX {
                add_record(&mut records, key.as_bytes(), value.as_bytes());
            } else if let Some(ustar) = header.as_ustar_mut() {
                put(if key == "uname" { &mut ustar.uname } else { &mut ustar.gname }, value.as_bytes());
            }
        }
        for (key, number) in [("uid", metadata.uid), ("gid", metadata.gid)] {
            if number > OWNER_MAX {
                add_record(&mut records, key.as_bytes(), number.to_string().as_bytes());
            }
        }
        header.set_uid(u64::from(metadata.uid.min(OWNER_MAX)));
        header.set_gid(u64::from(metadata.gid.min(OWNER_MAX)));
        header.set_mode(metadata.mode);
        let seconds = u64::try_from(metadata.mtime.seconds).ok().filter(|seconds| *seconds <= NUMBER_MAX);
        if seconds.is_none() || metadata.mtime.nanoseconds > 0 {
            add_record(&mut records, b"mtime", decimal(metadata.mtime).as_bytes());
        }
        header.set_mtime(seconds.unwrap_or_default());
        self.bytes = if kind == EntryType::Regular { node.file_bytes() } else { 0 };
        if self.bytes > NUMBER_MAX {
            add_record(&mut records, b"size", self.bytes.to_string().as_bytes());
        }
        header.set_size(self.bytes);
        for xattr in metadata.xattrs.iter().filter(|_| first.is_none()) {
            add_record(&mut records, &[b"SCHILY.xattr.", encode_key(&xattr.name).as_slice()].concat(), &xattr.value);
        }
        header.set_cksum();
        if !records.is_empty() {
            self.write_records(&records)?;
        }
        self.output.write_all(header.as_bytes())?;
        Ok(if first.is_some() { Taken::Link } else { Taken::Whole })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)
    }

    fn end(&mut self) -> io::Result<()> {
        self.pad(self.bytes)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.output.write_all(&ZEROS)?;
        self.output.flush()
    }
}

/// Puts as much of `value` into a field as it takes; a record has all of what is longer.
fn put(field: &mut [u8], value: &[u8]) {
    let bytes = value.len().min(field.len());
    field[..bytes].copy_from_slice(&value[..bytes]);
}

/// Adds `LENGTH KEY=VALUE\n`, where the length counts its own digits too.
fn add_record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut bytes = rest + rest.to_string().len();
    bytes = rest + bytes.to_string().len();
    records.extend_from_slice(format!("{bytes} ").as_bytes());
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// The name of an attribute as GNU tar writes it: `=` would end it, so that and the sign of this writing are `%3D` and `%25`.
fn encode_key(name: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'=' => key.extend_from_slice(b"%3D"),
            b'%' => key.extend_from_slice(b"%25"),
            byte => key.push(*byte),
        }
    }
    key
}

/// Seconds with their fraction.
fn decimal(time: Timestamp) -> String {
    match (time.seconds, time.nanoseconds) {
        (seconds, 0) => seconds.to_string(),
        (seconds, nanoseconds) if seconds >= 0 => format!("{seconds}.{nanoseconds:09}"),
        (seconds, nanoseconds) => format!("-{}.{:09}", seconds.saturating_add(1).unsigned_abs(), 1_000_000_000 - nanoseconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_digits() {
        for bytes in [1, 80, 88, 89, 90, 91, 92, 980, 985, 990, 9_990] {
            let mut records = Vec::new();
            add_record(&mut records, b"path", &vec![b'x'; bytes]);
            let text = String::from_utf8(records).unwrap();
            assert_eq!(text.split(' ').next().unwrap().parse::<usize>().unwrap(), text.len());
        }
    }

    #[test]
    fn an_attribute_with_an_equals_sign_is_written_as_gnu_tar_does() {
        assert_eq!(encode_key(b"user.a=b%c"), b"user.a%3Db%25c");
        assert_eq!(encode_key(b"user.plain"), b"user.plain");
    }

    #[test]
    fn times_before_1970_are_written_as_they_are() {
        let text = |seconds, nanoseconds| decimal(Timestamp { seconds, nanoseconds });
        assert_eq!(text(5, 0), "5");
        assert_eq!(text(5, 20), "5.000000020");
        assert_eq!(text(-1, 900_000_000), "-0.100000000");
        assert_eq!(text(-3, 250_000_000), "-2.750000000");
    }
}
