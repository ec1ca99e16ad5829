//! A repository on a file system that is mounted for reading.

use std::process::Command;

use crate::cli_place::Place;
use crate::interrupted::Disk;
use crate::picture::Picture;

#[test]
fn from_a_read_only_file_system_everything_is_read_and_nothing_is_written() {
    let Some(disk) = Disk::new() else { return };
    let place = Place::with_repository();
    let repository = disk.top().join("repository");
    let repository = repository.to_str().unwrap();
    let with = |arguments: &[&str]| place.run(&[&["-r", repository], arguments].concat());
    with(&["init"]).expect(0);
    let source = place.text("source");
    with(&["snapshot", &source]).expect(0);
    assert!(Command::new("mount").args(["-o", "remount,ro"]).arg(disk.top()).status().unwrap().success());
    for _ in 0..2 {
        with(&["snapshots"]).expect(0);
        with(&["ls", "-R", "latest"]).expect(0);
        with(&["check", "--read-data"]).expect(0);
        with(&["restore", "--overwrite", "always", &format!("latest:{source}"), &place.text("back")]).expect(0);
        Picture::of(&place.path("source")).assert_same(&Picture::of(&place.path("back")));
        // Then without what this machine knows.
        std::fs::remove_dir_all(place.path("cache")).unwrap();
    }
    for arguments in [&["snapshot", &source][..], &["prune", "--keep-last", "1"], &["tag", "latest", "--add", "x"]] {
        let ran = with(arguments).expect(1);
        assert!(
            (ran.stdout.is_empty() || arguments[0] == "prune") && ran.stderr.contains("Read-only file system"),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
}
