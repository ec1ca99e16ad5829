//! Counts and lengths of things that are not there.

use strongroom::error::Result;
use strongroom::id::ChunkId;
use strongroom::index::IndexSegment;
use strongroom::manifest::{Content, ContentList, Item, Manifest, Page, Record, Settings};
use strongroom::pack::{ObjectKind, PackDirectory};
use strongroom::wire::{self, Extensions};

use super::Forger;
use super::forger::{bomb, node, store_leaf};

/// The number that stands where there was another.
const MANY: u64 = 1 << 40;

/// Puts [`MANY`] at every place of `good`: what decodes then must not have been a count.
fn claim_everywhere<T>(what: &str, good: &[u8], decode: impl Fn(&[u8]) -> Result<T>) {
    assert!(decode(good).is_ok(), "{what}");
    let mut refused = 0;
    for at in 0..good.len().saturating_sub(8) {
        let mut bytes = good.to_vec();
        bytes[at..at + 8].copy_from_slice(&MANY.to_le_bytes());
        // A count that was believed would end the test here, for want of memory.
        refused += usize::from(decode(&bytes).is_err());
    }
    assert!(refused > 8, "{what}: {refused}");
}

#[test]
fn counts_of_two_to_the_forty_are_refused_wherever_they_stand() {
    let forger = Forger::new();
    let repository = &forger.repository;
    claim_everywhere("a manifest", &forger.manifest().encode(), Manifest::decode);
    let segment = repository.objects().read_segment(repository.objects().list_segments().unwrap()[0]).unwrap();
    claim_everywhere("an index segment", &segment.encode(), IndexSegment::decode);
    let directory = PackDirectory { frames: segment.packs[0].frames.clone(), extensions: Extensions::none() };
    claim_everywhere("a directory", &wire::encode(&directory), |bytes| wire::decode::<PackDirectory>(bytes, "a directory"));
    let list = ContentList { depth: 0, items: vec![Item::Chunk(ChunkId([1; 32]), 5), Item::Hole(3)] };
    let page = Page::Leaf(vec![node(b"a", Content::File(8, list)), node(b"b", Content::Symlink(b"c".to_vec()))]);
    claim_everywhere("a tree page", &wire::encode(&page), |bytes| wire::decode::<Page>(bytes, "a tree page"));
    let settings = repository.facts().settings();
    claim_everywhere("settings", &wire::encode(settings), |bytes| wire::decode::<Settings>(bytes, "settings"));
    let time = strongroom::units::Timestamp::new(1, 0);
    let (run, client) = (strongroom::id::RunId([1; 16]), strongroom::id::ClientId([2; 16]));
    let record = Record { record_type: 0x0f00, counter: 1, run, client, time, payload: vec![1, 2, 3], extensions: Extensions::none() };
    claim_everywhere("a record", &record.encode(), Record::decode);
}

#[test]
fn sealed_objects_that_claim_two_to_the_forty_entries_cost_no_memory() {
    let forger = Forger::new();
    let (place, honest) = (&forger.place, forger.manifest());
    let mut manifest = honest.encode();
    let series = honest.series.as_bytes();
    let at = manifest.windows(series.len()).position(|window| window == series).unwrap() - 8;
    manifest[at..at + 8].copy_from_slice(&MANY.to_le_bytes());
    let bad = forger.put("snapshots", &forger.seal(ObjectKind::Manifest, &manifest));
    let mut segment = IndexSegment::default().encode();
    segment[..8].copy_from_slice(&MANY.to_le_bytes());
    forger.put("index", &forger.seal(ObjectKind::Index, &segment));
    assert_eq!(forger.run(&["-q", "check", "--read-data"]).code, 4);
    assert_ne!(forger.restore(&bad).code, 0);
    assert!(!place.path("back").exists());
    // The honest snapshot is not harmed by its neighbours, though nobody knows whether it is the latest.
    let listed = forger.run(&["snapshots", "-q"]);
    assert_eq!((listed.code, listed.stdout.lines().count()), (4, 1), "{}", listed.stderr);
    assert_eq!(forger.restore("latest").code, 4);
    assert!(!place.path("back").exists());
    assert_eq!(forger.restore(listed.stdout.trim()).code, 0);
    assert_eq!(std::fs::read_to_string(place.path("back/a")).unwrap(), "first");
}

#[test]
fn bodies_that_unpack_to_more_than_they_say_are_refused() {
    let forger = Forger::new();
    let packed = bomb(2 << 30);
    let honest = forger.run(&["-q", "snapshots"]).stdout.trim().to_owned();
    for (folder, kind) in [("snapshots", ObjectKind::Manifest), ("index", ObjectKind::Index), ("records", ObjectKind::Record)] {
        // What it says is little, is as much as may be said, and is all of it.
        for plain_bytes in [100, 8 << 20, 2 << 30] {
            let name = forger.put(folder, &forger.seal_packed(kind, &packed, plain_bytes));
            let checked = forger.run(&["-q", "check"]);
            assert_eq!(checked.code, 4, "{folder} {plain_bytes}: {}", checked.stderr);
            assert!(checked.stderr.contains(&name), "{folder} {plain_bytes}: {}", checked.stderr);
            assert_eq!(forger.restore(&honest).code, 0, "{folder} {plain_bytes}");
            std::fs::remove_file(forger.place.path(&format!("repository/{folder}/{name}"))).unwrap();
            std::fs::remove_dir_all(forger.place.path("back")).unwrap();
        }
    }
}

#[test]
fn a_frame_that_unpacks_to_more_than_it_says_leaves_a_damaged_file() {
    let forger = Forger::new();
    let chunk = ChunkId([9; 32]);
    forger.put_pack(&bomb(2 << 30), chunk, 1000);
    let id = forger.put_snapshot(|sink| {
        let list = ContentList { depth: 0, items: vec![Item::Chunk(chunk, 1000)] };
        store_leaf(sink, vec![node(b"file", Content::File(1000, list))])
    });
    assert_eq!(forger.run(&["-q", "check", "--read-data"]).code, 4);
    assert_eq!(forger.restore(&id).code, 4);
    assert_eq!(crate::cli_place::names(&forger.place.path("back")), [forger.place.text("back/file.damaged")]);
}
