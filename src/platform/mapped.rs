//! Files that running programs have mapped and may write to.
//!
//! On a disk the kernel writes changed pages out and stamps the next change. In a tmpfs it does not: a
//! program can change a page that it has mapped again and again, and the time stamps stay. All that can
//! be known of such a file is that somebody has it mapped.

use std::collections::HashSet;
use std::fs;
use std::io::Read;

/// What most programs have mapped is told in so many bytes.
const MAPS_BYTES: usize = 64 << 10;

/// Files that are mapped for writing, as (device, inode).
#[derive(Debug, Default)]
pub struct MappedFiles(HashSet<(u64, u64)>);

impl MappedFiles {
    /// Those of all programs that this one may look into: with root all, without those of the user.
    pub fn now() -> Self {
        let (mut found, mut maps) = (HashSet::new(), Vec::with_capacity(MAPS_BYTES));
        let Ok(processes) = fs::read_dir("/proc") else { return Self(found) };
        for process in processes.flatten() {
            if process.file_name().to_str().is_none_or(|name| !name.bytes().all(|byte| byte.is_ascii_digit())) {
                continue;
            }
            // A program that has ended maps nothing.
            let Ok(file) = fs::File::open(process.path().join("maps")) else { continue };
            maps.clear();
            // Nobody knows the length of such a file, so it is not asked for. What ends in an error was read so far.
            let _ = file.take(u64::MAX).read_to_end(&mut maps);
            // Names of files are any bytes.
            found.extend(maps.split(|byte| *byte == b'\n').filter_map(shared_and_writable));
        }
        Self(found)
    }

    /// Whether the file with this device and inode is among them.
    pub fn contains(&self, identity: (u64, u64)) -> bool {
        self.0.contains(&identity)
    }
}

/// `7f2c6a200000-7f2c6a202000 rw-s 00000000 00:19 1234   /dev/shm/file`
fn shared_and_writable(line: &[u8]) -> Option<(u64, u64)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let rights = fields.nth(1)?;
    if rights.get(1) != Some(&b'w') || rights.get(3) != Some(&b's') {
        return None;
    }
    let device = std::str::from_utf8(fields.nth(1)?).ok()?;
    let inode = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let (major, minor) = device.split_once(':')?;
    let number = |text| u32::from_str_radix(text, 16).ok();
    Some((rustix::fs::makedev(number(major)?, number(minor)?), inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_shared_and_writable_counts() {
        let line = |rights: &str| format!("7f2c6a200000-7f2c6a202000 {rights} 00000000 fe:1a 1234   /dev/shm/a file\n");
        assert_eq!(shared_and_writable(line("rw-s").as_bytes()), Some((rustix::fs::makedev(0xfe, 0x1a), 1234)));
        for rights in ["rw-p", "r--s", "r-xp", ""] {
            assert_eq!(shared_and_writable(line(rights).as_bytes()), None, "{rights}");
        }
        assert_eq!(shared_and_writable(b""), None);
        assert!(!MappedFiles::now().contains((0, 0)));
    }
}
