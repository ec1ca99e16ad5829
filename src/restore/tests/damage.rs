//! What is damaged costs the files that it belongs to, and nothing else.

use super::*;
use crate::chunker::Class;
use crate::id::RunId;
use crate::index::Location;
use crate::manifest::{Content, Item};
use crate::repository::{FrameGatherer, Sink};
use crate::storage::Stale;
use crate::storage::faults::Damage;
use crate::trees::SnapshotView;

/// All places of the chunks of a file.
fn places_of(bench: &Bench, manifest: &Manifest, name: &str) -> Vec<Location> {
    let reader = bench.repository.reader().unwrap();
    let node = SnapshotView::new(&reader, manifest).lookup(&bench.saved(name)).unwrap().unwrap();
    let Content::File(_, list) = node.content else { panic!("{name} is no file") };
    let chunk = |item: &Item| match item {
        Item::Chunk(id, _) => reader.places(id).unwrap(),
        Item::Hole(_) => Vec::new(),
    };
    list.items.iter().flat_map(chunk).collect()
}

fn damage_frame(bench: &Bench, place: &Location) {
    let damage = Damage::FlipByte(place.frame.offset + u64::from(place.frame.sealed_bytes) / 2);
    bench.storage.inner().damage(&repository::pack_name(&place.pack), damage);
}

#[test]
fn a_damaged_frame_costs_only_the_file_that_lies_in_it() {
    let bench = Bench::new();
    bench.write("a", noise(1, 100_000));
    bench.write("broken", noise(2, 6 << 20));
    bench.write("c", noise(3, 100_000));
    let manifest = bench.snapshot();
    let places = places_of(&bench, &manifest, "broken");
    let others: Vec<_> = ["a", "c"].iter().flat_map(|name| places_of(&bench, &manifest, name)).map(|place| place.frame.number).collect();
    let bad = places.iter().find(|place| !others.contains(&place.frame.number)).unwrap();
    damage_frame(&bench, bad);
    let (outcome, findings) = bench.restore(&manifest, &Request { verify: true, ..bench.request() });
    assert_eq!(names_in(bench.target.path()), ["a", "broken.damaged", "c"]);
    assert_eq!((outcome.files, outcome.damaged, outcome.verified), (2, 1, 2));
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.kind, finding.path.ends_with(b"/broken")), (FindingKind::Damaged, true));
    assert!(finding.message.contains("cannot be had"), "{finding}");
    let (kept, whole) = (fs::read(bench.restored("broken.damaged")).unwrap(), noise(2, 6 << 20));
    assert_eq!(kept.len(), whole.len());
    let missing: u64 = places.iter().filter(|place| place.frame.number == bad.frame.number).map(|place| u64::from(place.chunk_bytes)).sum();
    let differing = kept.iter().zip(&whole).filter(|(a, b)| a != b).count() as u64;
    assert!(differing > 0 && differing <= missing, "{differing} bytes differ of {missing} missing");
}

#[test]
fn a_missing_pack_leaves_damaged_files_and_everything_else() {
    let bench = Bench::new();
    bench.write("file", noise(1, 10_000));
    bench.write("empty", "");
    let manifest = bench.snapshot();
    let place = places_of(&bench, &manifest, "file")[0];
    bench.storage.inner().damage(&repository::pack_name(&place.pack), Damage::Remove);
    let (outcome, findings) = bench.restore(&manifest, &bench.request());
    assert_eq!(names_in(bench.target.path()), ["empty", "file.damaged"]);
    assert!(findings[0].message.contains("of 10000 bytes 0 to 9999 cannot be had"), "{findings:?}");
    assert_eq!((outcome.files, outcome.damaged), (1, 1));
}

#[test]
fn a_chunk_with_two_places_is_restored_from_the_one_that_is_whole() {
    let bench = Bench::new();
    bench.write("file", noise(1, 10_000));
    let manifest = bench.snapshot();
    let first = places_of(&bench, &manifest, "file")[0];
    // While the first pack seems to be gone the same content is stored once more.
    let listed = bench.storage.inner().inner().clone();
    let second = Repository::open(
        Arc::new(WithoutPack { inner: listed, hidden: repository::pack_name(&first.pack) }),
        OpenOptions { credential: Some(Credential::KeyFile(zeroize::Zeroizing::new(vec![7; 32]))), ..OpenOptions::default() },
    )
    .unwrap();
    let sink = Sink::open(second.chunks(), &second.read_facts().unwrap(), RunId([9; 16])).unwrap();
    let mut gatherer = FrameGatherer::default();
    sink.store_data(&mut gatherer, Class::General, &noise(1, 10_000)).unwrap();
    sink.flush(&mut gatherer).unwrap();
    sink.commit().unwrap();
    let places = places_of(&bench, &manifest, "file");
    assert_eq!(places.len(), 2);
    for bad in &places {
        bench.storage.inner().heal();
        damage_frame(&bench, bad);
        let target = tempfile::tempdir().unwrap();
        let request = Request { destination: target.path().as_os_str().as_bytes().to_vec(), ..bench.request() };
        let (outcome, findings) = bench.restore(&manifest, &request);
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(outcome.files, 1);
        assert!(fs::read(target.path().join("file")).unwrap() == noise(1, 10_000));
    }
}

#[test]
fn a_pack_that_moves_during_a_restore_is_found_again() {
    let bench = Bench::new();
    bench.write("file", noise(1, 10_000));
    let manifest = bench.snapshot();
    let first = places_of(&bench, &manifest, "file")[0];
    let reader = bench.repository.reader().unwrap();
    // The reader has its index; now the content is in a new pack and the old one is gone.
    let inner = bench.storage.inner().inner().clone();
    let name = repository::pack_name(&first.pack);
    crate::storage::Storage::remove(&inner, &name).unwrap();
    let sink = Sink::open(bench.repository.chunks(), &bench.repository.read_facts().unwrap(), RunId([9; 16])).unwrap();
    let mut gatherer = FrameGatherer::default();
    sink.store_data(&mut gatherer, Class::General, &noise(1, 10_000)).unwrap();
    sink.flush(&mut gatherer).unwrap();
    sink.commit().unwrap();
    let progress = Collected::default();
    let outcome = run(&Snapshot { reader: &reader, manifest: &manifest }, &bench.request(), &progress).unwrap();
    assert!(progress.take().is_empty());
    assert_eq!((outcome.files, outcome.damaged), (1, 0));
}

#[test]
fn entries_that_cannot_be_read_are_reported_and_others_restored() {
    let bench = Bench::new();
    bench.write("file", "x");
    let mut manifest = bench.snapshot();
    let entry = manifest.entries.last_mut().unwrap();
    let Content::Directory(tree) = &mut entry.node.content else { panic!("the source is a folder") };
    tree.id.0[0] ^= 1;
    bench.write("elsewhere", "");
    fs::write(bench.restored("mine"), "mine").unwrap();
    let (outcome, findings) = bench.restore(&manifest, &Request { delete: true, ..bench.request() });
    assert_eq!((outcome.damaged, outcome.files, outcome.deleted), (1, 0, 0));
    assert_eq!(findings[0].kind, FindingKind::Damaged);
    assert_eq!(names_in(bench.target.path()), ["mine"], "nothing is deleted where not all names are known");
}

/// A storage in which one object does not seem to be there.
#[derive(Debug)]
struct WithoutPack {
    inner: MemoryStorage,
    hidden: String,
}

#[deny(clippy::missing_trait_methods)]
impl crate::storage::Storage for WithoutPack {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn identity(&self) -> Vec<u8> {
        self.inner.identity()
    }

    fn properties(&self) -> crate::storage::Properties {
        self.inner.properties()
    }

    fn free_bytes(&self) -> Option<u64> {
        self.inner.free_bytes()
    }

    fn create_folder(&self, folder: &str) -> crate::error::Result<()> {
        self.inner.create_folder(folder)
    }

    fn create(&self, area: &str) -> crate::error::Result<Box<dyn crate::storage::Upload>> {
        self.inner.create(area)
    }

    fn sync(&self, folders: &[String]) -> crate::error::Result<()> {
        self.inner.sync(folders)
    }

    fn read(&self, name: &str, max_bytes: u64) -> crate::error::Result<Vec<u8>> {
        self.inner.read(name, max_bytes)
    }

    fn read_range(&self, name: &str, offset: u64, buffer: &mut [u8]) -> crate::error::Result<()> {
        self.inner.read_range(name, offset, buffer)
    }

    fn list(&self, folder: &str) -> crate::error::Result<Vec<crate::storage::Listed>> {
        let listed = self.inner.list(folder)?;
        Ok(listed.into_iter().filter(|listed| listed.name != self.hidden).collect())
    }

    fn stat(&self, name: &str) -> crate::error::Result<Option<u64>> {
        self.inner.stat(name)
    }

    fn remove(&self, name: &str) -> crate::error::Result<()> {
        self.inner.remove(name)
    }

    fn set_aside(&self, name: &str, new_name: &str) -> crate::error::Result<()> {
        self.inner.set_aside(name, new_name)
    }

    fn remove_stale_temporaries(&self, stale: Stale) -> crate::error::Result<u64> {
        self.inner.remove_stale_temporaries(stale)
    }

    fn lock(&self, name: &str, mode: crate::storage::LockMode, wait: bool) -> crate::error::Result<Box<dyn crate::storage::Lock>> {
        self.inner.lock(name, mode, wait)
    }
}
