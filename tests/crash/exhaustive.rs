//! Every verb, ended at every one of its writing calls, in every way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strongroom::error::ErrorKind;
use strongroom::storage::faults::{Faults, Lasts};

use super::endings::{Ending, Follows, recover, run_schedule, run_with_bad_read};
use super::verbs::{ALL, Start, Verb};
use super::world::Verdict;

/// Runs schedules of all verbs, call by call, until a verb makes no more calls; `run` runs those of one
/// call and says how many there were and whether the call was reached.
fn run_all(calls_min: fn(&Verb) -> u64, run: impl Fn(&Verb, &Start, u64) -> Verdict<(u64, bool)> + Sync) -> u64 {
    let schedules = AtomicU64::new(0);
    std::thread::scope(|threads| {
        for verb in &ALL {
            let (schedules, run) = (&schedules, &run);
            threads.spawn(move || {
                let start = (verb.start)();
                let mut calls = 0;
                for call in 1.. {
                    // Which worker takes which file is chance, and with it the number of calls, a little.
                    if call > calls + 3 {
                        break;
                    }
                    match run(verb, &start, call) {
                        Ok((count, is_reached)) => {
                            schedules.fetch_add(count, Ordering::Relaxed);
                            calls = if is_reached { call } else { calls };
                        }
                        Err(problem) => panic!("{}, call {call}: {problem}", verb.name),
                    }
                }
                println!("{}: {calls} calls", verb.name);
                assert!(calls >= calls_min(verb), "{} makes only {calls} calls", verb.name);
            });
        }
    });
    let schedules = schedules.into_inner();
    println!("{schedules} schedules");
    schedules
}

/// Runs a verb once for each ending at the writing call `call`.
fn run_endings(verb: &Verb, start: &Start, call: u64, endings: Vec<Ending>) -> Verdict<(u64, bool)> {
    let mut is_reached = false;
    for ending in &endings {
        is_reached |= run_schedule(verb, start, call, *ending).map_err(|problem| format!("{ending:?}: {problem}"))?;
    }
    Ok((endings.len() as u64, is_reached))
}

#[test]
fn after_a_power_cut_at_any_call_of_any_verb_nothing_reported_is_lost_and_all_works() {
    let schedules = run_all(
        |verb| verb.calls_min,
        |verb, start, call| {
            // Making a repository makes hundreds of folders, one like the other.
            let seeds = if verb.name == "init" && call < 260 { vec![call] } else { vec![call % 2, 5 * call + 2, 5 * call + 3 + call % 2] };
            run_endings(verb, start, call, seeds.into_iter().map(Ending::PowerCut).collect())
        },
    );
    assert!(schedules > 700, "only {schedules} schedules");
}

#[test]
fn after_a_kill_or_an_error_at_any_call_of_any_verb_nothing_reported_is_lost_and_all_works() {
    let schedules = run_all(
        |verb| verb.calls_min,
        |verb, start, call| {
            if verb.name == "init" && call % 16 != 1 && call < 260 {
                let one = [Ending::Killed(call), Ending::Error(Lasts::Once), Ending::Full(Lasts::Forever)][call as usize % 3];
                return run_endings(verb, start, call, vec![one]);
            }
            run_endings(
                verb,
                start,
                call,
                [0, 2, 3]
                    .map(Ending::Killed)
                    .into_iter()
                    .chain([[Ending::Error(Lasts::Once), Ending::Full(Lasts::Once), Ending::Full(Lasts::Forever)][call as usize % 3]])
                    .collect(),
            )
        },
    );
    assert!(schedules > 600, "only {schedules} schedules");
}

#[test]
fn no_verb_does_harm_when_any_of_its_reads_fails() {
    let schedules = run_all(
        |_| 1,
        |verb, start, call| {
            if verb.name.starts_with("repair") && call % 3 != 0 {
                // A repair reads everything, and twice where it doubts; a third of its calls will do.
                return Ok((0, false));
            }
            let mut is_reached = false;
            let kinds = [ErrorKind::Damaged, ErrorKind::Other];
            for kind in kinds.into_iter().take(if call % 4 == 0 { 2 } else { 1 }) {
                is_reached |= run_with_bad_read(verb, start, call, kind).map_err(|problem| format!("{kind:?}: {problem}"))?;
            }
            Ok((1, is_reached))
        },
    );
    assert!(schedules > 200, "only {schedules} schedules");
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
    let outcome = strongroom::snapshot::run(&repository, &request, &strongroom::progress::Silent).unwrap();
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
    use strongroom::storage::Storage;
    let mut refused = 0;
    for verb in ALL.iter().filter(|verb| !verb.name.starts_with("init") && !verb.name.starts_with("repair")) {
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
            recover(verb, &start, disk.open_again(), &mut expected, outcome.is_ok(), Follows::Random(extra))
                .unwrap_or_else(|problem| panic!("{} with {extra} bytes of space: {problem}", verb.name));
        }
    }
    assert!(refused > 20, "{refused}");
}
