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
        &["damaged/notes"],
        &["damaged/mine/"],
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
    for (code, arguments) in [(1, &["init"][..]), (4, &["snapshot", "--init", &place.text("source")])] {
        let ran = place.run(arguments).expect(code);
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

/// A repository that was used, on a disk that is away now: its mount point is empty.
fn with_the_disk_away() -> (Place, String) {
    let place = Place::new();
    fs::create_dir(place.path("disk")).unwrap();
    symlink("disk", place.path("link")).unwrap();
    let location = place.text("link/repository");
    place.run(&["-r", &location, "--no-catalog", "init"]).expect(0);
    fs::rename(place.path("disk"), place.path("disk that is away")).unwrap();
    fs::create_dir(place.path("disk")).unwrap();
    (place, location)
}

#[test]
fn an_empty_place_where_this_machine_knows_a_repository_is_a_disk_that_is_not_mounted() {
    let (place, location) = with_the_disk_away();
    let source = place.text("source");
    for location in [location.clone(), place.text("disk/repository"), place.text("disk/./repository/")] {
        for arguments in [&["init"][..], &["snapshot", "--init", &source], &["snapshot", &source], &["--no-catalog", "init"]] {
            let ran = place.run(&[&["-r", &location], arguments].concat()).expect(10);
            assert!(ran.stderr.contains("probably not mounted"), "{}", ran.stderr);
        }
    }
    assert_eq!(names(&place.path("disk")), [""; 0], "nothing is made");
    // Also when the mount point itself is the place, and is there.
    fs::create_dir(place.path("disk/repository")).unwrap();
    fs::create_dir(place.path("disk/repository/lost+found")).unwrap();
    place.run(&["-r", &location, "snapshot", "--init", &source]).expect(10);
    // The link leads nowhere.
    fs::remove_dir_all(place.path("disk")).unwrap();
    let ran = place.run(&["-r", &location, "init"]).expect(10);
    assert!(ran.stderr.contains("--new-repository"), "{}", ran.stderr);
}

#[test]
fn a_new_repository_in_the_place_of_one_that_is_gone_is_made_when_it_is_asked_for() {
    let (place, location) = with_the_disk_away();
    let source = place.text("source");
    place.run(&["-r", &location, "snapshot", "--new-repository", &source]).expect(2);
    place.run(&["-r", &location, "snapshot", "--init", "--new-repository", &source]).expect(0);
    place.run(&["-r", &location, "check"]).expect(0);
    fs::remove_dir_all(place.path("disk/repository")).unwrap();
    place.run(&["-r", &location, "init", "--new-repository"]).expect(0);
    // A machine that never used it knows nothing of it.
    fs::remove_dir_all(place.path("disk/repository")).unwrap();
    fs::remove_dir_all(place.path("cache")).unwrap();
    place.run(&["-r", &location, "init"]).expect(0);
}

#[test]
fn the_keys_of_a_repository_whose_other_folders_are_away_stay_where_this_machine_knows_it() {
    let place = Place::with_repository();
    let repository = place.path("repository");
    fs::create_dir(place.path("away")).unwrap();
    let moved = ["packs", "index", "snapshots", "repository.json"];
    moved.iter().for_each(|name| fs::rename(repository.join(name), place.path("away").join(name)).unwrap());
    let keys = crate::cli_place::names(&repository.join("keys"));
    for command in [&["init"][..], &["snapshot", "--init", &place.text("source")]] {
        let refused = place.run(command).expect(10);
        assert!(refused.stderr.contains("--new-repository"), "{}", refused.stderr);
    }
    assert_eq!(crate::cli_place::names(&repository.join("keys")), keys);
    moved.iter().for_each(|name| fs::rename(place.path("away").join(name), repository.join(name)).unwrap());
    place.run(&["check"]).expect(0);
}

#[test]
fn the_only_keys_of_a_repository_are_set_aside_by_an_init_on_a_machine_that_does_not_know_it() {
    let place = Place::with_snapshot();
    let repository = place.path("repository");
    fs::create_dir(place.path("away")).unwrap();
    let moved = ["packs", "index", "snapshots", "records", "repository.json"];
    moved.iter().for_each(|name| fs::rename(repository.join(name), place.path("away").join(name)).unwrap());
    let list = |folder: &str| {
        let found = fs::read_dir(repository.join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        found.collect::<std::collections::BTreeSet<_>>()
    };
    let keys = list("keys");
    fs::remove_dir_all(place.path("cache")).unwrap();
    let ran = place.run(&["init"]).expect(0);
    assert!(ran.stderr.contains("damaged/keys"), "{}", ran.stderr);
    assert_eq!(list("damaged/keys"), keys);
    // The new one is gone too, and leaves nothing that would be in the way of another.
    fs::remove_file(repository.join("repository.json")).unwrap();
    fs::remove_dir_all(place.path("cache")).unwrap();
    place.run(&["init"]).expect(0);
    // The rest comes back from a copy.
    for name in moved {
        let _ = fs::remove_dir_all(repository.join(name));
        let _ = fs::remove_file(repository.join(name));
        fs::rename(place.path("away").join(name), repository.join(name)).unwrap();
    }
    fs::remove_dir_all(repository.join("keys")).unwrap();
    fs::rename(repository.join("damaged/keys"), repository.join("keys")).unwrap();
    place.run(&["check", "--read-data"]).expect(0);
    place.run(&["restore", "latest", &place.text("back"), "--verify"]).expect(0);
}

#[test]
fn the_name_of_a_new_repository_is_durable_also_in_a_folder_that_was_there() {
    if !crate::needs::has_tool("strace") {
        return;
    }
    for made_before in ["", "above", "above/repository"] {
        let place = Place::new();
        fs::create_dir_all(place.path(made_before)).unwrap();
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-qq", "-e", "trace=fsync", "-o", &place.text("log"), env!("CARGO_BIN_EXE_repo")]);
        command.args(["-r", &place.text("above/repository"), "init"]).env_clear();
        command.env("REPO_CACHE_DIR", place.path("cache")).env("REPO_KEY_FILE", place.path("key"));
        assert!(command.output().unwrap().status.success());
        let log = fs::read_to_string(place.path("log")).unwrap();
        for folder in [place.text("above"), place.path("").to_str().unwrap().trim_end_matches('/').to_owned()] {
            assert!(log.contains(&format!("<{folder}>)")), "{folder}, where \"{made_before}\" was there: {log}");
        }
    }
}
