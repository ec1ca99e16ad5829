//! A source that has lost its files is saved as it is, and its owner hears of it.

use super::*;
use crate::progress::Finding;

fn fill(bench: &Bench, folder: &str, files: u32) {
    for n in 0..files {
        bench.write(&format!("{folder}/{n}"), noise(&format!("{folder} {n}"), 1000));
    }
}

fn at(bench: &Bench, name: &str) -> std::path::PathBuf {
    bench.source.path().join(name)
}

fn empty(bench: &Bench, folder: &str) {
    fs::remove_dir_all(at(bench, folder)).unwrap();
    fs::create_dir(at(bench, folder)).unwrap();
}

fn of(bench: &Bench, names: &[&str]) -> Request {
    let path = |name: &&str| at(bench, name).as_os_str().as_bytes().to_vec();
    Request { paths: names.iter().map(path).collect(), ..bench.request() }
}

/// What came of a run, and what it said was gone.
fn losses(bench: &Bench, request: Request) -> (Outcome, Vec<Finding>) {
    let progress = Collected::default();
    let outcome = run(&bench.repository, &request, &progress).unwrap();
    let gone: Vec<Finding> = progress.take().into_iter().filter(|finding| finding.kind == FindingKind::Gone).collect();
    assert_eq!(outcome.has_loss, !gone.is_empty());
    (outcome, gone)
}

#[test]
fn a_source_that_has_lost_more_than_half_of_its_files_is_saved_and_that_is_told_once() {
    let bench = Bench::new();
    fill(&bench, "disk", 30);
    assert!(losses(&bench, bench.request()).1.is_empty());
    for n in 0..15 {
        fs::remove_file(at(&bench, &format!("disk/{n}"))).unwrap();
    }
    let (outcome, gone) = losses(&bench, bench.request());
    assert_eq!((outcome.files_removed, gone.len()), (Some(15), 0), "half is not most");
    for n in 15..23 {
        fs::remove_file(at(&bench, &format!("disk/{n}"))).unwrap();
    }
    let (outcome, gone) = losses(&bench, bench.request());
    assert_eq!(outcome.files_removed, Some(8));
    assert!(gone.len() == 1 && gone[0].message.starts_with("7 files are left of the 15 that snapshot "), "{gone:?}");
    assert!(losses(&bench, bench.request()).1.is_empty(), "it is said once");
    empty(&bench, "disk");
    let full = losses(&bench, Request { kind: Kind::Full, ..bench.request() });
    assert_eq!((full.0.files_removed, full.1.len()), (None, 1), "a full snapshot has no base, and says it all the same");
    fill(&bench, "disk", 30);
    let other = Request { series: Some("other".into()), ..bench.request() };
    assert!(losses(&bench, other).1.is_empty(), "another series has lost nothing");
}

#[test]
fn one_source_of_several_that_is_empty_is_told_however_few_files_it_had() {
    let bench = Bench::new();
    fill(&bench, "a", 100);
    fill(&bench, "b", 1);
    fill(&bench, "a/mounted", 2);
    let request = || of(&bench, &["a", "b", "a/mounted"]);
    assert!(losses(&bench, request()).1.is_empty());
    empty(&bench, "b");
    empty(&bench, "a/mounted");
    let (outcome, gone) = losses(&bench, request());
    let paths: Vec<&[u8]> = gone.iter().map(|finding| finding.path.as_slice()).collect();
    assert_eq!(paths, [at(&bench, "a/mounted").as_os_str().as_bytes(), at(&bench, "b").as_os_str().as_bytes()]);
    assert_eq!(outcome.files_removed, Some(3));
    let counts: Vec<u64> = outcome.sources.iter().map(|source| source.files).collect();
    assert_eq!(counts, [100, 0, 0]);
}

#[test]
fn a_source_that_could_not_be_looked_at_is_compared_with_what_it_had_when_it_is_back() {
    let bench = Bench::new();
    fill(&bench, "a", 10);
    fill(&bench, "b", 10);
    let request = || of(&bench, &["a", "b"]);
    losses(&bench, request());
    fs::remove_dir_all(at(&bench, "b")).unwrap();
    let (outcome, _) = losses(&bench, request());
    assert_eq!(outcome.manifest.counts.problems, 1, "it is missed");
    fs::create_dir(at(&bench, "b")).unwrap();
    let (_, gone) = losses(&bench, request());
    assert!(gone.iter().any(|finding| finding.path == at(&bench, "b").as_os_str().as_bytes()), "{gone:?}");
}

#[test]
fn files_that_were_cut_short_are_a_loss_too() {
    let bench = Bench::new();
    for n in 0..10 {
        bench.write(&n.to_string(), noise(&n.to_string(), 200_000));
    }
    losses(&bench, bench.request());
    for n in 0..6 {
        bench.write(&n.to_string(), "");
    }
    let (outcome, gone) = losses(&bench, bench.request());
    assert!(gone.len() == 1 && gone[0].message.contains("emptied"), "{gone:?}");
    assert_eq!(outcome.files_removed, Some(0));
}

#[test]
fn what_people_do_is_no_loss() {
    let bench = Bench::new();
    fill(&bench, "few", 3);
    fill(&bench, "many/old name", 20);
    let request = || of(&bench, &["few", "many"]);
    losses(&bench, request());
    // Two of three files are deleted.
    fs::remove_file(at(&bench, "few/0")).unwrap();
    fs::remove_file(at(&bench, "few/1")).unwrap();
    let (outcome, gone) = losses(&bench, request());
    assert_eq!((outcome.files_removed, gone.len()), (Some(2), 0), "{gone:?}");
    // A folder gets another name.
    fs::rename(at(&bench, "many/old name"), at(&bench, "many/new name")).unwrap();
    let (outcome, gone) = losses(&bench, request());
    assert_eq!((outcome.files_removed, outcome.manifest.counts.files_new, gone.len()), (Some(20), 20, 0), "{gone:?}");
    // Most is left out from now on.
    let mut less = request();
    less.series = Some(outcome.manifest.series.clone());
    less.options.excludes = vec!["1*".to_owned()];
    assert!(losses(&bench, less).1.is_empty());
}

#[test]
fn more_than_half_gone_is_told_although_a_few_came() {
    let bench = Bench::new();
    fill(&bench, "old", 20);
    losses(&bench, bench.request());
    for n in 0..12 {
        fs::remove_file(at(&bench, &format!("old/{n}"))).unwrap();
    }
    fill(&bench, "new", 4);
    let (outcome, gone) = losses(&bench, bench.request());
    assert_eq!(outcome.files_removed, Some(12));
    assert!(gone.len() == 1 && gone[0].message.contains("12 of the 20 files"), "{gone:?}");
}

#[test]
fn files_that_cannot_be_read_are_not_counted_as_removed() {
    if !rustix::process::geteuid().is_root() {
        // Anybody else may read what is made unreadable here only by its owner's will.
        use std::os::unix::fs::PermissionsExt;
        let bench = Bench::new();
        fill(&bench, "closed", 5);
        losses(&bench, bench.request());
        fs::set_permissions(at(&bench, "closed"), fs::Permissions::from_mode(0o000)).unwrap();
        let (outcome, _) = losses(&bench, bench.request());
        fs::set_permissions(at(&bench, "closed"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(outcome.files_removed, Some(0));
    }
}
