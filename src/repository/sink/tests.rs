//! A sink alone: claims, failures, take-over, lost chunks.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::*;
use crate::chunker::Class;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::error::ErrorKind;
use crate::id::ClientId;
use crate::manifest::{ABSENT, AbsentChunks, Record};
use crate::pack::FRAME_PLAIN_BYTES_MAX;
use crate::repository::facts::publish_record;
use crate::repository::sink::packs::PACK_DIRECTORY_BYTES;
use crate::repository::{CreateOptions, Credential, OpenOptions, Repository, create};
use crate::storage::faults::{Damage, Faults, Lasts};
use crate::storage::{MemoryStorage, Storage};
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

type Faulty = Arc<Faults<MemoryStorage>>;

fn credential() -> Credential {
    Credential::KeyFile(Zeroizing::new(vec![7; 32]))
}

fn new_storage() -> Faulty {
    let storage = Arc::new(Faults::new(MemoryStorage::new()));
    let options = CreateOptions {
        algorithm: Algorithm::Aes256Gcm,
        credential: Some(credential()),
        cost: Argon2Cost::STANDARD,
        now: Timestamp::default(),
    };
    create(&*storage, &options).unwrap();
    storage
}

fn open(storage: &Faulty) -> Repository {
    let options = OpenOptions { credential: Some(credential()), ..OpenOptions::default() };
    Repository::open(Arc::clone(storage) as Arc<dyn Storage>, options).unwrap()
}

fn sink(repository: &Repository) -> Sink {
    Sink::open(repository.chunks(), &repository.read_facts().unwrap(), RunId([1; 16])).unwrap()
}

fn content(n: u32) -> Vec<u8> {
    let mut out = vec![0; 20_000];
    blake3::Hasher::new_derive_key(&n.to_string()).finalize_xof().fill(&mut out);
    out
}

fn store(sink: &Sink, range: std::ops::Range<u32>) -> Result<Vec<ChunkId>> {
    let mut gatherer = FrameGatherer::default();
    let ids = range.map(|n| sink.store_data(&mut gatherer, Class::General, &content(n))).collect::<Result<Vec<_>>>()?;
    sink.flush(&mut gatherer)?;
    Ok(ids)
}

fn record_lost(repository: &Repository, chunks: Vec<ChunkId>) {
    let record = Record {
        record_type: ABSENT,
        counter: 1,
        run: RunId([3; 16]),
        client: ClientId([0; 16]),
        time: Timestamp::default(),
        payload: wire::encode(&AbsentChunks { chunks }),
        extensions: Extensions::none(),
    };
    publish_record(&**repository.storage(), repository.keys(), &record).unwrap();
}

#[test]
fn a_chunk_that_many_threads_meet_at_once_is_stored_once() {
    let storage = new_storage();
    let repository = open(&storage);
    let sink = sink(&repository);
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| store(&sink, 0..100).unwrap());
        }
    });
    sink.store_meta(b"page").unwrap();
    sink.commit().unwrap();
    assert_eq!(sink.counts().chunks_new.load(Ordering::Relaxed), 100);
    let reader = repository.reader().unwrap();
    assert_eq!(reader.index().chunk_count(), 101);
    for n in 0..100 {
        let id = repository.keys().identify.data_chunk(&content(n));
        assert_eq!(*reader.data_chunk(&id).unwrap(), content(n)[..]);
    }
}

#[test]
fn whichever_writing_call_fails_once_nothing_is_committed_even_if_nobody_looked_at_the_error() {
    for nth in 1.. {
        let storage = new_storage();
        let repository = open(&storage);
        let sink = sink(&repository);
        storage.fail_writing_call(nth, ErrorKind::Full, Lasts::Once);
        // The worker's error gets lost, as when the run was interrupted in the same moment.
        let _ = store(&sink, 0..60);
        let _ = store(&sink, 60..160);
        let _ = sink.store_meta(b"page");
        let outcome = sink.commit();
        if storage.is_armed() {
            outcome.unwrap();
            assert!(nth > 5, "there was something to fail");
            return;
        }
        assert!(outcome.is_err(), "call {nth} failed, and the commit did not");
        assert!(sink.commit().is_err(), "it stays so");
    }
}

#[test]
fn what_a_dead_run_left_is_taken_over_and_committed_with_the_next() {
    let storage = new_storage();
    let repository = open(&storage);
    let dead = sink(&repository);
    store(&dead, 0..50).unwrap();
    dead.retire_pack(&dead.data).unwrap();
    drop(dead);
    assert_eq!(storage.list("packs").unwrap().len(), 1);
    let next = sink(&repository);
    store(&next, 0..50).unwrap();
    next.commit().unwrap();
    assert_eq!(next.counts().packs_adopted.load(Ordering::Relaxed), 1);
    assert_eq!(next.counts().chunks_new.load(Ordering::Relaxed), 0);
    assert_eq!(open(&storage).reader().unwrap().index().chunk_count(), 50);
}

#[test]
fn a_pack_with_an_unreadable_header_is_left_alone_whatever_it_seems_to_say() {
    for at in [0, 10, 16, 20, 22] {
        let storage = new_storage();
        let repository = open(&storage);
        let dead = sink(&repository);
        store(&dead, 0..5).unwrap();
        dead.retire_pack(&dead.data).unwrap();
        drop(dead);
        storage.damage("packs", Damage::FlipByte(at));
        let next = sink(&repository);
        assert_eq!(next.counts().packs_adopted.load(Ordering::Relaxed), 0, "byte {at}");
    }
}

#[test]
fn another_place_is_tried_when_a_header_claims_to_be_of_a_later_version() {
    let storage = new_storage();
    let repository = open(&storage);
    let first = sink(&repository);
    let second = sink(&repository);
    let id = store(&first, 0..1).unwrap()[0];
    store(&second, 0..1).unwrap();
    first.commit().unwrap();
    second.commit().unwrap();
    let packs = storage.list("packs").unwrap();
    assert_eq!(packs.len(), 2, "two runs at once store a chunk twice");
    for pack in &packs {
        storage.heal();
        storage.damage(&pack.name, Damage::FlipByte(10));
        assert_eq!(*repository.reader().unwrap().data_chunk(&id).unwrap(), content(0)[..]);
    }
    storage.heal();
    storage.damage("packs", Damage::FlipByte(10));
    assert!(repository.reader().unwrap().data_chunk(&id).err().unwrap().is_damage());
}

#[test]
fn a_chunk_recorded_as_lost_after_the_opening_does_not_count_as_known() {
    let storage = new_storage();
    let repository = open(&storage);
    let first = sink(&repository);
    let id = store(&first, 0..1).unwrap()[0];
    first.commit().unwrap();
    assert!(sink(&repository).is_known(&id));
    record_lost(&open(&storage), vec![id]);
    let later = sink(&repository);
    assert!(!later.is_known(&id));
    assert!(!later.is_whole());
    store(&later, 0..1).unwrap();
    assert_eq!(later.counts().chunks_new.load(Ordering::Relaxed), 1);
    assert!(later.is_known(&id));
    later.checkpoint().unwrap();
    assert!(later.is_known(&id), "stored again, it stays known to this run");
}

#[test]
fn a_pack_that_is_taken_over_does_not_make_a_lost_chunk_known() {
    let storage = new_storage();
    let repository = open(&storage);
    let dead = sink(&repository);
    let ids = store(&dead, 0..2).unwrap();
    dead.retire_pack(&dead.data).unwrap();
    drop(dead);
    record_lost(&repository, vec![ids[0]]);
    let next = sink(&repository);
    assert_eq!((next.is_known(&ids[0]), next.is_known(&ids[1])), (false, true));
}

#[test]
fn with_a_damaged_record_everything_can_be_read_and_nothing_written() {
    let storage = new_storage();
    let repository = open(&storage);
    let first = sink(&repository);
    let id = store(&first, 0..1).unwrap()[0];
    first.commit().unwrap();
    let before: Vec<String> = storage.list("records").unwrap().into_iter().map(|listed| listed.name).collect();
    record_lost(&repository, vec![id]);
    let added = storage.list("records").unwrap().into_iter().find(|listed| !before.contains(&listed.name)).unwrap();
    storage.damage(&added.name, Damage::FlipByte(200));
    let repository = open(&storage);
    assert_eq!(*repository.reader().unwrap().data_chunk(&id).unwrap(), content(0)[..]);
    assert!(Sink::open(repository.chunks(), &repository.read_facts().unwrap(), RunId([1; 16])).err().unwrap().is_damage());
}

#[test]
fn a_dry_run_publishes_nothing_at_a_checkpoint_either() {
    let storage = new_storage();
    let repository = open(&storage);
    let dead = sink(&repository);
    store(&dead, 0..5).unwrap();
    dead.retire_pack(&dead.data).unwrap();
    drop(dead);
    let mut dry = sink(&repository);
    dry.set_dry();
    store(&dry, 0..9).unwrap();
    dry.checkpoint().unwrap();
    assert!(storage.list("index").unwrap().is_empty());
}

#[test]
fn chunks_that_shrink_to_nothing_close_a_pack_before_its_directory_is_too_long() {
    let storage = new_storage();
    let repository = open(&storage);
    let sink = sink(&repository);
    let mut gatherer = FrameGatherer::default();
    let count = PACK_DIRECTORY_BYTES / 36 + 200_000;
    for n in 0..count {
        sink.store_data(&mut gatherer, Class::General, &n.to_le_bytes()).unwrap();
    }
    sink.flush(&mut gatherer).unwrap();
    sink.commit().unwrap();
    assert!(storage.list("packs").unwrap().len() > 1);
    assert_eq!(repository.reader().unwrap().index().chunk_count(), count);
}

#[test]
fn a_chunk_longer_than_a_frame_is_refused_when_it_is_stored() {
    let storage = new_storage();
    let repository = open(&storage);
    let sink = sink(&repository);
    let page = vec![0; FRAME_PLAIN_BYTES_MAX as usize + 1];
    assert_eq!(sink.store_meta(&page).err().unwrap().kind(), ErrorKind::Invalid);
    assert!(sink.commit().is_err());
}
