//! What a base needs is lost, with all that names it: the next run of the unchanged source stores it again.

use super::*;
use crate::pack::PackKind;
use crate::repository::{INDEX, PACKS, pack_name};
use crate::storage::Storage;

/// The same storage, opened by a machine that keeps a cache in `folder`.
pub(super) fn with_cache(bench: Bench, folder: &Path) -> Bench {
    let storage: Arc<dyn Storage> = Arc::clone(&bench.storage) as _;
    let options = OpenOptions { credential: Some(credential()), cache_root: Some(folder.to_owned()), ..OpenOptions::default() };
    Bench { repository: Repository::open(storage, options).unwrap(), ..bench }
}

/// The packs of `kind` that the index names.
pub(super) fn packs(bench: &Bench, kind: PackKind) -> Vec<String> {
    let index = bench.repository.chunks().open_index().unwrap();
    index.packs().into_iter().filter(|(_, of, _)| *of == kind).map(|(id, ..)| pack_name(&id)).collect()
}

fn remove_all(bench: &Bench, names: &[String]) {
    names.iter().for_each(|name| bench.storage.remove(name).unwrap());
}

fn segments(bench: &Bench) -> Vec<String> {
    bench.storage.list(INDEX).unwrap().into_iter().map(|listed| listed.name).collect()
}

/// A source with a small file, a database whose list has pages, an empty folder and a folder of its own.
pub(super) fn fill(bench: &Bench) {
    bench.write("small", noise("small", 5000));
    bench.write("database", [b"SQLite format 3\0".to_vec(), noise("db", (4 << 20) + 99_999)].concat());
    bench.write("folder/file", "content");
    fs::create_dir(bench.source.path().join("empty")).unwrap();
}

/// A snapshot, a second one of a little more, `damage`, and a third, which has to be whole.
fn third_after(bench: &Bench, damage: impl Fn(&Bench, &[String], &[String])) -> Outcome {
    fill(bench);
    bench.snapshot();
    let (first_packs, first_segments) = (bench.storage.list(PACKS).unwrap(), segments(bench));
    bench.write("more", "more");
    bench.snapshot();
    let first_packs: Vec<String> = first_packs.into_iter().map(|listed| listed.name).collect();
    damage(bench, &first_packs, &first_segments);
    let third = bench.snapshot();
    bench.assert_same(&third);
    third
}

#[test]
fn what_was_lost_with_the_segment_that_named_it_is_stored_again_although_nothing_changed() {
    let cache = tempfile::tempdir().unwrap();
    for bench in [Bench::new(), with_cache(Bench::new(), cache.path())] {
        let third = third_after(&bench, |bench, packs, segments| {
            remove_all(bench, packs);
            remove_all(bench, segments);
        });
        assert!(third.manifest.counts.bytes_stored > 4 << 20);
        let fourth = bench.snapshot();
        assert_eq!((fourth.manifest.counts.bytes_read, fourth.manifest.counts.bytes_stored), (0, 0), "it is mended for good");
        bench.assert_same(&fourth);
    }
}

#[test]
fn data_alone_pages_alone_and_a_pack_that_was_cut_short_are_noticed_when_their_segment_is_lost() {
    let cache = tempfile::tempdir().unwrap();
    for kind in [Some(PackKind::Data), Some(PackKind::Meta), None] {
        for bench in [Bench::new(), with_cache(Bench::new(), cache.path())] {
            third_after(&bench, |bench, first, segments| {
                let of_kind = packs(bench, kind.unwrap_or(PackKind::Data));
                let lost: Vec<String> = first.iter().filter(|name| of_kind.contains(name)).cloned().collect();
                for name in &lost {
                    let bytes = bench.storage.read(name, u64::MAX).unwrap();
                    bench.storage.remove(name).unwrap();
                    if kind.is_none() {
                        let mut upload = bench.storage.create(PACKS).unwrap();
                        upload.write(&bytes[..bytes.len() - 100]).unwrap();
                        upload.publish(name).unwrap();
                    }
                }
                remove_all(bench, segments);
            });
        }
    }
}

#[test]
fn everything_is_lost_but_the_manifests_and_the_next_run_stores_all_of_it() {
    let bench = Bench::new();
    third_after(&bench, |bench, _, _| {
        let all: Vec<String> = [PACKS, INDEX].iter().flat_map(|area| bench.storage.list(area).unwrap()).map(|listed| listed.name).collect();
        remove_all(bench, &all);
    });
}

#[test]
fn a_base_whose_upper_tree_is_lost_is_passed_over_and_the_run_says_so() {
    let bench = Bench::new();
    fill(&bench);
    bench.snapshot();
    remove_all(&bench, &packs(&bench, PackKind::Meta));
    remove_all(&bench, &segments(&bench));
    let notes = Collected::default();
    let second = run(&bench.repository, &bench.request(), &notes).unwrap();
    assert_eq!(second.manifest.kind, Kind::Full);
    let findings = notes.take();
    assert!(findings.iter().any(|finding| finding.message.contains("cannot serve as base")), "{findings:?}");
    bench.assert_same(&second);
}

#[test]
fn a_run_that_finds_nothing_missing_needs_no_look_up_of_its_base() {
    let cache = tempfile::tempdir().unwrap();
    let bench = with_cache(Bench::new(), cache.path());
    fill(&bench);
    let first = bench.snapshot();
    let index = bench.repository.chunks().open_index().unwrap();
    assert!(bench.repository.chunks().is_noted_whole(&first.id.unwrap(), &index));
    // What others add changes nothing.
    bench.write("more", "more");
    let second = bench.snapshot();
    let index = bench.repository.chunks().open_index().unwrap();
    assert!(bench.repository.chunks().is_noted_whole(&second.id.unwrap(), &index));
    remove_all(&bench, &segments(&bench)[..1]);
    let index = bench.repository.chunks().open_index().unwrap();
    assert!(!bench.repository.chunks().is_noted_whole(&second.id.unwrap(), &index));
}
