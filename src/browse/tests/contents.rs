//! `ls`, `cat` and the statistics of a snapshot.

use std::io::{self, Write};

use super::*;
use crate::browse::problems;
use crate::browse::{CatOutcome, Place, RepositoryStats, cat, list, repository_stats, snapshot_stats};
use crate::error::ErrorKind;
use crate::manifest::{NODE_CHANGED_WHILE_READ, NODE_INCOMPLETE, Problem, ProblemKind, Problems};
use crate::progress::{Collected, FindingKind, Silent};

fn paths(fixture: &Fixture, place: &Place<'_>, recursive: bool) -> Vec<Vec<u8>> {
    let reader = fixture.repository.reader().unwrap();
    let mut found = Vec::new();
    let mut take = |path: &[u8], node: &Node| {
        assert!(path.ends_with(&node.name));
        found.push(path.to_vec());
        Ok(())
    };
    let outcome = list(&reader, place, recursive, &mut take, &Silent).unwrap();
    assert_eq!(outcome.entries, found.len() as u64);
    found
}

#[test]
fn a_folder_lists_its_entries_and_a_file_itself() {
    let f = Fixture::new();
    let odd = named(f.file("", b"odd"), b"\xff\xfe");
    let manifest = f.full(f.folder("data", vec![f.folder("sub", vec![f.file("x", b"x")]), odd]));
    let at = |path: &[u8]| Place::at(&manifest, path).unwrap();
    assert_eq!(paths(&f, &Place::whole(&manifest), false), [b"/data"]);
    assert_eq!(paths(&f, &at(b"/data"), false), [&b"/data/sub"[..], b"/data/\xff\xfe"]);
    assert_eq!(paths(&f, &at(b"/"), true), [&b"/data"[..], b"/data/sub", b"/data/sub/x", b"/data/\xff\xfe"]);
    assert_eq!(paths(&f, &at(b"/data/\xff\xfe"), true), [b"/data/\xff\xfe"]);
    let reader = f.repository.reader().unwrap();
    let error = list(&reader, &at(b"/data/\xfe"), true, &mut |_, _| Ok(()), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_listing_of_one_level_reads_one_folder() {
    let f = Fixture::new();
    let manifest = f.full(f.folder("data", vec![f.folder("sub", vec![f.file("x", b"x")])]));
    f.forget_reads();
    paths(&f, &Place::at(&manifest, b"/data").unwrap(), false);
    assert_eq!(f.packs_read().len(), 1);
}

#[test]
fn a_listing_goes_on_behind_a_lost_folder() {
    let f = Fixture::new();
    let lost = f.folder("lost", vec![f.file("x", b"x")]);
    let manifest = f.full(f.folder("data", vec![lost.clone(), f.file("z", b"z")]));
    f.lose(&lost);
    let reader = f.repository.reader().unwrap();
    let progress = Collected::default();
    let outcome = list(&reader, &Place::whole(&manifest), true, &mut |_, _| Ok(()), &progress).unwrap();
    assert_eq!((outcome.entries, outcome.unreadable), (3, 1));
    let findings = progress.take();
    assert_eq!((findings.len(), findings[0].kind, &findings[0].path[..]), (1, FindingKind::Damaged, &b"/data/lost"[..]));
}

#[test]
fn a_file_with_holes_comes_back_in_order_and_the_holes_are_zeros() {
    let f = Fixture::new();
    let sparse = f.pieces("sparse", &[Piece::Plain(b"head".to_vec()), Piece::Hole(200_000), Piece::Plain(b"tail".to_vec())]);
    let long: Vec<Piece> = (0..2000u32).map(|n| Piece::Plain(n.to_le_bytes().to_vec())).collect();
    let manifest = f.full(f.folder("data", vec![sparse, f.pieces("long", &long), f.file("empty", b"")]));
    let reader = f.repository.reader().unwrap();
    let read = |path: &[u8]| {
        let mut output = Vec::new();
        let outcome = cat(&reader, &Place::at(&manifest, path).unwrap(), &mut output, &Silent).unwrap();
        assert_eq!(outcome, CatOutcome::Whole(output.len() as u64));
        output
    };
    assert_eq!(read(b"/data/sparse"), [&b"head"[..], &[0; 200_000], b"tail"].concat());
    assert_eq!(read(b"/data/long"), (0..2000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    assert_eq!(read(b"/data/empty"), b"");
}

/// Takes a few bytes and then fails.
struct Failing(io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.first() == Some(&b'h') { Ok(bytes.len()) } else { Err(self.0.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_no_error_and_a_full_disk_is_one() {
    let f = Fixture::new();
    let sparse = f.pieces("sparse", &[Piece::Plain(b"head".to_vec()), Piece::Hole(1 << 40)]);
    let manifest = f.full(f.folder("data", vec![sparse]));
    let reader = f.repository.reader().unwrap();
    let place = Place::at(&manifest, b"/data/sparse").unwrap();
    assert_eq!(cat(&reader, &place, &mut Failing(io::ErrorKind::BrokenPipe), &Silent).unwrap(), CatOutcome::PipeClosed);
    let error = cat(&reader, &place, &mut Failing(io::ErrorKind::StorageFull), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert!(error.to_string().contains("/data/sparse"));
}

#[test]
fn only_whole_files_are_written_out() {
    let f = Fixture::new();
    let mut changed = f.file("changed", b"c");
    changed.flags = NODE_CHANGED_WHILE_READ;
    // A chunk whose length is not what the file says.
    let mut wrong = f.file("wrong", b"wrong");
    if let Content::File(bytes, list) = &mut wrong.content {
        let Item::Chunk(id, _) = list.items[0] else { panic!("a chunk") };
        *bytes = 6;
        list.items[0] = Item::Chunk(id, 6);
    }
    let lost = node("lost", Content::File(3, ContentList { depth: 0, items: vec![Item::Chunk(crate::id::ChunkId([9; 32]), 3)] }));
    let manifest = f.full(f.folder("data", vec![changed, wrong, lost]));
    let reader = f.repository.reader().unwrap();
    let kind = |path: &[u8]| {
        let mut output = Vec::new();
        let error = cat(&reader, &Place::at(&manifest, path).unwrap(), &mut output, &Silent).unwrap_err();
        assert!(output.is_empty());
        error.kind()
    };
    assert_eq!(kind(b"/data/wrong"), ErrorKind::Damaged);
    assert_eq!(kind(b"/data/lost"), ErrorKind::Damaged);
    assert_eq!(kind(b"/data"), ErrorKind::Invalid);
    assert_eq!(kind(b"/nothing"), ErrorKind::NotFound);
    let progress = Collected::default();
    cat(&reader, &Place::at(&manifest, b"/data/changed").unwrap(), &mut Vec::new(), &progress).unwrap();
    assert_eq!(progress.take()[0].kind, FindingKind::Changed);
}

#[test]
fn where_a_manifest_lists_no_problems_the_marks_in_the_trees_tell_them() {
    let f = Fixture::new();
    let (mut changed, mut whole) = (f.file("changed", b"c"), f.folder("sub", vec![f.file("whole", b"w")]));
    changed.flags = NODE_CHANGED_WHILE_READ;
    whole.flags = NODE_INCOMPLETE;
    let mut manifest = f.full(f.folder("data", vec![changed, whole]));
    let reader = f.repository.reader().unwrap();
    assert!(problems(&reader, &manifest, &Silent).unwrap().is_empty(), "the counts say that there is none");
    manifest.counts.problems = 2;
    let found = problems(&reader, &manifest, &Silent).unwrap().listed;
    let told: Vec<_> = found.iter().map(|problem| (problem.path.as_slice(), problem.kind())).collect();
    assert_eq!(told, [(&b"/data/changed"[..], ProblemKind::Changed), (b"/data/sub", ProblemKind::Unreadable)]);
    let mut listed = Problems::default();
    listed.add(Problem::new(ProblemKind::Gone, Vec::new(), "most files are gone".to_owned()));
    manifest.set_problems(&listed);
    assert_eq!(problems(&reader, &manifest, &Silent).unwrap(), listed);
}

#[test]
fn a_snapshot_is_counted_by_type_and_ending() {
    let f = Fixture::new();
    let entries = vec![f.file("a.JPG", b"12345"), f.file("b.jpg", b"123"), f.file("noext", b"1"), node("p", Content::Fifo)];
    let manifest = f.full(f.folder("data", entries));
    let reader = f.repository.reader().unwrap();
    let stats = snapshot_stats(&reader, &Place::whole(&manifest), &Silent).unwrap();
    assert_eq!((stats.files, stats.bytes, stats.directories, stats.symlinks, stats.others), (3, 9, 1, 0, 1));
    let jpg = stats.by_ending[&b"jpg"[..]];
    assert_eq!((jpg.files, jpg.bytes, stats.by_ending.len()), (2, 8, 2));
}

#[test]
fn a_repository_is_counted_without_reading_a_pack() {
    let f = Fixture::new();
    let twice = vec![f.file("a", &[7; 5000]), f.file("b", &[7; 5000])];
    let mut manifest = f.full(f.folder("data", twice));
    manifest.counts.bytes_total = 10_000;
    f.publish(&manifest);
    let reader = f.repository.reader().unwrap();
    let listing = f.listing();
    f.forget_reads();
    let stats = repository_stats(&reader, &listing, &Silent).unwrap();
    assert_eq!(f.packs_read().len(), 0);
    assert_eq!((stats.snapshots, stats.source_bytes), (1, 10_000));
    assert_eq!((stats.data_packs, stats.data_chunks, stats.data_plain_bytes), (1, 1, 5000));
    assert_eq!((stats.meta_packs, stats.meta_chunks), (1, 1));
    assert_eq!((stats.missing_packs, stats.unnamed_packs, stats.repeated_chunks), (0, 0, 0));
    assert_eq!(stats.deduplication_ratio(), Some(2.0));
    let stored = f.storage.inner().clone();
    let listed: u64 = crate::repository::PackListing::read(&stored).unwrap().stored_bytes();
    assert_eq!(stats.stored_bytes(), listed);
    assert!(stats.data_stored_bytes < 5000 && stats.compression_ratio().unwrap() > 1.0);
}

#[test]
fn chunks_that_are_named_twice_are_counted_once_and_told() {
    let f = Fixture::new();
    let files = (0..50u8).map(|n| f.file(&n.to_string(), &[n + 1; 600])).collect();
    f.publish(&f.full(f.folder("data", files)));
    let stats = || repository_stats(&f.repository.reader().unwrap(), &f.listing(), &Silent).unwrap();
    let once = stats();
    assert_eq!((once.data_chunks, once.meta_chunks, once.repeated_chunks), (50, 1, 0));
    for id in f.repository.objects().list_segments().unwrap() {
        f.repository.objects().publish_segment(RunId([9; 16]), &f.repository.objects().read_segment(id).unwrap()).unwrap();
    }
    assert_eq!(stats(), RepositoryStats { repeated_chunks: 51, ..once });
}

#[test]
fn a_pack_that_is_gone_is_counted_as_missing() {
    let f = Fixture::new();
    let folder = f.folder("data", vec![f.file("a", b"a")]);
    f.lose(&folder);
    let stats = repository_stats(&f.repository.reader().unwrap(), &f.listing(), &Silent).unwrap();
    assert_eq!((stats.missing_packs, stats.meta_packs, stats.data_packs), (1, 0, 1));
    assert_eq!((stats.snapshots, stats.deduplication_ratio()), (0, Some(0.0)));
}

#[test]
fn a_path_lies_in_the_deepest_source_above_it() {
    let f = Fixture::new();
    let mut manifest = f.manifest(Kind::Full, None, ["a", "a/b", "ab"].map(|name| node(name, Content::Fifo)).to_vec());
    let root_of = |manifest: &Manifest, path: &str| manifest.root_of(path.as_bytes());
    assert_eq!(["/a", "/a/x", "/a/b", "/a/b/c", "/ab/c", "/other"].map(|path| root_of(&manifest, path)), [0, 0, 1, 1, 2, 0]);
    manifest.entries[0].path = b"/".to_vec();
    assert_eq!(["/", "/x", "/a/b/c"].map(|path| root_of(&manifest, path)), [0, 0, 1]);
}
