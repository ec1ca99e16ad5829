//! Files that hold a disk: what lies in an image that is mounted goes with the file.

use std::collections::HashSet;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::names;

/// The image files that the file system with the number `device` lies in: those of its loop device, also below an
/// encrypted or joined disk. Of a file system that has no device of its own and does not say what it is made of,
/// all images that are in use.
pub fn find_images(device: u64) -> Vec<PathBuf> {
    if rustix::fs::major(device) != 0 {
        return images_below(device);
    }
    let list = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    sources_of(&list, device).map_or_else(all_images, |sources| sources.iter().flat_map(|source| images_of(source)).collect())
}

/// What is mounted from `source`: a disk, or an image that is a file.
fn images_of(source: &Path) -> Vec<PathBuf> {
    match std::fs::metadata(source) {
        Ok(found) if found.file_type().is_block_device() => images_below(found.rdev()),
        Ok(found) if found.is_file() => vec![source.to_owned()],
        _ => Vec::new(),
    }
}

/// What the file system `device` without a device of its own is mounted from, by the kernel's list; none when
/// that does not say.
fn sources_of(list: &[u8], device: u64) -> Option<Vec<PathBuf>> {
    let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let lines = list.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b' ').collect::<Vec<_>>());
    let of_line = |fields: Vec<&[u8]>| {
        let dash = fields.iter().position(|field| field == b"-")?;
        let (kind, source) = (fields.get(dash + 1)?, fields.get(dash + 2)?);
        const WITHOUT_DISK: [&[u8]; 8] = [b"tmpfs", b"ramfs", b"devtmpfs", b"nfs", b"nfs4", b"cifs", b"9p", b"virtiofs"];
        (WITHOUT_DISK.contains(kind) || source.starts_with(b"/")).then(|| names::into_path(unescape(source)))
    };
    let sources: Vec<PathBuf> = lines.filter(|fields| fields.get(2) == Some(&number.as_bytes())).map(of_line).collect::<Option<_>>()?;
    (!sources.is_empty()).then_some(sources)
}

/// A name as it is: the kernel writes a space, a tab, a line feed and a backslash as three octal digits.
fn unescape(mut text: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        let digits = rest.get(..3).filter(|digits| *first == b'\\' && digits.iter().all(|digit| (b'0'..b'8').contains(digit)));
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        name.push(byte.unwrap_or(*first));
        text = if byte.is_some() { &rest[3..] } else { rest };
    }
    name
}

fn all_images() -> Vec<PathBuf> {
    let disks = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    disks.filter_map(|disk| image_of_loop(&disk.path())).collect()
}

/// The images below a block device.
fn images_below(device: u64) -> Vec<PathBuf> {
    let (mut images, mut seen) = (Vec::new(), HashSet::new());
    let mut waiting = vec![PathBuf::from(format!("/sys/dev/block/{}:{}", rustix::fs::major(device), rustix::fs::minor(device)))];
    while let Some(disk) = waiting.pop() {
        let Ok(disk) = disk.canonicalize() else { continue };
        if !seen.insert(disk.clone()) {
            continue;
        }
        images.extend(image_of_loop(&disk));
        // A partition lies in the folder of its disk.
        if disk.join("partition").exists() {
            waiting.extend(disk.parent().map(Path::to_owned));
        }
        waiting.extend(std::fs::read_dir(disk.join("slaves")).into_iter().flatten().flatten().map(|below| below.path()));
    }
    images
}

fn image_of_loop(disk: &Path) -> Option<PathBuf> {
    // One line, which ends with the one line feed that is not of the name.
    let mut image = std::fs::read(disk.join("loop/backing_file")).ok()?;
    image.pop_if(|last| *last == b'\n');
    Some(names::into_path(image))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn a_file_system_without_a_device_of_its_own_is_what_the_list_says() {
        let device = |minor| rustix::fs::makedev(0, minor);
        let list = b"30 1 0:40 /home / rw shared:1 - btrfs /dev/loop3 rw\n31 1 0:41 / /t rw - tmpfs none rw\n\
                    32 1 0:42 / /o rw - overlay overlay rw,lowerdir=/l\n33 1 0:43 / /x rw - fuse /disks/my\\040image\\011\\134\\012 rw\n34 1 0:45 / /\xe9 rw - fuse /\xe9 rw\n";
        assert_eq!(sources_of(list, device(40)).unwrap(), [PathBuf::from("/dev/loop3")]);
        assert_eq!(sources_of(list, device(41)).unwrap(), [PathBuf::from("none")]);
        assert_eq!(sources_of(list, device(43)).unwrap(), [PathBuf::from("/disks/my image\t\\\n")]);
        assert_eq!(sources_of(list, device(45)).unwrap(), [PathBuf::from(OsString::from_vec(b"/\xe9".to_vec()))]);
        assert_eq!((sources_of(list, device(42)), sources_of(list, device(44))), (None, None));
    }
}
