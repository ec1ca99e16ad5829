//! What is saved comes back as it was, with everything that Linux keeps of a file.
//!
//! Each test makes a tree, saves it, restores it with the program as a user would, and compares two
//! pictures ([`crate::picture`]) that are taken without the code under test. A test whose name says
//! that something does not come back holds a known limit in place, so that it is noticed when it goes.

mod attributes;
mod databases;
mod kinds;
mod links;
mod names;
mod other_types;
mod owners_and_modes;
mod sparse;
mod times;
mod trees;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli_place::{Place, Ran};
use crate::needs::{is_root, skip};
use crate::picture::Picture;

pub use self::times::set_mtime;

/// A tree, its snapshot, and what was restored of it.
struct RoundTrip {
    place: Place,
    saved: Ran,
    restored: Ran,
    before: Picture,
    after: Picture,
}

/// Makes a tree with `make`, saves it, and restores it. Both commands must end with 0.
#[track_caller]
fn round_trip(make: impl FnOnce(&Path)) -> RoundTrip {
    round_trip_with(&[], 0, make)
}

/// As [`round_trip`], with further arguments of `restore`, which must end with `code`.
#[track_caller]
fn round_trip_with(arguments: &[&str], code: i32, make: impl FnOnce(&Path)) -> RoundTrip {
    let place = Place::with_repository();
    let tree = place.path("tree");
    fs::create_dir(&tree).unwrap();
    make(&tree);
    let before = Picture::of(&tree);
    let saved = place.run(&["snapshot", "--json", &place.text("tree")]).expect(0);
    assert_eq!(saved.json()["counts"]["problems"].as_u64(), Some(0), "{}", saved.stdout);
    let what = format!("latest:{}", place.text("tree"));
    let restored = place.run(&[&["restore", "--json", &what, &place.text("back")], arguments].concat()).expect(code);
    let after = Picture::of(&place.path("back"));
    RoundTrip { place, saved, restored, before, after }
}

impl RoundTrip {
    /// Fails the test unless everything came back, and without a word of warning.
    #[track_caller]
    fn assert_same(&self) {
        self.before.assert_same(&self.after);
        assert_eq!((self.restored.json()["notes"].as_u64(), self.restored.messages().as_str()), (Some(0), ""));
    }

    /// A path in what was restored.
    fn back(&self, name: &str) -> PathBuf {
        self.place.path("back").join(name)
    }
}

/// Runs a program that may not be installed; false when it is not. Fails the test when it fails.
#[track_caller]
fn run_tool(program: &str, arguments: &[&str]) -> bool {
    output_of_tool(program, arguments).is_some()
}

/// As [`run_tool`], and gives what it printed.
#[track_caller]
fn output_of_tool(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{program} {arguments:?}: {stdout}{stderr}");
            Some(stdout.into_owned())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            skip(program);
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}
