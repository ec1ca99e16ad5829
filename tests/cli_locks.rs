//! Locks: where there are none nobody writes, and where they may not reach other machines the user is told.

use std::path::Path;
use std::process::Command;

use crate::cli_place::{Place, Ran};
use crate::needs;

/// Runs a command on a file system that has no flock, as `strace` makes believe.
fn without_flock(place: &Place, arguments: &[&str]) -> Ran {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(place.path("log")).args(["-e", "inject=flock:error=ENOSYS"]);
    strace.arg(env!("CARGO_BIN_EXE_repo")).args(arguments).env_clear().env("PATH", "/usr/bin:/bin");
    strace.env("REPO_CACHE_DIR", place.path("cache")).env("REPO_REPOSITORY", place.path("repository"));
    let output = strace.env("REPO_KEY_FILE", place.path("key")).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn says_what_to_do(ran: &Ran) {
    assert!(ran.stderr.contains("no locks (flock)") && ran.stderr.contains("Mount it with locks"), "{}", ran.stderr);
}

#[test]
fn no_repository_is_made_where_nothing_can_be_locked_and_the_refusal_says_what_to_do() {
    if !needs::has_tool("strace") {
        return;
    }
    let place = Place::new();
    for arguments in [&["init"][..], &["snapshot", "--init", &place.text("source")]] {
        says_what_to_do(&without_flock(&place, arguments).expect(1));
        assert!(!place.path("repository/repository.json").exists());
    }
    place.run(&["init"]).expect(0);
}

#[test]
fn nobody_writes_without_a_lock_and_everybody_reads() {
    if !needs::has_tool("strace") {
        return;
    }
    let place = Place::with_snapshot();
    let (source, out) = (place.text("source"), place.text("out"));
    for arguments in [
        &["snapshot", &source][..],
        &["forget", "latest"],
        &["tag", "latest", "--pin"],
        &["settings", "protect", "1d"],
        &["prune"],
        &["repair"],
    ] {
        says_what_to_do(&without_flock(&place, arguments).expect(1));
    }
    without_flock(&place, &["snapshots"]).expect(0);
    without_flock(&place, &["check"]).expect(0);
    without_flock(&place, &["restore", "latest", &out]).expect(0);
}

/// An exFAT disk behind FUSE; unmounted and detached at the end.
struct Disk<'p> {
    device: String,
    mounted: &'p Path,
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.mounted).output();
        let _ = Command::new("losetup").args(["-d", &self.device]).output();
    }
}

fn succeeds(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn a_disk_of_this_machine_behind_fuse_is_pruned_like_any_other() {
    if !(needs::is_root() && ["mkfs.exfat", "mount.exfat-fuse", "losetup"].into_iter().all(needs::has_tool)) {
        return;
    }
    let place = Place::new();
    let (image, mounted) = (place.path("image"), place.path("mounted"));
    std::fs::create_dir(&mounted).unwrap();
    std::fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
    succeeds(Command::new("mkfs.exfat").arg(&image)).unwrap();
    let Some(device) = succeeds(Command::new("losetup").args(["-f", "--show"]).arg(&image)) else { return needs::skip("loop devices") };
    let disk = Disk { device, mounted: &mounted };
    if succeeds(Command::new("mount.exfat-fuse").arg(&disk.device).arg(disk.mounted)).is_none() {
        return needs::skip("FUSE");
    }
    let run = |arguments: &[&str]| crate::cli_place::run(place.command().env("REPO_REPOSITORY", mounted.join("r")).args(arguments));
    let told = run(&["snapshot", "--init", &place.text("source")]).expect(0).stderr;
    assert!(!told.contains("network"), "{told}");
    std::fs::write(place.path("source/a"), "second").unwrap();
    run(&["snapshot", &place.text("source")]).expect(0);
    run(&["prune", "--keep-last", "1"]).expect(0);
    run(&["check", "--read-data"]).expect(0);
}
