//! Where restored files come: as `cp` would put them.

use std::fs;
use std::os::unix::fs::symlink;

use crate::cli_place::{Place, names};

/// `latest:` and a path in the place.
fn latest(place: &Place, name: &str) -> String {
    format!("latest:{}", place.text(name))
}

#[test]
fn one_file_comes_into_a_folder_that_is_there_and_gets_a_new_name_else() {
    let place = Place::with_snapshot();
    let file = latest(&place, "source/a");
    fs::create_dir(place.path("folder")).unwrap();
    symlink("folder", place.path("link")).unwrap();
    for (destination, at) in [
        ("folder", "folder/a"),
        ("new.txt", "new.txt"),
        ("made/new.txt", "made/new.txt"),
        ("other/", "other/a"),
        ("link/named", "folder/named"),
    ] {
        let ran = place.run(&["restore", &file, &place.text(destination)]).expect(0);
        assert_eq!(fs::read_to_string(place.path(at)).unwrap(), "first", "{destination}");
        assert!(ran.stdout.contains("1 file,"), "{}", ran.stdout);
    }
    let told = place.run(&["--json", "restore", &file, &place.text("told")]).expect(0).json();
    assert_eq!(told["absolute_destination"], place.text("told"));
    place.command().current_dir(place.path("folder")).args(["restore", &file, "bare"]).assert().success();
    assert_eq!(fs::read_to_string(place.path("folder/bare")).unwrap(), "first");
    // A folder's content comes into the destination, as ever.
    place.run(&["restore", &latest(&place, "source/sub"), &place.text("sub")]).expect(0);
    assert!(place.path("sub/c d").is_file());
}

#[test]
fn a_file_in_the_place_of_the_new_name_is_replaced_only_when_that_is_asked_for() {
    let place = Place::with_snapshot();
    let (file, there) = (latest(&place, "source/a"), place.text("there"));
    for (name, text) in [("there", "mine"), ("beside", "mine too")] {
        fs::write(place.path(name), text).unwrap();
    }
    let told = place.run(&["restore", &file, &there]).expect(3).stderr;
    assert!(told.contains(&there) && told.contains("left as it is"), "{told}");
    assert_eq!(fs::read_to_string(&there).unwrap(), "mine");
    let told = place.run(&["restore", "-n", "--overwrite", "always", &file, &there]).expect(0).stdout;
    assert!(told.contains(&format!("replace   {there}")), "{told}");
    assert_eq!(fs::read_to_string(&there).unwrap(), "mine");
    place.run(&["restore", "--overwrite", "if-changed", &file, &there]).expect(0);
    assert_eq!(fs::read_to_string(&there).unwrap(), "first");
    assert!(place.run(&["restore", &file, &there, "--verify"]).expect(0).stdout.contains("1 kept"));
    assert_eq!(fs::read_to_string(place.path("beside")).unwrap(), "mine too");
    // With a slash at its end it should be a folder.
    place.run(&["restore", "--overwrite", "always", &file, &format!("{there}/")]).expect(1);
    assert_eq!(fs::read_to_string(&there).unwrap(), "first");
}

#[test]
fn a_link_in_the_place_of_the_new_name_is_never_followed() {
    let place = Place::with_snapshot();
    fs::write(place.path("precious"), "precious").unwrap();
    for (link, to) in [("link", "precious"), ("lost", "nowhere")] {
        symlink(to, place.path(link)).unwrap();
        place.run(&["restore", &latest(&place, "source/a"), &place.text(link)]).expect(3);
        assert!(place.path(link).is_symlink() && !place.path("nowhere").exists());
        place.run(&["restore", "--overwrite", "always", &latest(&place, "source/a"), &place.text(link)]).expect(0);
        assert!(!place.path(link).is_symlink());
        assert_eq!(fs::read_to_string(place.path(link)).unwrap(), "first");
    }
    assert_eq!(fs::read_to_string(place.path("precious")).unwrap(), "precious");
    assert!(!place.path("nowhere").exists());
}

#[test]
fn a_new_name_in_the_repository_or_of_the_key_is_refused() {
    let place = Place::with_snapshot();
    let before = names(&place.path("repository"));
    let file = latest(&place, "source/a");
    for name in ["repository/new", "repository/packs/new", "repository/repository.json"] {
        place.run(&["restore", "--overwrite", "always", &file, &place.text(name)]).expect(2);
    }
    assert_eq!(names(&place.path("repository")), before);
    place.run(&["restore", "--overwrite", "always", &file, &place.text("key")]).expect(3);
    assert_eq!(fs::read(place.path("key")).unwrap(), [7; 32]);
}

#[test]
fn a_dry_run_says_which_name_would_be_made_and_makes_nothing() {
    let place = Place::with_snapshot();
    let before = names(&place.path(""));
    let told = place.run(&["restore", "-n", &latest(&place, "source/a"), &place.text("new/name")]).expect(0).stdout;
    let lines: Vec<&str> = told.lines().take_while(|line| line.starts_with("create")).collect();
    assert_eq!(lines, [format!("create    {}", place.text("new")), format!("create    {}", place.text("new/name"))]);
    let made = |name: &String| !name.contains("/cache");
    assert_eq!(names(&place.path("")).into_iter().filter(made).collect::<Vec<_>>(), before.into_iter().filter(made).collect::<Vec<_>>());
}

#[test]
fn a_link_that_was_saved_gets_a_new_name_too() {
    let place = Place::with_repository();
    symlink("a", place.path("source/link")).unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    place.run(&["restore", &latest(&place, "source/link"), &place.text("other")]).expect(0);
    assert_eq!(fs::read_link(place.path("other")).unwrap().to_str(), Some("a"));
}
