//! Restores to disks that keep less than was saved: times to the second or two, no owners, no links.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use tempfile::TempDir;

use crate::cli_place::Place;
use crate::needs::{has_tool, is_root, skip};

/// An image on a loop device that is mounted. Dropping it unmounts it.
struct Disk {
    folder: TempDir,
    device: String,
    mount: &'static [&'static str],
}

impl Disk {
    fn new(make: &[&str], mount: &'static [&'static str]) -> Option<Self> {
        if !is_root() || !has_tool("losetup") || !make.iter().take(1).chain(mount.iter().take(1)).all(|tool| has_tool(tool)) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        File::create(&image).unwrap().set_len(64 << 20).unwrap();
        let made = Command::new(make[0]).args(&make[1..]).arg(&image).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(made.success());
        fs::create_dir(folder.path().join("disk")).unwrap();
        let output = Command::new("losetup").args(["-f", "--show"]).arg(&image).stderr(Stdio::null()).output().unwrap();
        let device = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let disk = Self { folder, device, mount };
        if disk.device.is_empty() || !disk.mount() {
            skip("loop devices, and this file system");
            return None;
        }
        Some(disk)
    }

    fn top(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn mount(&self) -> bool {
        let mut command = Command::new(self.mount[0]);
        command.args(&self.mount[1..]).arg(&self.device).arg(self.top()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    }

    fn mount_again(&self) {
        assert!(Command::new("umount").arg(self.top()).status().unwrap().success());
        assert!(self.mount());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.top()).stderr(Stdio::null()).status();
        if !self.device.is_empty() {
            let _ = Command::new("losetup").args(["-d", &self.device]).stderr(Stdio::null()).status();
        }
    }
}

/// A place with a snapshot of files with times that a coarse disk cannot hold; with a second name, if
/// asked for.
fn with_snapshot() -> Place {
    let place = Place::with_repository();
    for (name, seconds, nanoseconds) in [("a", 1_600_000_001, 987_654_321), ("b", 1_600_000_002, 999_999_999), ("sub/c d", 200_000_001, 5)]
    {
        crate::fidelity::set_mtime(&place.path("source").join(name), seconds, nanoseconds);
    }
    chown(place.path("source/a"), Some(7), Some(7)).unwrap();
    fs::set_permissions(place.path("source/a"), Permissions::from_mode(0o604)).unwrap();
    fs::hard_link(place.path("source/b"), place.path("source/b again")).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    place
}

fn nothing_differs_after_a_restore(disk: &Disk) -> String {
    let place = with_snapshot();
    let (folder, back) = (format!("latest:{}", place.text("source")), disk.top().join("back"));
    let back = back.to_str().unwrap();
    let first = place.run(&["--json", "restore", &folder, back]).expect(0);
    assert!(!first.stderr.contains("Operation not permitted"), "{}", first.stderr);
    for turn in 0..2 {
        let again = place.run(&["--json", "restore", &folder, back]).expect(0);
        assert_eq!((again.json()["unchanged"].as_u64(), again.json()["left"].as_u64()), (Some(4), Some(0)), "{turn}: {}", again.stderr);
        let planned = place.run(&["restore", "-n", "--overwrite", "if-changed", &folder, back]).expect(0);
        assert!(!planned.stdout.contains("replace") && !planned.stdout.contains("metadata "), "{turn}: {}", planned.stdout);
        disk.mount_again();
    }
    // Another length and time, another time only.
    fs::write(format!("{back}/b"), "of the user").unwrap();
    // Both times, since the program that serves exFAT ignores one alone.
    let both = Timespec { tv_sec: 1_600_000_004, tv_nsec: 0 };
    let times = Timestamps { last_access: both, last_modification: both };
    utimensat(CWD, format!("{back}/a"), &times, AtFlags::empty()).unwrap();
    let left = place.run(&["--json", "restore", &folder, back]).expect(3);
    let names = fs::metadata(format!("{back}/b")).unwrap().nlink();
    assert_eq!(left.json()["left"].as_u64(), Some(1 + names), "{}", left.stderr);
    let again = place.run(&["--json", "restore", "--overwrite", "if-changed", "--verify", &folder, back]).expect(0).json();
    assert_eq!((again["verified"].as_u64(), again["verify_failed"].as_u64()), (Some(5 - names), Some(0)));
    first.messages()
}

#[test]
fn nothing_differs_on_a_disk_with_times_in_seconds() {
    let Some(disk) = Disk::new(&["mkfs.ext2", "-q", "-F", "-I", "128"], &["mount"]) else { return };
    assert_eq!(nothing_differs_after_a_restore(&disk), "");
}

#[test]
fn a_dry_run_to_exfat_foretells_what_that_cannot_hold() {
    let Some(disk) = Disk::new(&["mkfs.exfat"], &["mount.exfat-fuse"]) else { return };
    let place = Place::with_repository();
    std::os::unix::fs::symlink("a", place.path("source/link")).unwrap();
    fs::hard_link(place.path("source/b"), place.path("source/b again")).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let (folder, back) = (format!("latest:{}", place.text("source")), disk.top().join("back"));
    for overwrite in ["never", "if-changed", "always"] {
        let [foretold, done] = [&["-n"][..], &[]].map(|more| {
            let line = place
                .run(&[&["--json", "restore", "--overwrite", overwrite, &folder, back.to_str().unwrap()], more].concat())
                .expect(3)
                .json();
            ["files", "hard_links", "others", "left", "unchanged", "metadata_set", "failed"].map(|field| line[field].as_u64().unwrap())
        });
        assert_eq!((foretold, done[6]), (done, 1), "{overwrite}");
    }
}

#[test]
fn nothing_differs_on_exfat_and_what_it_cannot_hold_is_said_once_and_counted() {
    let Some(disk) = Disk::new(&["mkfs.exfat"], &["mount.exfat-fuse"]) else { return };
    let said = nothing_differs_after_a_restore(&disk);
    for what in ["holds no owners (1 entry", "does not hold every mode (6 entries", "holds no hard links"] {
        assert_eq!(said.matches(what).count(), 1, "{said}");
    }
}

#[test]
fn names_that_differ_by_case_only_are_all_restored_to_exfat_by_many_threads() {
    let Some(disk) = Disk::new(&["mkfs.exfat"], &["mount.exfat-fuse"]) else { return };
    let place = Place::with_repository();
    for number in 0..300 {
        for letter in ["N", "n"] {
            fs::write(place.path(&format!("source/{letter}{number}")), format!("{letter}{number}")).unwrap();
        }
    }
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let (folder, back) = (format!("latest:{}", place.text("source")), disk.top().join("back"));
    place.run(&["restore", "--threads", "16", &folder, back.to_str().unwrap()]).expect(3);
    let files = fs::read_dir(&back).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let contents: std::collections::BTreeSet<_> = files.map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(contents.iter().filter(|content| content.len() <= 4 && content.to_ascii_lowercase().starts_with(b"n")).count(), 600);
}
