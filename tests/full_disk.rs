//! A repository that has filled its disk: nothing is lost, it can be pruned, and then goes on.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli_place::{Place, run};

/// A file system of its own, unmounted at the end.
struct Mounted(PathBuf);

impl Mounted {
    /// None where this user may not mount.
    fn new(path: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&path).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

/// Bytes that no compression makes less.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut noise);
    noise
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    for bytes in [1 << 20, 4096, 1] {
        while file.write_all(&vec![1; bytes]).is_ok() {}
    }
}

#[test]
fn a_full_disk_fails_a_snapshot_cleanly_and_can_be_pruned_and_go_on() {
    let place = Place::new();
    let Some(disk) = Mounted::new(place.path("disk"), "160m") else {
        eprintln!("skipped: needs root, to mount a small disk");
        return;
    };
    let repository = disk.0.join("repository");
    let command = |arguments: &[&str]| run(place.command().env("REPO_REPOSITORY", &repository).args(arguments));
    command(&["init"]).expect(0);
    assert_eq!(fs::metadata(repository.join("reserve")).unwrap().len(), 256 << 10);
    let (source, mut ids) = (place.text("source"), Vec::new());
    for seed in 0..2 {
        fs::write(place.path("source/b"), noise(seed, 20 << 20)).unwrap();
        ids.push(command(&["-q", "snapshot", &source, "--series", "home"]).expect(0).stdout.trim().to_owned());
    }
    fill(&disk.0.join("ballast"));
    fs::write(place.path("source/b"), noise(9, 10 << 20)).unwrap();
    let ran = command(&["snapshot", &source, "--series", "home"]).expect(1);
    assert!(ran.stderr.contains("No space left") && ran.stderr.contains("hint: free some space"), "{}", ran.stderr);
    let temporaries = crate::cli_place::names(&repository).into_iter().filter(|name| name.contains(".tmp-")).count();
    assert_eq!((temporaries, command(&["-q", "snapshots"]).expect(0).stdout.lines().count()), (0, 2));
    fill(&disk.0.join("ballast more"));

    let printed = command(&["prune", "--keep-last", "1"]).expect(0).stdout;
    // The first pack holds an unchanged file too: it can go only because the reserve makes room for that.
    assert!(printed.contains("2 written again") && printed.contains("freed now: 20.0 MiB"), "{printed}");
    assert_eq!(command(&["-q", "snapshots"]).expect(0).stdout.trim(), ids[1]);
    assert!(repository.join("reserve").exists(), "prune has used it, and sets space aside again of what it freed");
    command(&["snapshot", &source, "--series", "home"]).expect(0);
    command(&["check", "--read-data"]).expect(0);
    command(&["restore", "latest", &place.text("back")]).expect(0);
    assert!(fs::read(format!("{}{source}/b", place.text("back"))).unwrap() == noise(9, 10 << 20));
    // Forgetting helps itself in the same way.
    fill(&disk.0.join("ballast"));
    command(&["forget", &ids[1]]).expect(0);
    assert!(!repository.join("reserve").exists());
    command(&["prune"]).expect(0);
}
