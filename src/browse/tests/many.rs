//! What is asked of many snapshots: `find`, `history`, `snapshots`.

use crate::cancel::Cancel;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::browse::{Pattern, SnapshotFilter, filter_snapshots, find, history};
use crate::error::ErrorKind;
use crate::progress::{Collected, Progress, Silent};
use crate::storage::Storage;

fn search(f: &Fixture, pattern: &str) -> Vec<(u64, String)> {
    let (reader, listing) = (f.repository.reader().unwrap(), f.listing());
    f.forget_reads();
    let mut found = Vec::new();
    let pattern = Pattern::new(pattern, false).unwrap();
    let outcome = find(
        &reader,
        listing.summaries().iter().rev(),
        &pattern,
        &mut |summary, path, _| {
            found.push((summary.counter, String::from_utf8_lossy(path).into_owned()));
            Ok(())
        },
        &Silent,
    )
    .unwrap();
    assert_eq!(outcome.matches, found.len() as u64);
    found
}

fn owned(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
    lines.iter().map(|(counter, path)| (*counter, (*path).to_owned())).collect()
}

#[test]
fn names_and_paths_are_found_in_all_snapshots_newest_first() {
    let f = Fixture::new();
    let barren = f.folder("barren", vec![f.folder("deep", vec![f.file("nothing", b"n")])]);
    let photos = f.folder("photos", vec![f.file("cat.jpg", b"c")]);
    f.publish(&f.full(f.folder("data", vec![barren.clone(), photos.clone()])));
    f.publish(&f.full(f.folder("data", vec![barren.clone(), photos, f.file("cat.txt", b"t")])));
    let expected = [(2, "/data/cat.txt"), (2, "/data/photos/cat.jpg"), (1, "/data/photos/cat.jpg")];
    assert_eq!(search(&f, "cat"), owned(&expected));
    assert_eq!(search(&f, "/data/*.jpg"), owned(&[]));
    assert_eq!(search(&f, "photos/*.jpg"), owned(&[(2, "/data/photos/cat.jpg"), (1, "/data/photos/cat.jpg")]));
    // A folder that fits nothing at one place may fit at another.
    f.publish(&f.full(f.folder("data", vec![named(barren, b"x")])));
    assert_eq!(search(&f, "/data/barren/deep/nothing"), owned(&[(2, "/data/barren/deep/nothing"), (1, "/data/barren/deep/nothing")]));
}

#[test]
fn a_folder_that_cannot_be_read_is_a_finding_in_each_snapshot() {
    let f = Fixture::new();
    let barren = f.folder("barren", vec![f.file("nothing", b"n")]);
    for n in 0..3 {
        f.publish(&f.full(f.folder("data", vec![barren.clone(), f.file("n", &[n])])));
    }
    f.lose(&barren);
    let (reader, listing, progress) = (f.repository.reader().unwrap(), f.listing(), Collected::default());
    let pattern = Pattern::new("cat", false).unwrap();
    let outcome = find(&reader, listing.summaries(), &pattern, &mut |_, _, _| Ok(()), &progress).unwrap();
    assert_eq!((outcome.snapshots, outcome.unreadable, progress.take().len()), (3, 3, 3));
}

/// Counts how often it is asked, which is once for each step of a walk.
#[derive(Default)]
struct Steps(AtomicU64);

impl Cancel for Steps {
    fn is_cancelled(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed);
        false
    }
}

impl Progress for Steps {}

#[test]
fn a_folder_without_a_match_is_entered_in_the_first_snapshot_only() {
    let f = Fixture::new();
    let barren = f.folder("barren", (0..50).map(|at| node(&format!("e{at}"), Content::Fifo)).collect());
    for n in 0..3 {
        f.publish(&f.full(f.folder(&format!("cat-{n}"), vec![barren.clone()])));
    }
    let (reader, listing, steps) = (f.repository.reader().unwrap(), f.listing(), Steps::default());
    let find_steps = |pattern: &str| {
        let pattern = Pattern::new(pattern, false).unwrap();
        let outcome = find(&reader, listing.summaries(), &pattern, &mut |_, _, _| Ok(()), &steps).unwrap();
        (outcome.matches, steps.0.swap(0, Ordering::Relaxed))
    };
    let (matches, once) = find_steps("cat");
    assert!(matches == 3 && (50..100).contains(&once), "{matches} matches in {once} steps");
    let (matches, thrice) = find_steps("e49");
    assert!(matches == 3 && thrice > 150, "{matches} matches in {thrice} steps");
}

#[test]
fn a_damaged_manifest_is_a_finding_and_the_search_goes_on() {
    let f = Fixture::new();
    let lost = f.publish(&f.full(f.folder("data", vec![f.file("cat", b"1")])));
    f.publish(&f.full(f.folder("data", vec![f.file("cat", b"2")])));
    let (reader, listing, progress) = (f.repository.reader().unwrap(), f.listing(), Collected::default());
    let name = crate::repository::snapshot_name(&lost);
    f.storage.remove(&name).unwrap();
    let mut upload = f.storage.create("snapshots").unwrap();
    upload.write(b"damaged").unwrap();
    upload.publish(&name).unwrap();
    let pattern = Pattern::new("cat", false).unwrap();
    let outcome = find(&reader, listing.summaries(), &pattern, &mut |_, _, _| Ok(()), &progress).unwrap();
    assert_eq!((outcome.snapshots, outcome.matches, outcome.unreadable), (1, 1, 1));
    assert_eq!(progress.take().len(), 1);
}

#[test]
fn a_snapshot_that_a_prune_removes_meanwhile_is_passed_over_and_is_no_damage() {
    let f = Fixture::new();
    let gone = f.publish(&f.full(f.folder("data", vec![f.file("cat", b"1")])));
    f.publish(&f.full(f.folder("data", vec![f.file("cat", b"2")])));
    let (reader, listing, progress) = (f.repository.reader().unwrap(), f.listing(), Collected::default());
    f.storage.remove(&crate::repository::snapshot_name(&gone)).unwrap();
    let pattern = Pattern::new("cat", false).unwrap();
    let found = find(&reader, listing.summaries(), &pattern, &mut |_, _, _| Ok(()), &progress).unwrap();
    assert_eq!((found.snapshots, found.matches, found.unreadable), (1, 1, 0));
    let told = history(&reader, &listing, b"/data/cat", &mut |_| Ok(()), &progress).unwrap();
    assert_eq!((told.versions, told.unreadable, progress.take().len()), (1, 0, 0));
}

/// One line for each version: series, first, last, how many, and where it was gone.
type VersionText = (String, u64, u64, u64, Option<u64>);

fn versions(f: &Fixture, path: &[u8]) -> Vec<VersionText> {
    let (reader, listing) = (f.repository.reader().unwrap(), f.listing());
    let mut found = Vec::new();
    history(
        &reader,
        &listing,
        path,
        &mut |version| {
            let gone = version.gone.map(|summary| summary.counter);
            found.push((version.first.series.clone(), version.first.counter, version.last.counter, version.snapshots, gone));
            Ok(())
        },
        &Silent,
    )
    .unwrap();
    found
}

#[test]
fn equal_versions_collapse_and_a_path_that_goes_and_returns_is_told() {
    let f = Fixture::new();
    let with = |plain: &[u8]| f.full(f.folder("data", vec![f.file("a", plain), f.file("other", b"o")]));
    let without = f.full(f.folder("data", vec![f.file("other", b"o")]));
    for (counter, manifest) in [with(b"1"), with(b"1"), with(b"2"), without.clone(), without, with(b"1")].iter_mut().enumerate() {
        manifest.counter = counter as u64 + 1;
        f.publish(manifest);
    }
    let home = || "home".to_owned();
    let expected = [(home(), 1, 2, 2, None), (home(), 3, 3, 1, Some(4)), (home(), 6, 6, 1, None)];
    assert_eq!(versions(&f, b"/data/a"), expected);
    assert_eq!(versions(&f, b"/data/other"), [(home(), 1, 6, 6, None)]);
    assert_eq!(versions(&f, b"/data/never"), []);
}

#[test]
fn each_series_has_its_own_versions_and_snapshots_of_other_sources_say_nothing() {
    let f = Fixture::new();
    let mut manifests = vec![
        f.full(f.folder("data", vec![f.file("a", b"1")])),
        f.full(f.folder("etc", vec![])),
        f.full(f.folder("data", vec![with_mode(f.file("a", b"1"), 0o600)])),
        f.full(f.folder("data", vec![])),
    ];
    manifests[2].series = "other".into();
    for manifest in &manifests {
        f.publish(manifest);
    }
    assert_eq!(versions(&f, b"/data/a"), [("home".to_owned(), 1, 1, 1, Some(4)), ("other".to_owned(), 3, 3, 1, None)]);
    let (reader, listing) = (f.repository.reader().unwrap(), f.listing());
    let error = history(&reader, &listing, b"data/a", &mut |_| Ok(()), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn a_snapshot_of_the_same_root_is_not_asked() {
    let f = Fixture::new();
    let data = f.folder("data", vec![f.file("a", b"1")]);
    for _ in 0..5 {
        f.publish(&f.full(data.clone()));
    }
    let (reader, listing) = (f.repository.reader().unwrap(), f.listing());
    f.forget_reads();
    let mut take = |version: &crate::browse::Version<'_>| {
        assert_eq!(version.snapshots, 5);
        Ok(())
    };
    let outcome = history(&reader, &listing, b"/data/a", &mut take, &Silent).unwrap();
    assert_eq!(outcome.versions, 1);
    assert_eq!(f.storage.count(Verb::Read, "snapshots/"), 1);
}

#[test]
fn a_lost_tree_is_a_finding_and_ends_no_version() {
    let f = Fixture::new();
    let lost = f.folder("data", vec![f.file("a", b"1"), f.file("b", b"1")]);
    f.publish(&f.full(f.folder("data", vec![f.file("a", b"1")])));
    f.publish(&f.full(lost.clone()));
    f.publish(&f.full(f.folder("data", vec![f.file("a", b"1"), f.file("c", b"1")])));
    f.lose(&lost);
    let (reader, listing, progress) = (f.repository.reader().unwrap(), f.listing(), Collected::default());
    let mut found = Vec::new();
    let mut take = |version: &crate::browse::Version<'_>| {
        found.push((version.first.counter, version.last.counter, version.snapshots));
        Ok(())
    };
    let outcome = history(&reader, &listing, b"/data/a", &mut take, &progress).unwrap();
    assert_eq!((outcome.versions, outcome.unreadable, progress.take().len()), (1, 1, 1));
    assert_eq!(found, [(1, 3, 2)]);
}

#[test]
fn snapshots_are_chosen_by_every_filter() {
    let f = Fixture::new();
    let mut manifests: Vec<Manifest> = (0..4).map(|_| f.full(node("data", Content::Fifo))).collect();
    manifests[0].series = "one".into();
    manifests[1].host = "laptop".into();
    manifests[1].tags = vec!["a".into(), "b".into()];
    manifests[2].kind = Kind::Incremental;
    manifests[2].tags = vec!["a".into()];
    manifests[3].paths = vec![b"/home/u/\xff".to_vec().into()];
    let ids: Vec<SnapshotId> = manifests.iter().map(|manifest| f.publish(manifest)).collect();
    let listing = f.listing();
    let chosen = |filter: SnapshotFilter| -> Vec<u64> {
        let found = filter_snapshots(&f.repository, &listing, &filter, &Silent).unwrap();
        found.iter().map(|summary| summary.counter).collect()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let none = SnapshotFilter::default;
    assert_eq!(chosen(none()), [1, 2, 3, 4]);
    assert_eq!(chosen(SnapshotFilter { last: Some(2), ..none() }), [3, 4]);
    assert_eq!(chosen(SnapshotFilter { series: words(&["one", "none"]), ..none() }), [1]);
    assert_eq!(chosen(SnapshotFilter { hosts: words(&["laptop"]), ..none() }), [2]);
    assert_eq!(chosen(SnapshotFilter { tags: words(&["a"]), last: Some(1), ..none() }), [3]);
    assert_eq!(chosen(SnapshotFilter { tags: words(&["a", "b"]), ..none() }), [2]);
    assert_eq!(chosen(SnapshotFilter { kinds: vec![Kind::Incremental], ..none() }), [3]);
    assert_eq!(chosen(SnapshotFilter { ids: vec![ids[3]], ..none() }), [4]);
    assert_eq!(chosen(SnapshotFilter { paths: vec![b"/home".to_vec()], ..none() }), [4]);
    assert_eq!(chosen(SnapshotFilter { paths: vec![b"/home/u/\xff/deep".to_vec()], ..none() }), [4]);
}

#[test]
fn a_cut_summary_is_completed_before_it_is_judged() {
    let f = Fixture::new();
    let mut manifest = f.full(node("data", Content::Fifo));
    manifest.tags = (0..1000).map(|n| format!("tag number {n}")).collect();
    f.publish(&manifest);
    let listing = f.listing();
    assert!(listing.summaries()[0].is_cut);
    let filter = SnapshotFilter { tags: vec!["tag number 999".into()], ..SnapshotFilter::default() };
    let found = filter_snapshots(&f.repository, &listing, &filter, &Silent).unwrap();
    assert_eq!((found.len(), found[0].tags.len(), found[0].is_cut), (1, 1000, false));
}
