//! What a snapshot is made of: lists of paths, and what is left out.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::cli_place::{Place, names, run};

#[test]
fn the_paths_in_a_file_are_saved_byte_by_byte_and_one_that_is_not_there_is_missed() {
    let place = Place::with_repository();
    let odd = place.path("source/sub").join(std::ffi::OsStr::from_bytes(b" odd\xff "));
    fs::write(&odd, "odd").unwrap();
    let list = [place.path("source/a").as_os_str().as_bytes(), b"", odd.as_os_str().as_bytes(), b""].join(&b'\n');
    fs::write(place.path("list"), &list).unwrap();
    let saved = place.run(&["snapshot", "--json", "--series", "s", "--files-from", &place.text("list")]).expect(0).json();
    assert_eq!((saved["counts"]["files_new"].as_u64(), saved["sources"].as_array().unwrap().len()), (Some(2), 2), "{saved}");
    fs::write(place.path("list"), [&list[..], b"/not/there\n"].concat()).unwrap();
    let missed = place.run(&["snapshot", "--series", "s", "--files-from", &place.text("list")]).expect(3);
    assert!(missed.stderr.contains("/not/there"), "{}", missed.stderr);
    // The evening's command takes the paths again, wherever the list is by then.
    fs::remove_file(place.path("list")).unwrap();
    let again = place.run(&["--json", "snapshot", "--series", "s"]).expect(3).json();
    assert_eq!(again["counts"]["files_unchanged"], 2, "{again}");
}

#[test]
fn paths_with_line_breaks_come_from_standard_input_with_a_nul_behind_each() {
    let place = Place::with_repository();
    fs::write(place.path("source/two\nlines"), "x").unwrap();
    let list = "source/two\nlines\0source/a\0";
    let mut command = place.command();
    let saved =
        run(command.current_dir(place.path("")).args(["snapshot", "--json", "--files-from", "-", "-0"]).write_stdin(list)).expect(0);
    assert_eq!(saved.json()["paths"][0], place.text("source/two\nlines"), "{}", saved.stdout);
    // Lines were said, and this is none of them.
    let refused = run(place.command().args(["snapshot", "--files-from", "-"]).write_stdin(list)).expect(2);
    assert!(refused.stderr.contains("--null"), "{}", refused.stderr);
}

#[test]
fn an_empty_list_of_paths_saves_nothing_and_repeats_nothing() {
    let place = Place::with_snapshot();
    fs::write(place.path("list"), "\n").unwrap();
    let refused = place.run(&["snapshot", "--files-from", &place.text("list")]).expect(2);
    assert!(refused.stderr.contains("there is no path in it"), "{}", refused.stderr);
    place.run(&["snapshot", "--files-from", &place.text("no list")]).expect(1);
    assert_eq!(place.run(&["--json", "snapshots"]).expect(0).stdout.lines().count(), 1);
}

/// Names below the source of the place in the latest snapshot.
fn saved(place: &Place) -> Vec<String> {
    let listed = place.run(&["--json", "ls", "-R", "latest"]).expect(0).stdout;
    let paths = listed.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["path"].as_str().unwrap().to_owned());
    let source = place.text("source/");
    paths.filter_map(|path| path.strip_prefix(&source).map(str::to_owned)).collect()
}

#[test]
fn files_above_a_size_are_left_out_and_counted_and_neither_removed_nor_missed() {
    let place = Place::with_snapshot();
    let source = place.text("source");
    let line = place.run(&["--json", "snapshot", "--exclude-larger-than", "50K", &source]).expect(0);
    let line = line.json();
    assert_eq!((&line["large_files"], &line["large_bytes"]), (&1.into(), &100_000.into()), "{line}");
    assert_eq!((&line["files_removed"], &line["has_loss"]), (&0.into(), &false.into()), "{line}");
    assert_eq!(saved(&place), ["a", "sub", "sub/c d"]);
    assert_eq!(place.run(&["changes", "latest"]).expect(0).stdout.matches("source/b").count(), 0, "it is not gone");
    let history = place.run(&["--json", "history", &format!("{source}/b")]).expect(0).stdout;
    assert!(!history.contains("\"gone\":{"), "{history}");
    // The evening's command leaves out the same, and a file as large as the limit is no larger.
    fs::write(place.path("source/as large"), vec![0; 50 << 10]).unwrap();
    let again = place.run(&["snapshot"]).expect(0);
    assert!(again.stdout.contains("left out for their size: 1 file of 97.7 KiB"), "{}", again.stdout);
    assert_eq!(saved(&place), ["a", "as large", "sub", "sub/c d"]);
    // To the snapshot it is unknown, whatever became of its length.
    fs::write(place.path("source/b"), "short now").unwrap();
    fs::write(place.path("source/new and large"), vec![1; 60_000]).unwrap();
    fs::write(place.path("source/new"), "new").unwrap();
    place.run(&["restore", "--delete", &format!("latest:{source}"), &source]).expect(0);
    assert_eq!(fs::read(place.path("source/b")).unwrap(), b"short now");
    assert!(place.path("source/new and large").exists() && !place.path("source/new").exists());
    // What is named itself is meant.
    place.run(&["snapshot", "--exclude-larger-than", "5", &source, &place.text("source/b")]).expect(0);
    assert_eq!(saved(&place), ["a", "b", "sub", "sub/c d"]);
}

#[test]
fn folders_that_hold_a_mark_are_left_out_but_for_it_and_neither_removed_nor_missed() {
    let place = Place::with_repository();
    let source = place.text("source");
    fs::create_dir_all(place.path("source/big/deep")).unwrap();
    for n in 0..20 {
        fs::write(place.path(&format!("source/big/deep/{n}")), "much").unwrap();
    }
    fs::write(place.path("source/.nobackup"), "the source itself is meant").unwrap();
    place.run(&["snapshot", "--exclude-if-present", ".nobackup", &source]).expect(0);
    assert!(saved(&place).contains(&"big/deep/7".to_owned()));
    // The mark comes later: most files are not looked at any more, which is no loss.
    fs::write(place.path("source/big/.nobackup"), "").unwrap();
    let line = place.run(&["--json", "snapshot"]).expect(0).json();
    assert_eq!((&line["marked_folders"], &line["files_removed"], &line["has_loss"]), (&1.into(), &0.into(), &false.into()), "{line}");
    assert_eq!(saved(&place), [".nobackup", "a", "b", "big", "big/.nobackup", "sub", "sub/c d"]);
    let changes = place.run(&["changes", "latest"]).expect(0).stdout;
    assert!(changes.contains("big/.nobackup") && !changes.contains("deep"), "{changes}");
    // Nothing changed since.
    let again = place.run(&["--json", "snapshot"]).expect(0).json();
    assert_eq!((&again["root"], &again["files_removed"]), (&line["root"], &0.into()), "{again}");
    fs::create_dir(place.path("source/marked now")).unwrap();
    fs::write(place.path("source/marked now/.nobackup"), "").unwrap();
    fs::write(place.path("source/marked now/kept"), "").unwrap();
    fs::write(place.path("source/sub/new"), "").unwrap();
    place.run(&["restore", "--delete", &format!("latest:{source}"), &source]).expect(0);
    assert_eq!(names(&place.path("source/big")).len(), 22, "twenty files, their folder and the mark");
    assert!(place.path("source/marked now/kept").exists() && !place.path("source/sub/new").exists());
    place.run(&["snapshot", "--exclude-if-present", "a/b", &source]).expect(2);
}

#[test]
fn patterns_that_match_nothing_are_named_by_the_run_that_they_were_given_to_and_by_no_repeat() {
    let place = Place::with_repository();
    let excludes = ["--exclude", "*.tmp", "--exclude", "c d", "--exclude", "!nothing", "--exclude", "a/"];
    let first = place.run(&[&["snapshot"][..], &excludes, &[&place.text("source")]].concat()).expect(0);
    for pattern in ["*.tmp", "!nothing", "a/"] {
        assert!(first.stderr.contains(&format!("the pattern `{pattern}` matches nothing")), "{}", first.stderr);
    }
    assert!(!first.stderr.contains("c d"), "{}", first.stderr);
    assert!(!place.run(&["snapshot"]).expect(0).stderr.contains("pattern"));
}

#[test]
fn what_one_file_system_leaves_out_is_named_when_asked_for() {
    let place = Place::with_repository();
    let script = r#"
        mkdir "$T/source/mounted"; mount -t tmpfs none "$T/source/mounted"; touch "$T/source/mounted/x"
        "$REPO" snapshot -v --one-file-system "$T/source" 2>&1; echo again; "$REPO" snapshot 2>&1
    "#;
    let Some(said) = crate::cli_delete::run_with_mounts(&place, script) else { return };
    assert_eq!(said.matches("source/mounted\": another file system is mounted here and is left out").count(), 1, "{said}");
}

#[test]
fn large_files_that_are_too_many_to_be_named_in_their_folder_are_unknown_all_the_same() {
    let place = Place::with_repository();
    let source = place.text("source");
    let large: Vec<_> = (0..300).map(|n| place.path(&format!("source/sub/{n:0>250}"))).collect();
    large.iter().for_each(|path| fs::write(path, vec![0; 3000]).unwrap());
    let line = place.run(&["--json", "snapshot", "--exclude-larger-than", "2k", &source]).expect(0).json();
    assert_eq!(line["large_files"], 301, "{line}");
    large.iter().for_each(|path| fs::write(path, "short now").unwrap());
    fs::write(place.path("source/new"), "").unwrap();
    place.run(&["restore", "--delete", &format!("latest:{source}"), &source]).expect(0);
    assert!(large.iter().all(|path| path.exists()) && !place.path("source/new").exists());
}

#[test]
fn a_source_within_a_marked_folder_is_saved_and_a_mark_that_is_a_folder_with_all_in_it() {
    let place = Place::with_repository();
    for name in ["marked/.nobackup/deep/x", "marked/kept/y", "marked/kept/deep/z", "marked/other"] {
        fs::create_dir_all(place.path(&format!("source/{name}")).parent().unwrap()).unwrap();
        fs::write(place.path(&format!("source/{name}")), "x").unwrap();
    }
    let sources = [place.text("source"), place.text("source/marked/kept")];
    place.run(&["snapshot", "--series", "s", "--exclude-if-present", ".nobackup", &sources[0], &sources[1]]).expect(0);
    let expected = ["marked/.nobackup/deep/x", "marked/kept/deep/z", "marked/kept/y"];
    let files = |place: &Place| saved(place).into_iter().filter(|name| place.path("source").join(name).is_file()).collect::<Vec<_>>();
    assert_eq!(files(&place), [&["a", "b"][..], &expected, &["sub/c d"]].concat());
    // Where it is named no more, it is left out with the rest, and is not gone.
    let line = place.run(&["--json", "snapshot", "--series", "s", "--exclude-if-present", ".nobackup", &sources[0]]).expect(0).json();
    assert_eq!(files(&place), ["a", "b", "marked/.nobackup/deep/x", "sub/c d"]);
    assert_eq!(line["files_removed"], 0, "{line}");
}
