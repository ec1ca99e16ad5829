//! Where restored files come: as `cp` would put them, and back to where they were.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

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

/// Everything that stands in the source, with what is in it.
fn all(place: &Place) -> Vec<(String, Option<String>)> {
    names(&place.path("source")).into_iter().map(|name| (name.clone(), fs::read_to_string(name).ok())).collect()
}

#[test]
fn what_is_restored_to_where_it_was_comes_back_with_the_folders_above_it_and_nothing_beside_it() {
    let place = Place::with_repository();
    fs::set_permissions(place.path("source/sub"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::create_dir_all(place.path("second/deep")).unwrap();
    fs::write(place.path("second/deep/d"), "fourth").unwrap();
    place.run(&["snapshot", &place.text("source"), &place.text("second")]).expect(0);
    let before = all(&place);
    // One file, of which the folder is gone too.
    fs::remove_dir_all(place.path("source")).unwrap();
    let ran = place.run(&["restore", "--to-original", &latest(&place, "source/sub/c d")]).expect(0);
    assert!(ran.stdout.contains(&format!("to \"{}\"", place.text("source/sub/c d"))), "{}", ran.stdout);
    assert_eq!(names(&place.path("source")), [place.text("source/sub"), place.text("source/sub/c d")]);
    assert_eq!(fs::metadata(place.path("source/sub")).unwrap().permissions().mode() & 0o777, 0o750);
    // A folder, and then all of both sources.
    fs::remove_dir_all(place.path("source")).unwrap();
    fs::remove_dir_all(place.path("second")).unwrap();
    place.run(&["restore", "--to-original", &latest(&place, "source"), "--verify"]).expect(0);
    assert_eq!(all(&place), before);
    assert!(!place.path("second").exists());
    let told = place.run(&["--json", "restore", "--to-original", "latest"]).expect(0).json();
    assert_eq!((told["files"].as_u64(), told["unchanged"].as_u64(), told["destination"].as_str()), (Some(1), Some(3), Some("/")));
    assert_eq!(fs::read_to_string(place.path("second/deep/d")).unwrap(), "fourth");
}

#[test]
fn what_differs_where_it_was_is_left_unless_it_is_said_otherwise() {
    let place = Place::with_snapshot();
    fs::write(place.path("source/a"), "changed since").unwrap();
    fs::write(place.path("source/sub/mine"), "mine").unwrap();
    fs::write(place.path("source/mine"), "mine").unwrap();
    for what in ["latest".to_owned(), latest(&place, "source"), latest(&place, "source/a")] {
        let told = place.run(&["restore", "--to-original", &what]).expect(3).stderr;
        assert!(told.contains(&place.text("source/a")), "{told}");
        assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "changed since");
    }
    let dry = place.run(&["restore", "-n", "--to-original", &latest(&place, "source/a"), "--overwrite", "always"]).expect(0).stdout;
    assert_eq!(dry.lines().next(), Some(&*format!("replace   {}", place.text("source/a"))), "{dry}");
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "changed since");
    // What it deletes is below what was asked for.
    let delete = ["restore", "--to-original", "--delete", "--overwrite", "always", &latest(&place, "source/sub")];
    place.run(&delete).expect(0);
    assert!(!place.path("source/sub/mine").exists() && place.path("source/mine").exists());
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "changed since");
    place.run(&["restore", "--to-original", &latest(&place, "source/a"), "--overwrite", "if-changed"]).expect(0);
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "first");
    assert_eq!(fs::read_to_string(place.path("source/mine")).unwrap(), "mine");
}

#[test]
fn a_link_in_the_place_of_a_folder_is_not_followed_to_where_it_was() {
    let place = Place::with_snapshot();
    fs::rename(place.path("source"), place.path("moved")).unwrap();
    fs::remove_file(place.path("moved/a")).unwrap();
    symlink("moved", place.path("source")).unwrap();
    for what in ["latest".to_owned(), latest(&place, "source"), latest(&place, "source/a"), latest(&place, "source/sub")] {
        let told = place.run(&["restore", "--to-original", &what]).expect(3).stderr;
        assert!(told.contains("it is not a folder"), "{told}");
    }
    assert!(place.path("source").is_symlink() && !place.path("moved/a").exists());
}

#[test]
fn a_place_and_a_destination_are_one_too_many_and_neither_is_one_too_few() {
    let place = Place::with_snapshot();
    let told = place.run(&["restore", "--to-original", "latest", &place.text("back")]).expect(2).stderr;
    assert!(told.contains("--to-original") && told.contains("DEST"), "{told}");
    place.run(&["restore", "latest"]).expect(2);
    assert!(!place.path("back").exists());
}

#[test]
fn what_another_machine_or_a_stream_saved_goes_to_no_place_here_unless_the_machine_is_named() {
    let place = Place::with_repository();
    place.run(&["snapshot", &place.text("source"), "--host", "elsewhere"]).expect(0);
    fs::remove_file(place.path("source/a")).unwrap();
    for options in [&[][..], &["-n"], &["--overwrite", "always"]] {
        let told = place.run(&[&["restore", "--to-original", "latest"], options].concat()).expect(2).stderr;
        assert!(told.contains("`elsewhere`") && told.contains("--host elsewhere"), "{told}");
        assert!(!place.path("source/a").exists());
    }
    place.run(&["restore", "--to-original", "latest", "--host", "elsewhere"]).expect(0);
    assert_eq!(fs::read_to_string(place.path("source/a")).unwrap(), "first");
    place.command().args(["snapshot", "--stdin", "dump.sql"]).write_stdin("rows").assert().success();
    let told = place.run(&["restore", "--to-original", "latest"]).expect(2).stderr;
    assert!(told.contains("stream"), "{told}");
}

#[test]
fn a_user_restores_to_where_it_was_though_the_folders_above_belong_to_others() {
    if !crate::needs::is_root() || !crate::needs::has_tool("setpriv") {
        return;
    }
    let place = Place::with_repository();
    assert!(std::process::Command::new("chown").args(["-R", "1234:1234"]).arg(place.path("")).status().unwrap().success());
    let as_user = |arguments: &[&str]| {
        let (command, mut user) = (place.command(), assert_cmd::Command::new("setpriv"));
        user.args(["--reuid=1234", "--regid=1234", "--clear-groups"]).arg(command.get_program()).args(arguments);
        user.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        crate::cli_place::run(&mut user)
    };
    as_user(&["snapshot", &place.text("source")]).expect(0);
    let before = all(&place);
    fs::remove_dir_all(place.path("source/sub")).unwrap();
    fs::remove_file(place.path("source/a")).unwrap();
    as_user(&["restore", "--to-original", &latest(&place, "source/sub")]).expect(0);
    assert_eq!(all(&place).len() + 1, before.len());
    as_user(&["restore", "--to-original", &latest(&place, "source"), "--delete"]).expect(0);
    assert_eq!(all(&place), before);
}

#[test]
fn a_link_above_the_original_place_is_named_with_where_it_leads() {
    let place = Place::with_repository();
    fs::create_dir_all(place.path("data/home/anna")).unwrap();
    fs::write(place.path("data/home/anna/letter"), "x").unwrap();
    std::os::unix::fs::symlink("data/home", place.path("home")).unwrap();
    place.run(&["snapshot", &place.text("home/anna")]).expect(0);
    for overwrite in ["never", "always"] {
        let told = place.run(&["restore", "--to-original", "latest", "--overwrite", overwrite]).expect(3).stderr;
        assert!(told.contains("a link to \"data/home\"") && told.contains("as DEST"), "{told}");
    }
}

#[test]
fn one_file_that_the_filters_leave_out_is_neither_made_nor_replaced() {
    let place = Place::with_snapshot();
    fs::write(place.path("source/b"), "b changed").unwrap();
    place.run(&["snapshot", &place.text("source")]).expect(0);
    let (file, folder) = (latest(&place, "source/a"), latest(&place, "source"));
    let (mine, original, live) = (place.path("mine"), place.path("source/a"), place.text("live"));
    fs::create_dir(&live).unwrap();
    for at in [&mine, &original, &place.path("live/a")] {
        fs::write(at, "my newer text").unwrap();
    }
    for filter in [&["--exclude", "a"][..], &["--exclude", "source"], &["--include", "b"], &["--changed-only"]] {
        // As of a folder of which nothing is meant.
        let code = i32::from(filter[0] == "--include") * 3;
        for destination in [&["mine"][..], &["live"], &["new"], &["new/"], &["--to-original"]] {
            let destination: Vec<String> =
                destination.iter().map(|name| if name.starts_with("--") { (*name).to_owned() } else { place.text(name) }).collect();
            for more in [&["-n"][..], &["--verify"]] {
                let mut arguments = vec!["restore", file.as_str(), "--overwrite", "always"];
                arguments.extend(destination.iter().map(String::as_str).chain(filter.iter().chain(more).copied()));
                let ran = place.run(&arguments).expect(code);
                assert!(
                    ran.stderr.contains("nothing is restored of") && ran.stdout.contains(" 0 files, 0 B"),
                    "{arguments:?} {}",
                    ran.stderr
                );
                assert!(!ran.stdout.contains("replace ") && !place.path("new").exists(), "{arguments:?} {}", ran.stdout);
            }
        }
    }
    // Nor is a folder that is left out, with what is in it, or its metadata, and nothing goes from it.
    for destination in [live.as_str(), "--to-original"] {
        let ran = place.run(&["restore", &folder, destination, "--overwrite", "always", "--delete", "--exclude", "source"]).expect(0);
        assert!(ran.stderr.contains("a pattern to exclude"), "{}", ran.stderr);
    }
    for at in [&mine, &original, &place.path("live/a")] {
        assert_eq!(fs::read_to_string(at).unwrap(), "my newer text");
    }
    // What is meant comes.
    for filter in [&["--exclude", "b"][..], &["--include", "a"], &["--include", "source"]] {
        fs::write(&mine, "other").unwrap();
        let mut arguments = vec!["restore", file.as_str(), "--overwrite", "always"];
        let destination = place.text("mine");
        arguments.push(&destination);
        arguments.extend(filter);
        place.run(&arguments).expect(0);
        assert_eq!(fs::read_to_string(&mine).unwrap(), "first", "{filter:?}");
    }
    let changed = latest(&place, "source/b");
    place.run(&["restore", &changed, &place.text("mine"), "--changed-only", "--overwrite", "always"]).expect(0);
    assert_eq!(fs::read_to_string(&mine).unwrap(), "b changed");
}
