//! Files that hold a disk: what lies in an image that is mounted goes with the file.

use std::collections::HashSet;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The image files that the file system with the number `device` lies in: those of its loop device, also below an
/// encrypted or joined disk. Of a file system that has no device of its own and does not say what it is made of,
/// all images that are in use.
pub(super) fn find_images(device: u64) -> Vec<PathBuf> {
    if rustix::fs::major(device) != 0 {
        return images_below(device);
    }
    let list = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    sources_of(&list, device).map_or_else(all_images, |sources| sources.iter().flat_map(|source| images_of(Path::new(source))).collect())
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
fn sources_of(list: &str, device: u64) -> Option<Vec<String>> {
    let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let mounted = list.lines().filter(|line| line.split(' ').nth(2) == Some(&number));
    let of_line = |line: &str| {
        let (_, behind) = line.split_once(" - ")?;
        let mut fields = behind.split(' ');
        let (kind, source) = (fields.next()?, fields.next()?);
        let has_no_disk = matches!(kind, "tmpfs" | "ramfs" | "devtmpfs" | "nfs" | "nfs4" | "cifs" | "9p" | "virtiofs");
        (has_no_disk || source.starts_with('/')).then(|| source.replace("\\040", " "))
    };
    let sources: Vec<String> = mounted.map(of_line).collect::<Option<_>>()?;
    (!sources.is_empty()).then_some(sources)
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
    let image = std::fs::read_to_string(disk.join("loop/backing_file")).ok()?;
    Some(PathBuf::from(image.trim_end_matches('\n')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_a_device_of_its_own_is_what_the_list_says() {
        let device = |minor| rustix::fs::makedev(0, minor);
        let list = "30 1 0:40 /home / rw shared:1 - btrfs /dev/loop3 rw\n31 1 0:41 / /t rw - tmpfs none rw\n\
                    32 1 0:42 / /o rw - overlay overlay rw,lowerdir=/l\n33 1 0:43 / /x rw - fuse /disks/my\\040image rw";
        assert_eq!(sources_of(list, device(40)).unwrap(), ["/dev/loop3"]);
        assert_eq!(sources_of(list, device(41)).unwrap(), ["none"]);
        assert_eq!(sources_of(list, device(43)).unwrap(), ["/disks/my image"]);
        assert_eq!((sources_of(list, device(42)), sources_of(list, device(44))), (None, None));
    }
}
