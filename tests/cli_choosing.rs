//! What a snapshot is made of: lists of paths, and what is left out.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::cli_place::{Place, run};

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
