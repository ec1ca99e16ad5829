//! One order of grants is one order of calls; who is killed lets go of its locks.

use std::thread;

use super::*;
use crate::storage::conformance::{self, names, put};
use crate::storage::{LOCK, LockMode, MemoryStorage, PRUNE_LOCK, Storage};

/// What a program does with its storage.
type Program<'p> = dyn Fn(&dyn Storage) + Sync + 'p;

/// Runs programs and grants by `choose`, which gets who is ready and how many turns there were.
fn run(programs: &[&Program<'_>], disk: &MemoryStorage, mut choose: impl FnMut(&Turns, &[usize], usize) -> usize) -> Turns {
    let turns = Turns::new(programs.len());
    thread::scope(|scope| {
        for (number, program) in programs.iter().enumerate() {
            let (running, handle) = (turns.begin(number), turns.handle(number, disk.open_again()));
            scope.spawn(move || {
                let _running = running;
                program(&handle);
            });
        }
        for turn in 0.. {
            let ready = turns.settle().unwrap();
            if ready.is_empty() {
                break;
            }
            turns.grant(choose(&turns, &ready, turn));
        }
    });
    turns
}

#[test]
fn a_program_alone_passes_the_suite() {
    let disk = MemoryStorage::new();
    run(&[&|storage| conformance::what_is_put_can_be_read(storage)], &disk, |_, ready, _| ready[0]);
    run(&[&|storage| conformance::what_is_set_aside_keeps_its_bytes(storage)], &disk, |_, ready, _| ready[0]);
    run(&[&|storage| conformance::bad_names_are_refused_everywhere(storage)], &disk, |_, ready, _| ready[0]);
    run(&[&|storage| conformance::uploads_run_side_by_side(storage)], &disk, |_, ready, _| ready[0]);
    run(&[&|storage| conformance::of_two_who_give_a_name_at_once_one_does(storage)], &disk, |_, ready, _| ready[0]);
    let take_away = |name: &str| disk.take_away_lock(name);
    run(&[&|storage| conformance::a_lock_that_is_taken_away_is_lost(storage, &take_away)], &disk, |_, ready, _| ready[0]);
    assert_eq!(disk.list("").unwrap(), []);
}

#[test]
fn calls_come_in_the_order_of_the_grants() {
    let write = |storage: &dyn Storage| ["a", "b"].iter().for_each(|name| put(storage, "index", &format!("index/{name}"), b"1"));
    let look = |storage: &dyn Storage| (0..3).for_each(|_| drop(names(storage, "index")));
    let disk = MemoryStorage::new();
    let turns = run(&[&write, &look], &disk, |_, ready, turn| ready[turn % ready.len()]);
    let seen: Vec<String> = turns.trace().into_iter().map(|(program, call)| format!("{program} {call}")).collect();
    assert_eq!(seen, ["0 publish index/a", "1 list index", "0 publish index/b", "1 list index", "1 list index"]);
    assert_eq!((turns.calls(0), turns.calls(1)), (2, 3));
}

#[test]
fn who_waits_for_a_lock_is_not_ready_until_it_is_let_go() {
    let hold = |storage: &dyn Storage| {
        let _lock = storage.lock(LOCK, LockMode::Exclusive, false).unwrap();
        (0..3).for_each(|_| drop(names(storage, "index")));
    };
    let disk = MemoryStorage::new();
    let turns = run(&[&hold, &hold], &disk, |_, ready, turn| if turn == 1 { ready[ready.len() - 1] } else { ready[0] });
    let seen: Vec<usize> = turns.trace().into_iter().map(|(program, _)| program).collect();
    assert_eq!(seen, [0, 1, 0, 0, 0, 1, 1, 1, 1], "the second asks once, and again when the first is done");
}

#[test]
fn the_locks_of_who_is_killed_are_free_and_its_calls_fail() {
    let doomed = |storage: &dyn Storage| {
        let _lock = storage.lock(LOCK, LockMode::Exclusive, false).unwrap();
        let mut upload = storage.create("index").unwrap();
        upload.write(b"1").unwrap();
        assert!(upload.publish("index/a").is_err());
        assert!(storage.list("").is_err() && storage.create("index").is_err() && storage.sync(&[]).is_err());
    };
    let waits = |storage: &dyn Storage| drop(storage.lock(LOCK, LockMode::Exclusive, true).unwrap());
    let disk = MemoryStorage::new();
    run(&[&doomed, &waits], &disk, |turns, ready, turn| {
        if turn == 2 {
            assert_eq!(ready, [0]);
            turns.kill(0);
            return turns.settle().unwrap()[0];
        }
        ready[turn]
    });
    assert_eq!(names(&disk, ""), [""; 0]);
}

#[test]
fn two_that_wait_for_each_other_are_told_from_two_that_go_on() {
    let turns = Turns::new(2);
    let disk = MemoryStorage::new();
    let told = thread::scope(|scope| {
        for (number, order) in [[LOCK, PRUNE_LOCK], [PRUNE_LOCK, LOCK]].into_iter().enumerate() {
            let (running, handle) = (turns.begin(number), turns.handle(number, disk.clone()));
            scope.spawn(move || {
                let _running = running;
                let _locks: Vec<_> = order.iter().map_while(|name| handle.lock(name, LockMode::Exclusive, true).ok()).collect();
            });
        }
        let mut turn = 0;
        loop {
            match turns.settle() {
                Ok(ready) => turns.grant(ready[turn % ready.len()]),
                Err(error) => {
                    turns.kill(0);
                    turns.kill(1);
                    return error.to_string();
                }
            }
            turn += 1;
        }
    });
    assert!(told.contains("all wait for locks"), "{told}");
}

#[test]
fn without_locks_nobody_waits() {
    let turns = Turns::new(1);
    let disk = MemoryStorage::new();
    let _held = disk.lock(LOCK, LockMode::Exclusive, false).unwrap();
    let handle = turns.handle(0, disk.clone()).without_locks();
    thread::scope(|scope| {
        let running = turns.begin(0);
        scope.spawn(move || {
            let _running = running;
            drop(handle.lock(LOCK, LockMode::Exclusive, false).unwrap());
        });
        while let [program] = turns.settle().unwrap()[..] {
            turns.grant(program);
        }
    });
}
