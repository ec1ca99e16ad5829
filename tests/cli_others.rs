//! Restores that meet another repository than their own, or what theirs needs by another way.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::cli_delete::run_with_mounts;
use crate::cli_place::{Place, copy, names, run};
use crate::needs;

/// A place whose source holds a repository of two snapshots without encryption, which a snapshot has saved.
fn with_other() -> Place {
    let place = Place::with_repository();
    fs::create_dir(place.path("data")).unwrap();
    fs::write(place.path("data/file"), vec![b'x'; 50_000]).unwrap();
    other(&place, &["init", "--encryption", "none"]);
    other(&place, &["snapshot", &place.text("data")]);
    fs::write(place.path("data/file"), vec![b'y'; 60_000]).unwrap();
    other(&place, &["snapshot", "--kind", "full", &place.text("data")]);
    place.run(&["snapshot", &place.text("source")]).expect(0);
    place
}

/// Runs a command on the other repository.
fn other(place: &Place, arguments: &[&str]) -> String {
    let mut command = place.bare();
    command.env("REPO_REPOSITORY", place.path("source/other")).env("REPO_CACHE_DIR", place.path("other cache"));
    run(command.args(arguments)).expect(0).stdout
}

/// Every file below `folder` with its bytes, and every link.
fn all(folder: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    names(folder).into_iter().map(|name| (name.clone(), fs::read(name).ok())).collect()
}

/// Restores the source into `back`, which removes and replaces what it can, first as a dry run.
fn restore(place: &Place, back: &str, code: i32) -> serde_json::Value {
    let folder = format!("latest:{}", place.text("source"));
    let [foretold, done] = [&["-n"][..], &[]].map(|more| {
        let arguments = ["--json", "restore", "--overwrite", "always", "--delete-excluded", &folder, &place.text(back)];
        place.run(&[&arguments, more].concat()).expect(code).json()
    });
    assert_eq!((&foretold["left"], &foretold["deleted"]), (&done["left"], &done["deleted"]), "{foretold} {done}");
    done
}

fn a_pack(repository: &Path) -> PathBuf {
    let is_pack = |name: &String| fs::metadata(name).unwrap().is_file();
    names(&repository.join("packs")).into_iter().find(is_pack).unwrap().into()
}

#[test]
fn a_repository_that_is_there_takes_nothing_from_a_restore() {
    let place = with_other();
    // Since then it has gone on: a snapshot is pruned, one of its packs is lost, a new one is there.
    fs::write(place.path("data/file"), vec![b'z'; 70_000]).unwrap();
    other(&place, &["snapshot", "--kind", "full", &place.text("data")]);
    other(&place, &["prune", "--keep-last", "1"]);
    let repository = place.path("source/other");
    fs::write(repository.join("lock"), "held").unwrap();
    fs::write(a_pack(&repository), "another content").unwrap();
    fs::remove_dir_all(repository.join("records")).unwrap();
    let before = all(&repository);
    assert!(restore(&place, "source", 3)["left"].as_u64().unwrap() > 3);
    assert_eq!(all(&repository), before);
    for overwrite in ["if-changed", "never"] {
        let folder = format!("latest:{}", place.text("source"));
        place.run(&["restore", "--overwrite", overwrite, &folder, &place.text("source")]).expect(3);
        assert_eq!(all(&repository), before);
    }
}

#[test]
fn a_repository_that_is_not_there_is_restored_and_one_that_a_killed_restore_left_is_completed() {
    let place = with_other();
    restore(&place, "back", 0);
    let (saved, back) = (place.path("source/other"), place.path("back/other"));
    let relative = |top: &Path| -> Vec<String> { names(top).iter().map(|name| name[top.to_str().unwrap().len()..].to_owned()).collect() };
    assert_eq!(relative(&back), relative(&saved));
    let mark = |path: &Path| rustix::fs::setxattr(path, "user.repo-restore.unfinished", b"1", rustix::fs::XattrFlags::empty());
    let pack = a_pack(&back);
    for unfinished in [back.clone(), back.join("packs"), pack.parent().unwrap().to_owned()] {
        if mark(&unfinished).is_err() {
            return;
        }
    }
    fs::remove_file(pack).unwrap();
    fs::remove_dir_all(back.join("snapshots")).unwrap();
    let folder = format!("latest:{}", place.text("source"));
    place.run(&["restore", &folder, &place.text("back"), "--verify"]).expect(0);
    assert_eq!(relative(&back), relative(&saved));
    assert_eq!(all(&back).into_values().collect::<Vec<_>>(), all(&saved).into_values().collect::<Vec<_>>());
}

#[test]
fn packs_of_another_repository_that_lie_in_the_destination_stay() {
    let place = with_other();
    fs::create_dir_all(place.path("back")).unwrap();
    fs::rename(place.path("source/other/packs"), place.path("back/disk")).unwrap();
    symlink(place.path("back/disk"), place.path("source/other/packs")).unwrap();
    let before = all(&place.path("back/disk"));
    restore(&place, "back", 3);
    assert_eq!(all(&place.path("back/disk")), before);
    other(&place, &["check", "--read-data"]);
}

#[test]
fn a_folder_of_another_repository_makes_no_way_for_a_link() {
    let place = with_other();
    fs::rename(place.path("source/other/packs"), place.path("disk")).unwrap();
    symlink(place.path("disk"), place.path("source/other/packs")).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    fs::remove_file(place.path("source/other/packs")).unwrap();
    fs::rename(place.path("disk"), place.path("source/other/packs")).unwrap();
    let before = all(&place.path("source/other"));
    let folder = format!("latest:{}", place.text("source"));
    for overwrite in ["if-changed", "always"] {
        place.run(&["restore", "--overwrite", overwrite, "--delete", &folder, &place.text("source")]).expect(3);
        assert_eq!(all(&place.path("source/other")), before);
    }
}

#[test]
fn a_repository_that_is_damaged_or_copied_in_part_stays() {
    let place = with_other();
    for lost in [
        &["repository.json", "index", "records", "keys"][..],
        &["packs", "repository.json", "snapshots", "records", "keys"],
        &["repository.json", "index", "records", "keys", "snapshots"],
    ] {
        let back = place.path("back/deep/old");
        fs::create_dir_all(place.path("back/deep")).unwrap();
        copy(&place.path("source/other"), &back);
        for name in lost.iter().map(|name| back.join(name)) {
            if name.is_dir() { fs::remove_dir_all(name).unwrap() } else { _ = fs::remove_file(name) }
        }
        let before = all(&back);
        restore(&place, "back", 3);
        assert_eq!(all(&back), before, "without {lost:?}");
    }
}

#[test]
fn what_has_the_content_of_the_key_stays_whatever_its_name_and_number() {
    let place = Place::with_snapshot();
    fs::write(place.path("password"), "a password\n").unwrap();
    fs::create_dir(place.path("back")).unwrap();
    for (from, to) in [("key", "KEY"), ("password", "PASSWORD"), ("key", "a")] {
        fs::copy(place.path(from), place.path("back").join(to)).unwrap();
    }
    for (name, content) in [("other", &[8; 32][..]), ("extra", b"a passwort\n")] {
        fs::write(place.path("back").join(name), content).unwrap();
    }
    let folder = format!("latest:{}", place.text("source"));
    for overwrite in ["if-changed", "always"] {
        let arguments = ["--key-file", &place.text("key"), "restore", "--delete", "--overwrite", overwrite, &folder, &place.text("back")];
        let ran = run(place.bare().env("REPO_PASSWORD_FILE", place.path("password")).args(arguments)).expect(3);
        assert!(ran.stderr.contains("left as it is: it is a key file of the repository"), "{}", ran.stderr);
    }
    let left: Vec<_> = names(&place.path("back")).iter().map(|name| name.rsplit('/').next().unwrap().to_owned()).collect();
    assert_eq!(left, ["KEY", "PASSWORD", "a", "b", "sub", "c d"]);
    assert_eq!(fs::read(place.path("back/a")).unwrap(), [7; 32]);
}

#[test]
fn the_image_of_a_disk_that_the_repository_lies_on_stays() {
    if !needs::is_root() || !needs::has_tool("mkfs.ext4") {
        return;
    }
    let place = Place::new();
    let script = r#"
        cd "$T"; mkdir disks m n
        truncate -s 64M disks/image; mkfs.ext4 -q disks/image; mount -o loop disks/image m
        truncate -s 32M m/inner; mkfs.ext4 -q m/inner; mount -o loop m/inner n
        export REPO_REPOSITORY="$T/n/repository"
        "$REPO" -q snapshot --init "$T/source"
        for back in disks m; do
            echo extra >$back/extra; code=0
            "$REPO" restore --delete "latest:$T/source" $back || code=$?; test $code = 3; test ! -e $back/extra
        done
        test -e disks/image; test -e m/inner; "$REPO" check --read-data; umount n m
    "#;
    let Some(said) = run_with_mounts(&place, script) else { return };
    assert_eq!(said.matches("it is a disk image that holds the repository").count(), 2, "{said}");
}

#[test]
fn the_repository_and_its_key_stay_by_a_way_on_which_they_have_other_numbers() {
    let place = Place::new();
    let script = r#"
        cd "$T"; mkdir b; mount -t tmpfs none b; mkdir b/lower b/upper b/work b/merged
        mount -t overlay -o lowerdir=b/lower,upperdir=b/upper,workdir=b/work none b/merged
        cp key b/merged/key; cp key source/b
        export REPO_REPOSITORY="$T/b/merged/repository" REPO_KEY_FILE="$T/b/merged/key"
        "$REPO" -q snapshot --init "$T/source"; echo extra >b/upper/extra; cp -a b/upper/repository source/
        REPO_REPOSITORY="$T/b/merged/repository" "$REPO" -q snapshot "$T/source"; echo held >b/upper/repository/lock
        code=0; "$REPO" restore --delete --overwrite always "latest:$T/source" b/upper || code=$?; test $code = 3
        test ! -e b/upper/extra; cmp key b/upper/key; test "$(cat b/upper/repository/lock)" = held
        "$REPO" check --read-data; umount b/merged b
    "#;
    run_with_mounts(&place, script);
}
