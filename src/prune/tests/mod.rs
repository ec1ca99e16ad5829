//! Tests of prune: what stays is whole, what goes is gone, and no failure on the way loses anything.

mod beside;
mod deciding;
mod full_disk;
mod guarded;
mod lost_pages;
mod meanwhile;
mod unnamed;

use std::sync::Arc;

use super::*;
use crate::error::ErrorKind;
use crate::id::SnapshotId;
use crate::progress::Silent;
use crate::repository::{OpenOptions, Repository};
use crate::snapshot::tests::{Bench, Entries, credential, noise};
use crate::storage::faults::{Faults, Lasts};
use crate::storage::recorder::Verb;
use crate::storage::{LOCK, LockMode, PRUNE_LOCK, Storage};
use crate::trees::{Piece, SnapshotView, Step, visit_content};
use crate::units::Timestamp;

/// The benches commit an hour after the present.
fn later() -> Timestamp {
    Timestamp::now().plus_seconds(2 * 3600)
}

fn request(remove: &[SnapshotId]) -> Request {
    Request { remove: remove.to_vec(), clock: later, ..Request::default() }
}

fn prune(bench: &Bench, remove: &[SnapshotId]) -> Outcome {
    run(&bench.repository, &request(remove), &Silent).unwrap()
}

/// What a dry run says.
fn expect(repository: &Repository, request: &Request) -> crate::error::Result<Outcome> {
    foresee(repository, &plan(repository, request, &Silent)?, &Silent)
}

fn open(storage: Arc<dyn Storage>) -> Repository {
    Repository::open(storage, OpenOptions { credential: Some(credential()), ..OpenOptions::default() }).unwrap()
}

/// Days of a source that grows, changes and shrinks; gives what each snapshot must restore to.
fn age(bench: &Bench, days: usize) -> Vec<(SnapshotId, Entries)> {
    let mut snapshots = Vec::new();
    for day in 0..days {
        bench.write(&format!("grows/{day}"), noise(&format!("grows {day}"), 300_000));
        bench.write("changes", noise(&format!("changes {day}"), 900_000));
        for n in 0..40 {
            if n % days <= day {
                bench.write(&format!("small/{n}"), format!("small {n} on day {day} ").repeat(n + 1));
            }
        }
        if day > 1 {
            std::fs::remove_file(bench.source.path().join(format!("grows/{}", day - 2))).unwrap();
        }
        let outcome = bench.snapshot();
        snapshots.push((outcome.id.unwrap(), bench.read(&outcome)));
    }
    snapshots
}

#[test]
fn what_stays_is_whole_and_what_goes_is_gone() {
    let bench = Bench::new();
    let snapshots = age(&bench, 6);
    let removed: Vec<SnapshotId> = snapshots[..4].iter().map(|(id, _)| *id).collect();
    let outcome = prune(&bench, &removed);
    assert_eq!(outcome.snapshots_removed, 4);
    assert!(outcome.bytes_freed > 1_000_000, "{outcome:?}");
    assert_eq!(bench.repository.objects().list_snapshots().unwrap().len(), 2);
    let again = open(Arc::clone(&bench.storage) as _);
    for (id, entries) in &snapshots[4..] {
        assert!(bench.read_from(&again, *id) == *entries);
    }
    assert!(again.objects().read_manifest(&removed[0]).unwrap_err().is_not_found());
    let next = bench.snapshot();
    bench.assert_same(&next);
    let idle = prune(&bench, &[]);
    assert_eq!((idle.packs_removed, idle.packs_rewritten, idle.bytes_freed), (0, 0, 0), "a second prune finds nothing to do");
}

#[test]
fn almost_all_that_a_fresh_repository_would_not_hold_is_freed() {
    let bench = Bench::new();
    let snapshots = age(&bench, 8);
    let before = prune(&bench, &[]).bytes_after;
    let removed: Vec<SnapshotId> = snapshots[..7].iter().map(|(id, _)| *id).collect();
    let after = prune(&bench, &removed).bytes_after;
    let fresh = Bench { source: bench.source, ..Bench::new() };
    fresh.snapshot();
    let fresh = prune(&fresh, &[]).bytes_before;
    let share = (before - after) as f64 / (before - fresh) as f64;
    assert!(share >= 0.95, "{share}: {before} {after} {fresh}");
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_a_prune_would_free() {
    let bench = Bench::new();
    let snapshots = age(&bench, 4);
    let remove = vec![snapshots[0].0, snapshots[1].0];
    bench.storage.clear();
    let planned = expect(&bench.repository, &request(&remove)).unwrap();
    for verb in [Verb::Create, Verb::Publish, Verb::Remove, Verb::LockExclusive] {
        let count = bench.storage.calls().iter().filter(|call| call.verb == verb && call.name != PRUNE_LOCK).count();
        assert_eq!(count, 0, "{verb:?}");
    }
    let done = prune(&bench, &remove);
    assert_eq!((planned.snapshots_removed, planned.packs_removed, planned.packs_rewritten), (2, done.packs_removed, done.packs_rewritten));
    let (planned, done) = (planned.bytes_freed as f64, done.bytes_freed as f64);
    assert!((planned - done).abs() < done * 0.2, "{planned} was promised, {done} was freed");
}

#[test]
fn a_second_prune_is_busy_and_a_running_snapshot_is_waited_for() {
    let bench = Bench::new();
    bench.write("a", "a");
    bench.snapshot();
    let held = bench.storage.lock(PRUNE_LOCK, LockMode::Exclusive, false).unwrap();
    assert_eq!(run(&bench.repository, &Request::default(), &Silent).unwrap_err().kind(), ErrorKind::Busy);
    drop(held);
    // A front that asks to stop as soon as prune waits gets its way; one that did not wait would end well.
    #[derive(Default)]
    struct Stop(std::sync::atomic::AtomicBool);
    impl crate::cancel::Cancel for Stop {
        fn is_cancelled(&self) -> bool {
            self.0.load(std::sync::atomic::Ordering::Relaxed)
        }
    }

    impl crate::progress::Progress for Stop {
        fn report(&self, finding: crate::progress::Finding) {
            self.0.fetch_or(finding.message.contains("waiting for it"), std::sync::atomic::Ordering::Relaxed);
        }
    }
    let _running = bench.storage.lock(LOCK, LockMode::Shared, false).unwrap();
    assert_eq!(run(&bench.repository, &request(&[]), &Stop::default()).unwrap_err().kind(), ErrorKind::Interrupted);
}

#[test]
fn an_unreadable_tree_stops_the_prune_before_anything_is_removed() {
    let bench = Bench::new();
    let snapshots = age(&bench, 3);
    // The pack with the root tree of the newest snapshot is lost.
    let manifest = bench.repository.objects().read_manifest(&snapshots[2].0).unwrap();
    let tree = manifest.entries.iter().find_map(|entry| match &entry.node.content {
        crate::manifest::Content::Directory(tree) => Some(tree.id),
        _ => None,
    });
    let places = bench.repository.reader().unwrap().places(&tree.unwrap()).unwrap();
    bench.storage.remove(&crate::repository::pack_name(&places[0].pack)).unwrap();
    bench.storage.clear();
    let error = run(&bench.repository, &request(&[snapshots[0].0]), &Silent).unwrap_err();
    assert!(error.is_damage(), "{error}");
    assert_eq!(bench.storage.count(Verb::Remove, ""), 0);
    assert_eq!(bench.repository.objects().list_snapshots().unwrap().len(), 3);
}

#[test]
fn packs_of_an_interrupted_run_are_freed() {
    let bench = Bench::new();
    bench.write("a", "a");
    bench.snapshot();
    let faults = Arc::new(Faults::new(Arc::clone(&bench.storage)));
    let doomed = open(Arc::clone(&faults) as _);
    bench.write("b", noise("b", 40 << 20));
    faults.fail_writing_call(30, ErrorKind::Full, Lasts::Forever);
    assert!(crate::snapshot::run(&doomed, &bench.request(), &Silent).is_err());
    let outcome = prune(&bench, &[]);
    assert!(outcome.bytes_freed > 30 << 20, "{outcome:?}");
    bench.assert_same(&bench.snapshot());
}

/// The frames that a restore of `id` decodes, each once, with their packs.
fn frames_of(bench: &Bench, id: SnapshotId) -> std::collections::HashMap<(crate::id::PackId, u32), crate::index::Location> {
    let manifest = bench.repository.objects().read_manifest(&id).unwrap();
    let reader = bench.repository.reader().unwrap();
    let mut walk = SnapshotView::new(&reader, &manifest).walk();
    let mut frames = std::collections::HashMap::new();
    while let Some(step) = walk.next_step().unwrap() {
        let Step::Entry(node) = step else { continue };
        let crate::manifest::Content::File(_, list) = &node.content else { continue };
        visit_content(&reader, list, &mut |piece: Piece| {
            if let Piece::Chunk { id, .. } = piece {
                let place = reader.places(&id)?.remove(0);
                frames.insert((place.pack, place.frame.number), place);
            }
            Ok(())
        })
        .unwrap();
    }
    frames
}

#[test]
fn after_a_prune_the_newest_snapshot_decodes_at_most_twice_its_bytes() {
    let bench = Bench::new();
    let snapshots = age(&bench, 8);
    let (newest, entries) = snapshots.last().unwrap();
    let plain_bytes: usize = entries.values().map(|(_, plain)| plain.len()).sum();
    let removed: Vec<SnapshotId> = snapshots[..7].iter().map(|(id, _)| *id).collect();
    prune(&bench, &removed);
    let decoded_bytes: u64 = frames_of(&bench, *newest).values().map(|place| u64::from(place.frame.plain_bytes)).sum();
    assert!(decoded_bytes <= 2 * plain_bytes as u64, "{decoded_bytes} for {plain_bytes}");
}

#[test]
fn a_frame_all_of_which_is_needed_moves_as_it_is_and_the_rest_of_others_is_gathered_again() {
    let bench = Bench::new();
    // Two chunks that travel alone, and small files that share a frame, of which few stay.
    bench.write("alone", [b"\xff\xd8\xff".to_vec(), "text that shrinks, ".repeat(40_000).into_bytes(), noise("alone", 600_000)].concat());
    for n in 0..40 {
        bench.write(&format!("small-{n}"), noise(&n.to_string(), 20_000));
    }
    let first = bench.snapshot().id.unwrap();
    let before = frames_of(&bench, first);
    for n in 0..36 {
        std::fs::remove_file(bench.source.path().join(format!("small-{n}"))).unwrap();
    }
    let second = bench.snapshot();
    let outcome = prune(&bench, &[first]);
    assert!(outcome.packs_rewritten > 0, "{outcome:?}");
    bench.assert_same(&second);
    let after = frames_of(&bench, second.id.unwrap());
    let shape = |place: &crate::index::Location| (place.frame.sealed_bytes, place.frame.plain_bytes, place.frame.codec);
    let old: std::collections::HashSet<_> = before.values().map(shape).collect();
    let (same, new): (Vec<_>, Vec<_>) = after.values().map(shape).partition(|shape| old.contains(shape));
    assert!(!same.is_empty() && !new.is_empty(), "{same:?} {new:?}");
    assert!(new.iter().all(|(_, plain_bytes, _)| *plain_bytes <= 4 * 20_000), "{new:?}");
    assert!(before.keys().all(|(pack, _)| !after.keys().any(|(other, _)| other == pack)), "all of it lies in new packs");
}
