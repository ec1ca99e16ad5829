//! Where a repository may be made, what happens when several make one at once, and what is left alone.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::cli_place::{Place, names};
use crate::picture::Picture;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Makes what `lines` say in the folder of the repository: `folder/`, `link -> target`, or a file.
fn furnish(place: &Place, lines: &[&str]) {
    let root = place.path("repository");
    fs::create_dir_all(&root).unwrap();
    for line in lines {
        if let Some((link, target)) = line.split_once(" -> ") {
            symlink(target, root.join(link)).unwrap();
        } else if line.ends_with('/') {
            fs::create_dir_all(root.join(line)).unwrap();
        } else {
            fs::create_dir_all(root.join(line).parent().unwrap()).unwrap();
            fs::write(root.join(line), "precious").unwrap();
        }
    }
}

#[test]
fn a_folder_with_anything_of_others_is_not_empty_and_stays_as_it_is() {
    let key = format!("keys/{ID}");
    let record = format!("records/{ID}");
    for lines in [
        &["letter"][..],
        &["README", "config", "data/0/", "lock.roster"],
        &["config", "data/", "index/", &key, "locks/", "snapshots/"],
        &["data/", "index/", "keys/", "locks/", "snapshots/"],
        &[&record],
        &["keys/id_ed25519"],
        &["packs/linux.pack"],
        &["packs/00/notes"],
        &["lock"],
        &["reserve"],
        &["damaged/"],
        &[".hidden"],
        &[".tmp-mine"],
        &[".Trash-1000/"],
        &[".DS_Store"],
        &["desktop.ini"],
        &["with space/"],
        &["keys -> ../source"],
        &["lock -> ../source/a"],
        &["lost+found"],
        &["photos/lost+found/"],
    ] {
        let place = Place::new();
        furnish(&place, lines);
        let before = (names(&place.path("repository")), names(&place.path("source")));
        let ran = place.run(&["init"]).expect(2);
        assert!(ran.stderr.contains("is not empty"), "{lines:?}: {}", ran.stderr);
        place.run(&["snapshot", "--init", &place.text("source")]).expect(2);
        assert_eq!((names(&place.path("repository")), names(&place.path("source"))), before, "{lines:?}");
    }
}

#[test]
fn a_fresh_disk_and_what_an_init_leaves_are_no_obstacle() {
    for lines in [&["lost+found/"][..], &["lost+found/#1"], &["packs/0a/", "index/", "keys/"], &["keys/.tmp-0123456789abcdef"]] {
        let place = Place::new();
        furnish(&place, lines);
        place.run(&["init"]).expect(0);
        place.run(&["check"]).expect(0);
    }
}

#[test]
fn parts_of_a_repository_without_its_description_are_left_for_a_repair() {
    let place = Place::with_snapshot();
    fs::remove_file(place.path("repository/repository.json")).unwrap();
    let before = names(&place.path("repository"));
    for arguments in [&["init"][..], &["snapshot", "--init", &place.text("source")]] {
        let ran = place.run(arguments).expect(1);
        assert!(ran.stderr.contains("of a repository whose repository.json is missing"), "{}", ran.stderr);
    }
    assert_eq!(names(&place.path("repository")), before);
    place.run(&["repair"]).expect(0);
    place.run(&["check", "--read-data"]).expect(0);
}

#[test]
fn several_that_make_the_repository_at_once_make_one_and_all_save() {
    let place = Place::new();
    for turn in 0..3 {
        let repository = place.text(&format!("repository {turn}"));
        let sources: Vec<String> = (0..3).map(|at| format!("source {turn} {at}")).collect();
        let start = |name: &String| {
            fs::create_dir(place.path(name)).unwrap();
            fs::write(place.path(name).join("file"), name).unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_repo"));
            command.args(["-q", "-r", &repository, "snapshot", "--init", &place.text(name)]);
            command.env_clear().env("REPO_KEY_FILE", place.path("key")).env("REPO_CACHE_DIR", place.path(&format!("cache of {name}")));
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = sources.iter().map(start).collect();
        for (name, child) in sources.iter().zip(children) {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let snapshot = format!("{}:{}", String::from_utf8(output.stdout).unwrap().trim(), place.text(name));
            let back = place.text(&format!("back of {name}"));
            place.run(&["-r", &repository, "restore", &snapshot, &back]).expect(0);
            Picture::of(&place.path(name)).assert_same(&Picture::of(back.as_ref()));
        }
        place.run(&["-r", &repository, "check", "--read-data"]).expect(0);
        assert_eq!(place.run(&["-r", &repository, "-q", "snapshots"]).expect(0).stdout.lines().count(), 3);
    }
}

#[test]
fn an_init_waits_for_another_and_finds_its_repository() {
    let place = Place::with_repository();
    // What another init that has not come to its end yet looks like.
    fs::rename(place.path("repository/repository.json"), place.path("later")).unwrap();
    fs::remove_file(place.path("repository/reserve")).unwrap();
    let lock = fs::File::open(place.path("repository/prune.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let before = names(&place.path("repository"));
    let start = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_repo"));
        command.args(["-q", "-r", &place.text("repository")]).args(arguments).env_clear();
        command.env("REPO_KEY_FILE", place.path("key")).env("REPO_CACHE_DIR", place.path("other cache"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (plain, saving) = (start(&["init"]), start(&["snapshot", "--init", &place.text("source")]));
    assert_eq!(names(&place.path("repository")), before);
    fs::rename(place.path("later"), place.path("repository/repository.json")).unwrap();
    drop(lock);
    let (plain, saving) = (plain.wait_with_output().unwrap(), saving.wait_with_output().unwrap());
    let said = String::from_utf8(plain.stderr).unwrap();
    assert_eq!((plain.status.code(), saving.status.code()), (Some(1), Some(0)), "{said}{}", String::from_utf8_lossy(&saving.stderr));
    assert!(said.contains("there is a repository at"), "{said}");
    place.run(&["check", "--read-data"]).expect(0);
    place.run(&["restore", &format!("latest:{}", place.text("source")), &place.text("back")]).expect(0);
}
