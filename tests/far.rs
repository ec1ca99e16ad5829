//! A repository on a storage that takes its time for each request: what has to be waited for.
//!
//! The clock of that storage turns when every thread of the process waits, so each test runs in a process of its own.

use std::process::Command;
use std::sync::Arc;

use strongroom::check::Data;
use strongroom::chunker::Class;
use strongroom::id::{ChunkId, RunId};
use strongroom::index::Location;
use strongroom::repository::{FrameGatherer, Sink};
use strongroom::storage::far::{Asked, Far, REQUESTS_AT_ONCE};
use strongroom::storage::{ANSWERS_BYTES_MAX, MemoryStorage, Storage, map_at_once};

use self::evenings::{Evenings, FarMemory};

#[path = "far/evenings.rs"]
mod evenings;

/// Says that the test runs in a process of its own.
const ALONE: &str = "STRONGROOM_TEST_ALONE";

/// Whether the test `name` of this file runs in a process of its own; if not, it runs in one once more.
fn is_alone(name: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    if !std::path::Path::new("/proc/thread-self").exists() {
        crate::needs::skip("/proc");
        return false;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", &format!("far::{name}"), "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// The rounds that so many requests take at least.
fn least(asked: Asked) -> u64 {
    asked.requests.div_ceil(REQUESTS_AT_ONCE as u64)
}

fn assert_at_most(asked: Asked, factor: f64, verb: &str) {
    println!("{verb}: {asked:?}, at least {} rounds", least(asked));
    assert!(asked.rounds as f64 <= factor * least(asked) as f64, "{verb}: {asked:?}, at least {} rounds", least(asked));
}

#[test]
fn requests_that_follow_each_other_take_a_round_each_and_those_at_once_one_together() {
    if !is_alone("requests_that_follow_each_other_take_a_round_each_and_those_at_once_one_together") {
        return;
    }
    let far = Far::new(MemoryStorage::new());
    (0..5).for_each(|_| drop(far.stat("index/a")));
    assert_eq!(far.take_asked(), Asked { requests: 5, rounds: 5, most_at_once: 1 });
    let names = ["index/a"; 2 * REQUESTS_AT_ONCE + 1];
    map_at_once(&far, &names, |name| far.stat(name)).unwrap();
    assert_eq!(far.take_asked(), Asked { requests: 33, rounds: 3, most_at_once: REQUESTS_AT_ONCE });
    // Half of them come when the others are under way: nobody waits for a round that is over.
    std::thread::scope(|scope| {
        scope.spawn(|| (0..4).for_each(|_| drop(far.stat("index/a"))));
        scope.spawn(|| (0..2).for_each(|_| drop(far.stat("index/a"))));
    });
    assert_eq!(far.take_asked(), Asked { requests: 6, rounds: 4, most_at_once: 2 });
}

#[test]
fn a_restore_of_many_small_files_waits_little_longer_than_its_requests_must_take() {
    if !is_alone("a_restore_of_many_small_files_waits_little_longer_than_its_requests_must_take") {
        return;
    }
    let evenings = Evenings::new(250);
    let far = |verb: &dyn Fn(&FarMemory) -> Asked| verb(&Arc::new(Far::new(evenings.storage.clone())));
    assert_at_most(far(&|far| evenings.restore(far)), 1.3, "restore");
    assert_at_most(far(&|far| evenings.list(far)), 1.5, "list");
    assert_at_most(far(&|far| evenings.check(far, Data::None)), 1.5, "check");
    assert_at_most(far(&|far| evenings.check(far, Data::All)), 1.3, "check all data");
}

#[test]
fn what_came_in_one_evening_is_restored_in_few_rounds() {
    if !is_alone("what_came_in_one_evening_is_restored_in_few_rounds") {
        return;
    }
    let evenings = Evenings::new(1);
    let asked = evenings.restore(&Arc::new(Far::new(evenings.storage.clone())));
    assert!(asked.requests <= 24 && asked.rounds <= 11, "{asked:?}");
    let asked = evenings.snapshot(&Arc::new(Far::new(evenings.storage.clone())));
    assert!(asked.requests <= 40 && asked.rounds <= 28, "{asked:?}");
}

#[test]
fn a_run_in_which_nothing_changed_reads_the_pages_of_its_base_before_it_comes_to_them() {
    if !is_alone("a_run_in_which_nothing_changed_reads_the_pages_of_its_base_before_it_comes_to_them") {
        return;
    }
    // 300 folders, and 150 above them.
    let evenings = Evenings::new(150);
    let asked = evenings.snapshot(&Arc::new(Far::new(evenings.storage.clone())));
    // One after the other the pages alone would take some 150 rounds: each evening has a pack of its own.
    assert!(asked.requests <= 650, "{asked:?}");
    assert_at_most(asked, 2.0, "snapshot");
}

#[test]
fn long_frames_are_asked_for_only_as_far_as_their_bytes_may_be_in_memory() {
    if !is_alone("long_frames_are_asked_for_only_as_far_as_their_bytes_may_be_in_memory") {
        return;
    }
    const FRAMES: usize = 8;
    const FRAME_BYTES: usize = 12 << 20;
    let storage = Evenings::new(1).storage;
    let near = evenings::open(Arc::new(storage.clone()));
    let sink = Sink::open(near.chunks(), &near.read_facts().unwrap(), RunId([1; 16])).unwrap();
    let (mut gatherer, mut bytes) = (FrameGatherer::default(), vec![0; FRAME_BYTES]);
    let mut store = |number: usize| {
        blake3::Hasher::new_derive_key(&number.to_string()).finalize_xof().fill(&mut bytes);
        sink.store_data(&mut gatherer, Class::Media, &bytes).unwrap()
    };
    let ids: Vec<ChunkId> = (0..FRAMES).map(&mut store).collect();
    sink.flush(&mut gatherer).unwrap();
    sink.commit().unwrap();
    let far: FarMemory = Arc::new(Far::new(storage));
    let repository = evenings::open(Arc::clone(&far) as _);
    let reader = repository.reader().unwrap();
    let places: Vec<Location> = ids.iter().map(|id| reader.places(id).unwrap()[0]).collect();
    far.take_asked();
    let read = map_at_once(&*far, &places, |place| {
        let mut frame_bytes = Vec::new();
        reader.read_frames_beside(&place.pack, place.pack_bytes, &[place.frame.in_pack()], &mut |_, plain| {
            frame_bytes.push(plain.unwrap().len());
        });
        Ok(frame_bytes)
    });
    assert_eq!(read.unwrap().concat(), [FRAME_BYTES; FRAMES]);
    let asked = far.take_asked();
    // Sealed and plain.
    let at_once = ANSWERS_BYTES_MAX as usize / (2 * FRAME_BYTES);
    assert!(asked.most_at_once <= at_once, "{asked:?}");
    assert!(asked.rounds as usize >= FRAMES / at_once, "{asked:?}");
}

#[test]
fn a_prune_waits_for_many_answers_at_once() {
    if !is_alone("a_prune_waits_for_many_answers_at_once") {
        return;
    }
    let evenings = Evenings::new(50);
    let asked = evenings.prune(&Arc::new(Far::new(evenings.storage.clone())));
    assert!(asked.requests > 500, "{asked:?}");
    assert_at_most(asked, 3.0, "prune");
    // What it moved is whole.
    evenings.restore(&Arc::new(Far::new(evenings.storage.clone())));
}
