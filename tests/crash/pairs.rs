//! A process is killed and leaves names that everybody sees and that are not durable; the next verb
//! builds on them, and the power goes while it works.

use std::sync::Arc;

use strongroom::error::ErrorKind;
use strongroom::storage::faults::{Faults, Lasts};
use strongroom::storage::{MemoryStorage, Storage};

use super::verbs::{KEY_ADD, KEY_REMOVE, NEXT, Start, Verb, open_any};
use super::world::{open, run_prune};

/// Images of the disk after `verb` was killed at each of its last calls.
fn killed(verb: &Verb, start: &Start) -> Vec<MemoryStorage> {
    let run = |call| {
        let disk = start.disk.image();
        let faults = Arc::new(Faults::new(disk.clone()));
        faults.fail_writing_call(call, ErrorKind::Other, Lasts::Forever);
        (verb.run)(start, Arc::clone(&faults) as _).map(|_| faults.writing_calls()).map_err(|_| disk)
    };
    let calls = run(u64::MAX).unwrap();
    (calls.saturating_sub(3).max(1)..=calls).map(|call| run(call).unwrap_err()).collect()
}

/// Cuts the power at each call of `second` on each of `disks`, and looks at what is left.
fn cut_everywhere(disks: &[MemoryStorage], second: impl Fn(Arc<dyn Storage>) -> bool, is_well: impl Fn(MemoryStorage) -> bool) -> u64 {
    let mut cuts = 0;
    for disk in disks {
        for call in 1.. {
            let disk = disk.image();
            let faults = Arc::new(Faults::new(disk.open_again()));
            faults.fail_writing_call(call, ErrorKind::Other, Lasts::Forever);
            let is_done = second(Arc::clone(&faults) as _);
            // What matters happens at the first calls, and what loses most is a rare crash.
            let seeds = if call < 8 { 0..100 } else { 5 * call..5 * call + 5 };
            for seed in seeds {
                assert!(is_well(disk.after_crash(seed)), "call {call}, seed {seed}");
                cuts += 1;
            }
            if is_done {
                break;
            }
        }
    }
    cuts
}

#[test]
fn a_prune_removes_nothing_in_favour_of_a_snapshot_that_is_not_durable() {
    let start = (NEXT.start)();
    let keep_newest = |storage: Arc<dyn Storage>| {
        let repository = open(storage, 0, None).unwrap();
        let catalogued = repository.catalogued().unwrap();
        let newest = catalogued.listing.summaries().last().map(|summary| summary.id);
        let older = repository.objects().list_snapshots().unwrap().into_iter().filter(|id| Some(*id) != newest);
        run_prune(&repository, older.collect()).is_ok()
    };
    let has_snapshot = |left: MemoryStorage| {
        let repository = open(Arc::new(left), 0, None).unwrap();
        let mut expected = super::world::Expected { known: start.expected.known.clone(), ..Default::default() };
        expected.check_whole(&repository, &start.source).unwrap() > 0
    };
    let cuts = cut_everywhere(&killed(&NEXT, &start), keep_newest, has_snapshot);
    assert!(cuts > 500, "{cuts}");
}

#[test]
fn no_key_is_removed_in_favour_of_one_that_is_not_durable() {
    let start = (KEY_ADD.start)();
    let remove = |storage: Arc<dyn Storage>| match (KEY_REMOVE.run)(&start, storage) {
        // The new key was not there yet.
        Err(error) if error.kind() == ErrorKind::WrongKey => true,
        outcome => outcome.is_ok(),
    };
    let cuts = cut_everywhere(&killed(&KEY_ADD, &start), remove, |left| open_any(Arc::new(left)).is_ok());
    assert!(cuts > 40, "{cuts}");
}
