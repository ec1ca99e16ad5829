//! `repo diff SNAP /folder`: a snapshot compared with what is on this machine now.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::cli_place::Place;

/// The lines but the last, which counts them, with the folder of the place left out of paths.
fn lines(place: &Place, arguments: &[&str]) -> Vec<String> {
    let ran = place.run(&[&["diff"][..], arguments].concat()).expect(0);
    let folder = format!("{}/", place.text("").trim_end_matches('/'));
    let mut lines: Vec<String> = ran.stdout.lines().map(|line| line.replace(&folder, "")).collect();
    assert!(lines.pop().unwrap().ends_with("renamed"), "{}", ran.stdout);
    lines
}

/// Gives a file other bytes of the same length under the same modification time.
fn swap_silently(path: &Path) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    File::options().write(true).open(path).unwrap().set_times(FileTimes::new().set_modified(modified)).unwrap();
}

#[test]
fn what_changed_here_since_the_snapshot_is_told_by_its_letter() {
    let place = Place::with_repository();
    symlink("a", place.path("source/link")).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    assert_eq!(lines(&place, &["latest", &place.text("source")]), Vec::<String>::new());
    swap_silently(&place.path("source/b"));
    fs::write(place.path("source/new"), "new").unwrap();
    fs::remove_file(place.path("source/sub/c d")).unwrap();
    fs::remove_dir(place.path("source/sub")).unwrap();
    fs::write(place.path("source/sub"), "a file now").unwrap();
    fs::set_permissions(place.path("source/a"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(place.path("source/link")).unwrap();
    symlink("b", place.path("source/link")).unwrap();
    let expected = ["U source", "U source/a", "M source/b", "M source/link", "+ source/new", "M source/sub", "- source/sub/c d"];
    assert_eq!(lines(&place, &["latest", &place.text("source")]), expected);
    let one = format!("latest:{}", place.text("source/b"));
    assert_eq!(lines(&place, &[&one, &place.text("source/b")]), ["M source/b"]);
}

#[test]
fn a_folder_that_was_restored_elsewhere_is_compared_byte_by_byte() {
    let place = Place::with_snapshot();
    let from = format!("latest:{}", place.text("source"));
    place.run(&["restore", &from, &place.text("out")]).expect(0);
    assert_eq!(lines(&place, &[&from, &place.text("out")]), Vec::<String>::new());
    swap_silently(&place.path("out/b"));
    assert_eq!(lines(&place, &[&from, &place.text("out")]), ["M out/b"]);
}

#[test]
fn what_the_rules_of_the_snapshot_leave_out_is_no_difference() {
    let place = Place::with_repository();
    let source = place.text("source");
    fs::write(place.path("source/before.tmp"), "left out").unwrap();
    fs::write(place.path("source/large before"), vec![1; 2_000_000]).unwrap();
    let rules = ["--exclude", "*.tmp", "--exclude-caches", "--exclude-larger-than", "1MiB", "--exclude-if-present", ".nobackup"];
    place.run(&[&["snapshot", &source][..], &rules].concat()).expect(0);
    assert_eq!(lines(&place, &["latest", &source]), Vec::<String>::new());
    fs::write(place.path("source/after.tmp"), "left out").unwrap();
    fs::write(place.path("source/large after"), vec![1; 2_000_000]).unwrap();
    for (folder, mark, text) in [("cached", "CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"), ("marked", ".nobackup", "")] {
        fs::create_dir(place.path("source").join(folder)).unwrap();
        fs::write(place.path("source").join(folder).join(mark), text).unwrap();
    }
    fs::create_dir(place.path("source/kept")).unwrap();
    fs::write(place.path("source/kept/x"), "new").unwrap();
    assert_eq!(lines(&place, &["latest", &source]), ["U source", "+ source/kept", "+ source/kept/x"]);
    // Above the source the snapshot has this one folder.
    assert_eq!(lines(&place, &["latest", &place.text("")]), ["U source", "+ source/kept", "+ source/kept/x"]);
}

#[test]
fn what_is_not_there_is_said_and_a_folder_that_cannot_be_read_back_shows_nothing_as_gone() {
    let place = Place::with_snapshot();
    assert!(place.run(&["diff", "latest", &place.text("nowhere")]).expect(1).messages().contains("nowhere"));
    assert!(place.run(&["diff", "latest", "/usr"]).expect(1).messages().contains("no snapshot has /usr"));
    for pack in crate::cli_place::names(&place.path("repository/packs")).iter().map(|name| place.path("repository/packs").join(name)) {
        if pack.is_dir() {
            fs::remove_dir_all(pack).unwrap();
        }
    }
    let ran = place.run(&["--no-catalog", "diff", "latest", &place.text("source")]);
    assert!(ran.code == 4 && !ran.stdout.contains("- /") && !ran.stdout.contains("+ /"), "{} {}", ran.code, ran.stdout);
}

#[test]
fn a_tree_that_is_deeper_than_folders_are_kept_open_is_compared_to_its_end() {
    let place = Place::with_repository();
    let deep = place.path("source").join(vec!["d"; 150].join("/"));
    fs::create_dir_all(&deep).unwrap();
    for above in deep.ancestors().take(150) {
        fs::write(above.join("z"), "behind the folder below").unwrap();
    }
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let mut above = deep.ancestors();
    swap_silently(&above.next().unwrap().join("z"));
    swap_silently(&above.nth(147).unwrap().join("z"));
    let found = lines(&place, &["latest", &place.text("source")]);
    assert_eq!(found.iter().filter(|line| line.starts_with("M ") && line.ends_with("/z")).count(), 2, "{found:#?}");
    assert_eq!(found.len(), 2, "{found:#?}");
}
