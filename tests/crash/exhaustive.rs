//! Every verb, ended at every one of its writing calls, in every way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strongroom::storage::faults::{Faults, Lasts};

use super::endings::{Ending, run_schedule};
use super::verbs::{ALL, Verb};

/// Runs all schedules of all verbs with the endings that `endings` gives for a call.
fn run_all(endings: impl Fn(&Verb, u64) -> Vec<Ending> + Sync) -> u64 {
    let schedules = AtomicU64::new(0);
    std::thread::scope(|threads| {
        for verb in &ALL {
            let (schedules, endings) = (&schedules, &endings);
            threads.spawn(move || {
                let start = (verb.start)();
                let mut calls = 0;
                // Which worker takes which file is chance, and with it the number of calls, a little.
                for call in 1.. {
                    if call > calls + 3 {
                        break;
                    }
                    for ending in endings(verb, call) {
                        match run_schedule(verb, &start, call, ending) {
                            Ok(is_reached) => calls = if is_reached { call } else { calls },
                            Err(problem) => panic!("{}, call {call}, {ending:?}: {problem}", verb.name),
                        }
                        schedules.fetch_add(1, Ordering::Relaxed);
                    }
                }
                println!("{}: {calls} writing calls", verb.name);
                assert!(calls >= verb.calls_min, "{} makes only {calls} writing calls", verb.name);
            });
        }
    });
    schedules.into_inner()
}

#[test]
fn after_a_power_cut_at_any_call_of_any_verb_nothing_reported_is_lost_and_all_works() {
    let schedules = run_all(|verb, call| {
        // Making a repository makes hundreds of folders, one like the other.
        let seeds = if verb.name == "init" && call < 260 { vec![call] } else { vec![0, 1, 5 * call + 2, 5 * call + 3, 5 * call + 4] };
        seeds.into_iter().map(Ending::PowerCut).collect()
    });
    assert!(schedules > 1000, "only {schedules} schedules");
}

#[test]
fn after_a_kill_or_an_error_at_any_call_of_any_verb_nothing_reported_is_lost_and_all_works() {
    let schedules = run_all(|verb, call| {
        if verb.name == "init" && call % 16 != 1 && call < 260 {
            return vec![[Ending::Killed, Ending::Error(Lasts::Once), Ending::Full(Lasts::Forever)][call as usize % 3]];
        }
        vec![Ending::Killed, Ending::Error(Lasts::Once), Ending::Full(Lasts::Once), Ending::Full(Lasts::Forever)]
    });
    assert!(schedules > 600, "only {schedules} schedules");
}

#[test]
fn a_prune_schedule_frees_packs_and_writes_others_again_and_a_next_snapshot_takes_over_packs() {
    let [_, _, next, checkpoints, prune, ..] = &ALL;
    let start = (prune.start)();
    let planned = super::world::open(Arc::new(start.disk.clone()), 0, None)
        .and_then(|repository| super::world::run_prune(&repository, start.remove.clone()))
        .unwrap();
    assert!(planned.packs_removed > 1 && planned.packs_rewritten > 0, "{planned:?}");
    let start = (next.start)();
    let repository = super::world::open(Arc::new(start.disk.clone()), 0, None).unwrap();
    let request = super::world::snapshot_request(&start.source, strongroom::manifest::Kind::Incremental);
    let outcome = strongroom::snapshot::run(&repository, request, &strongroom::progress::Silent).unwrap();
    assert!(outcome.packs_adopted > 0);
    let start = (checkpoints.start)();
    let before = start.disk.image();
    let faults = Arc::new(Faults::new(before));
    (checkpoints.run)(&start, Arc::clone(&faults) as _).unwrap();
    let segments = |disk: &dyn strongroom::storage::Storage| disk.list("index").unwrap().len();
    assert!(segments(faults.inner()) - segments(&start.disk) > 1, "there were checkpoints");
}

#[test]
fn a_disk_with_too_little_space_fails_the_verb_and_loses_nothing() {
    use strongroom::error::ErrorKind;
    use strongroom::storage::Storage;
    let mut refused = 0;
    for verb in &ALL[1..] {
        let start = (verb.start)();
        let used: u64 = start.disk.list("").unwrap().iter().map(|listed| listed.bytes).sum();
        for extra in [0, 100, 1_000, 5_000, 20_000, 70_000, 150_000, 300_000, 500_000] {
            let disk = start.disk.image();
            disk.set_capacity(Some(used + extra));
            let outcome = (verb.run)(&start, Arc::new(disk.clone()));
            let mut expected = start.expected.clone();
            match &outcome {
                Ok(id) => id.iter().for_each(|id| expected.add(*id, &start.source)),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Full, "{}: {error}", verb.name);
                    refused += 1;
                }
            }
            disk.set_capacity(None);
            super::endings::recover(verb, &start, disk.open_again(), &mut expected, outcome.is_ok(), extra)
                .unwrap_or_else(|problem| panic!("{} with {extra} bytes of space: {problem}", verb.name));
        }
    }
    assert!(refused > 20, "{refused}");
}
