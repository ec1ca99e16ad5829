//! Sources that are missing, and files that change while they are read.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli_place::{Place, Ran, names};

#[test]
fn of_several_sources_the_missing_one_is_named_and_the_rest_is_saved() {
    let place = Place::with_repository();
    let ran = place.run(&["snapshot", "--json", &place.text("gone"), &place.text("source")]).expect(3);
    assert!(ran.stderr.contains(&place.text("gone")), "{}", ran.stderr);
    assert_eq!(ran.json()["counts"]["files_new"].as_u64(), Some(3));
    place.run(&["restore", &format!("latest:{}", place.text("source")), &place.text("back")]).expect(0);
    assert_eq!(fs::read_to_string(place.path("back/a")).unwrap(), "first");
}

#[test]
fn without_any_source_that_is_there_nothing_is_saved() {
    let place = Place::with_repository();
    let before = names(&place.path("repository/snapshots"));
    let ran = place.run(&["snapshot", &place.text("gone"), &place.text("gone too")]).expect(1);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("gone"), "{}", ran.stderr);
    assert_eq!(names(&place.path("repository/snapshots")), before);
}

/// Saves the source while a thread calls `write` on the file `source/busy` of 70 MiB over and over.
/// Longer files are not read again.
fn save_while(place: &Place, write: impl Fn(&File, u64) + Sync) -> Ran {
    let file = File::create(place.path("source/busy")).unwrap();
    let mut content = vec![0; 70 << 20];
    blake3::Hasher::new().finalize_xof().fill(&mut content);
    (&file).write_all(&content).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                if is_done.load(Ordering::Relaxed) {
                    return;
                }
                write(&file, round);
            }
        });
        let ran = place.run(&["snapshot", "--json", &place.text("source")]);
        is_done.store(true, Ordering::Relaxed);
        ran
    })
}

/// Expects that the file was saved and marked, and that the next run saves it in peace.
fn assert_saved_and_marked(place: &Place, ran: Ran) {
    let ran = ran.expect(3);
    assert_eq!(ran.json()["counts"]["problems"].as_u64(), Some(1), "{}", ran.stdout);
    assert!(ran.stderr.contains("source/busy") && ran.stderr.contains("changed while it was read"), "{}", ran.stderr);
    assert_eq!((&ran.json()["changed_while_read"], &ran.json()["unreadable"]), (&1.into(), &0.into()));
    assert_mark_is_shown(place);
    let what = format!("latest:{}", place.text("source"));
    let restored = place.run(&["restore", &what, &place.text("back")]).expect(3);
    assert!(restored.stderr.contains("back/busy") && restored.stderr.contains("changed while it was saved"), "{}", restored.stderr);
    assert!(fs::metadata(place.path("back/busy")).unwrap().len() >= 70 << 20);
    assert_eq!(fs::read_to_string(place.path("back/a")).unwrap(), "first");
    // Whatever its times say, it is read again.
    let again = place.run(&["snapshot", "--json", &place.text("source")]).expect(0).json();
    assert!(again["counts"]["bytes_read"].as_u64() >= Some(70 << 20), "{again}");
    place.run(&["restore", &what, &place.text("now")]).expect(0);
    assert!(fs::read(place.path("now/busy")).unwrap() == fs::read(place.path("source/busy")).unwrap());
}

/// Expects that whoever looks at the file hears that it changed while it was read.
fn assert_mark_is_shown(place: &Place) {
    let (busy, what) = (place.text("source/busy"), format!("latest:{}", place.text("source")));
    for arguments in [&["ls", "-l", &what][..], &["history", &busy], &["find", "-l", "busy"], &["problems"]] {
        let ran = place.run(arguments).expect(0);
        let marked: Vec<&str> = ran.stdout.lines().filter(|line| line.contains("changed while it was read")).collect();
        assert_eq!(marked.len(), 1, "{arguments:?}: {}", ran.stdout);
    }
    for arguments in [&["--json", "ls", &what][..], &["--json", "history", &busy]] {
        let ran = place.run(arguments).expect(0);
        assert_eq!(ran.stdout.matches(r#""changed_while_read":true"#).count(), 1, "{}", ran.stdout);
    }
}

#[test]
fn a_file_that_is_rewritten_while_it_is_read_is_saved_and_marked_and_read_again() {
    let place = Place::with_repository();
    let ran = save_while(&place, |file, round| file.write_all_at(&round.to_le_bytes(), round % 1000 * 70_000).unwrap());
    assert_saved_and_marked(&place, ran);
    assert_eq!(fs::metadata(place.path("back/busy")).unwrap().len(), 70 << 20);
}

#[test]
fn a_file_that_grows_while_it_is_read_is_saved_as_long_as_it_was_and_marked() {
    let place = Place::with_repository();
    let ran = save_while(&place, |file, round| {
        let mut file = file;
        // It grows, but not without end.
        if round < 1 << 20 { file.write_all(b"one line more\n").unwrap() } else { std::thread::yield_now() }
    });
    assert_saved_and_marked(&place, ran);
}

#[test]
fn a_file_that_is_cut_off_while_it_is_read_is_saved_and_marked() {
    let place = Place::with_repository();
    let ran = save_while(&place, |file, round| file.set_len((70 << 20) + round % 2 * 4096).unwrap());
    assert_saved_and_marked(&place, ran);
}
