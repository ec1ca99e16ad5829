//! Restores that meet another repository than their own, or what theirs needs by another way.

use std::fs;

use crate::cli_delete::run_with_mounts;
use crate::cli_place::{Place, names, run};
use crate::needs;

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
