//! Pages of the base are damaged where nobody sees it without reading them: the run finds that, stores them
//! again and says so, and its snapshot restores.

use super::lost::{fill, packs, with_cache};
use super::*;
use crate::pack::PackKind;
use crate::progress::Finding;
use crate::repository::PACKS;
use crate::storage::Storage;

/// Each pack is damaged at so many places, one after the other.
const PLACES: usize = 5;

/// Flips a bit of an object, so many parts of [`PLACES`] from its beginning.
fn flip(bench: &Bench, name: &str, part: usize) {
    let mut bytes = bench.storage.read(name, u64::MAX).unwrap();
    let at = bytes.len() * part / PLACES;
    bytes[at] ^= 4;
    bench.storage.remove(name).unwrap();
    let mut upload = bench.storage.create(PACKS).unwrap();
    upload.write(&bytes).unwrap();
    upload.publish(name).unwrap();
}

fn snapshot(bench: &Bench, request: Request) -> (Outcome, Vec<Finding>) {
    let found = Collected::default();
    let outcome = run(&bench.repository, &request, &found).unwrap();
    (outcome, found.take())
}

fn is_told(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.kind.is_warning() && finding.message.contains("is stored again"))
}

/// A base, damage to one pack of pages, and a run of `kind` after `change`. How many of the runs told of damage.
fn runs_after_damage(new: &dyn Fn() -> Bench, kind: Kind, change: &dyn Fn(&Bench)) -> (usize, usize) {
    let (mut told, mut runs) = (0, 0);
    for part in 0..PLACES {
        for number in 0.. {
            let bench = new();
            fill(&bench);
            let full = Request { kind: Kind::Full, ..bench.request() };
            run(&bench.repository, &full, &Silent).unwrap();
            bench.write("more", "more");
            if kind == Kind::Incremental {
                bench.snapshot();
            }
            let pages = packs(&bench, PackKind::Meta);
            let Some(name) = pages.get(number) else { break };
            flip(&bench, name, part);
            change(&bench);
            let (outcome, findings) = snapshot(&bench, Request { kind, ..bench.request() });
            bench.assert_same(&outcome);
            told += usize::from(is_told(&findings));
            runs += 1;
            // What was stored again is read, and nothing is stored a third time.
            let (next, _) = snapshot(&bench, Request { kind, ..bench.request() });
            bench.assert_same(&next);
            assert_eq!(next.manifest.counts.bytes_stored, 0, "{kind:?}, part {part}, pack {number}");
        }
    }
    (told, runs)
}

#[test]
fn a_run_that_finds_pages_of_its_base_damaged_stores_them_again_and_its_snapshot_restores() {
    let cache = tempfile::tempdir().unwrap();
    for kind in [Kind::Incremental, Kind::Differential, Kind::Full] {
        let without = runs_after_damage(&Bench::new, kind, &|bench| bench.write("folder/news", "news"));
        let with = runs_after_damage(&|| with_cache(Bench::new(), cache.path()), kind, &|_| {});
        // Where a page lies in its pack is by chance, so how many of the damages meet one is too.
        assert!(without.0 > 0 && with.0 > 0, "{kind:?}: {without:?} and {with:?} told");
    }
}

#[test]
fn a_page_of_a_content_list_is_read_although_the_file_is_unchanged_and_all_packs_are_there() {
    let cache = tempfile::tempdir().unwrap();
    for bench in [Bench::new(), with_cache(Bench::new(), cache.path())] {
        bench.write("database", [b"SQLite format 3\0".to_vec(), noise("db", (4 << 20) + 99_999)].concat());
        bench.snapshot();
        let pages = packs(&bench, PackKind::Meta);
        // The list comes before the folder, so it lies in front of it in the frame: all of it is lost.
        pages.iter().for_each(|name| flip(&bench, name, 3));
        let (second, findings) = snapshot(&bench, bench.request());
        assert!(is_told(&findings), "{findings:?}");
        bench.assert_same(&second);
    }
}

#[test]
fn of_two_sources_the_one_whose_pages_are_damaged_is_read_again_and_both_restore() {
    for part in 1..PLACES {
        let bench = Bench::new();
        bench.write("a/deep/file", "of a");
        bench.write("b/deep/file", "of b");
        let root = bench.source.path().as_os_str().as_bytes();
        let sources = || Request { paths: [&b"/a"[..], b"/b"].map(|name| [root, name].concat()).to_vec(), ..bench.request() };
        run(&bench.repository, &sources(), &Silent).unwrap();
        packs(&bench, PackKind::Meta).iter().for_each(|name| flip(&bench, name, part));
        let (second, _) = snapshot(&bench, sources());
        let saved = bench.read(&second);
        for source in ["a", "b"] {
            let path = bench.source.path().join(source).join("deep/file");
            assert_eq!(saved[path.to_str().unwrap()].1, fs::read(&path).unwrap());
        }
    }
}
