//! The change view of a snapshot, and which paths belong to it.

use super::*;
use crate::browse::changes::{Reference, changed_paths, changes};
use crate::error::ErrorKind;
use crate::progress::Silent;
use crate::storage::Storage;

#[test]
fn the_view_of_a_full_is_everything_and_of_others_what_differs_from_the_base() {
    let f = Fixture::new();
    let full = f.full(f.folder("data", vec![f.file("a", b"1"), f.file("b", b"b")]));
    let base = f.publish(&full);
    let next = f.manifest(Kind::Differential, Some(base), vec![f.folder("data", vec![f.file("a", b"2"), f.file("b", b"b")])]);
    let reader = f.repository.reader().unwrap();
    let mut paths = Vec::new();
    let outcome = changes(
        &reader,
        &full,
        &mut |change| {
            paths.push(change.path.clone());
            Ok(())
        },
        &Silent,
    )
    .unwrap();
    assert_eq!((outcome.reference, outcome.counts.added), (Reference::Everything, 3));
    assert_eq!(paths, [&b"/data"[..], b"/data/a", b"/data/b"]);
    let outcome = changes(&reader, &next, &mut |_| Ok(()), &Silent).unwrap();
    assert_eq!(outcome.reference, Reference::Snapshot(base));
    assert_eq!((outcome.counts.modified, outcome.counts.added), (1, 0));
}

#[test]
fn a_pruned_base_is_a_lost_reference() {
    let f = Fixture::new();
    let full = f.full(f.folder("data", vec![]));
    let base = f.publish(&full);
    let next = f.manifest(Kind::Incremental, Some(base), vec![f.folder("data", vec![f.file("a", b"a")])]);
    f.storage.remove(&crate::repository::snapshot_name(&base)).unwrap();
    let reader = f.repository.reader().unwrap();
    let outcome = changes(&reader, &next, &mut |_| panic!("there is no view"), &Silent).unwrap();
    assert_eq!(outcome.reference, Reference::Lost(base));
    assert_eq!(changed_paths(&reader, &next, &Silent).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn changed_paths_know_what_changed_and_what_leads_there() {
    let f = Fixture::new();
    let album = f.folder("album", vec![f.file("x", b"x")]);
    let deep = |plain: &[u8]| f.folder("deep", vec![f.file("a", plain), f.file("same", b"s")]);
    let full = f.full(f.folder("data", vec![deep(b"1"), album.clone(), f.file("gone", b"g"), f.folder("still", vec![])]));
    let base = f.publish(&full);
    let now = vec![deep(b"2"), named(album, b"renamed"), f.folder("still", vec![]), f.file("deep-er", b"n")];
    let next = f.manifest(Kind::Incremental, Some(base), vec![f.folder("data", now)]);
    let reader = f.repository.reader().unwrap();
    let changed = changed_paths(&reader, &next, &Silent).unwrap();
    for path in [&b"/data/deep/a"[..], b"/data/deep-er", b"/data/renamed", b"/data/renamed/x"] {
        assert!(changed.contains(path), "{}", String::from_utf8_lossy(path));
    }
    for path in [&b"/data"[..], b"/data/deep", b"/data/deep/same", b"/data/gone", b"/data/still", b"/data/dee"] {
        assert!(!changed.contains(path), "{}", String::from_utf8_lossy(path));
    }
    for path in [&b"/data/gone"[..], b"/data/album", b"/data/album/x"] {
        assert!(changed.is_gone(path), "{}", String::from_utf8_lossy(path));
    }
    for path in [&b"/data/deep/a"[..], b"/data/never there", b"/data/gone/new", b"/data/album/new"] {
        assert!(!changed.is_gone(path), "{}", String::from_utf8_lossy(path));
    }
    for path in [&b"/"[..], b"/data", b"/data/deep", b"/data/renamed"] {
        assert!(changed.leads_to(path), "{}", String::from_utf8_lossy(path));
    }
    for path in [&b"/data/still"[..], b"/data/dee", b"/data/deep/a", b"/other"] {
        assert!(!changed.leads_to(path), "{}", String::from_utf8_lossy(path));
    }
    let everything = changed_paths(&reader, &full, &Silent).unwrap();
    assert!(everything.contains(b"/anything") && !everything.is_gone(b"/x") && everything.leads_to(b"/any"));
}
