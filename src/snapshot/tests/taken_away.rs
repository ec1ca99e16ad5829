//! Somebody removes objects while a run is under way: a prune that does not see its lock.

use crate::cancel::Cancel;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::progress::{Finding, Progress};
use crate::repository::{INDEX, PACKS};
use crate::storage::{LOCK, Storage};

/// Does something to the repository once the walk is under way.
struct Meanwhile<'a> {
    work: &'a (dyn Fn() + Sync),
    is_done: AtomicBool,
}

impl Cancel for Meanwhile<'_> {
    fn is_cancelled(&self) -> bool {
        if !self.is_done.swap(true, Ordering::SeqCst) {
            (self.work)();
        }
        false
    }
}

impl Progress for Meanwhile<'_> {
    fn report(&self, _: Finding) {}
}

fn snapshot_while(bench: &Bench, work: &(dyn Fn() + Sync)) -> crate::error::Result<Outcome> {
    run(&bench.repository, &bench.request(), &Meanwhile { work, is_done: AtomicBool::new(false) })
}

fn names(bench: &Bench, area: &str) -> Vec<String> {
    bench.storage.list(area).unwrap().into_iter().map(|listed| listed.name).collect()
}

#[test]
fn a_run_whose_packs_or_segments_are_taken_away_meanwhile_commits_nothing() {
    for area in [PACKS, INDEX] {
        for has_news in [false, true] {
            let bench = Bench::new();
            bench.write("file", noise("file", 300_000));
            let first = bench.snapshot();
            if has_news {
                bench.write("folder/news", "news");
            }
            let taken = names(&bench, area);
            let outcome = snapshot_while(&bench, &|| taken.iter().for_each(|name| bench.storage.remove(name).unwrap()));
            assert_eq!(outcome.err().unwrap().kind(), ErrorKind::Changed, "{area}");
            assert_eq!(bench.repository.objects().list_snapshots().unwrap(), [first.id.unwrap()]);
            let next = bench.snapshot();
            bench.assert_same(&next);
        }
    }
}

#[test]
fn a_run_goes_on_when_only_what_it_does_not_need_is_taken_away_meanwhile() {
    let bench = Bench::new();
    bench.write("file", noise("other", 300_000));
    bench.snapshot();
    let taken = [names(&bench, PACKS), names(&bench, INDEX)].concat();
    fs::remove_file(bench.source.path().join("file")).unwrap();
    bench.write("folder/file", noise("file", 300_000));
    let full = Request { kind: Kind::Full, ..bench.request() };
    let work = || taken.iter().for_each(|name| bench.storage.remove(name).unwrap());
    let outcome = run(&bench.repository, &full, &Meanwhile { work: &work, is_done: AtomicBool::new(false) }).unwrap();
    bench.assert_same(&outcome);
}

#[test]
fn packs_are_listed_once_in_a_run_and_looked_at_one_by_one_before_and_after_the_commit() {
    let bench = Bench::new();
    bench.write("file", noise("file", 300_000));
    bench.snapshot();
    let packs = names(&bench, PACKS);
    bench.storage.clear();
    bench.snapshot();
    assert_eq!(bench.storage.count(Verb::List, PACKS), 1);
    let looks: Vec<String> = bench.storage.calls().into_iter().filter(|call| call.verb == Verb::Stat).map(|call| call.name).collect();
    assert_eq!(looks, [packs.clone(), packs].concat());
}

#[test]
fn a_run_whose_lock_is_taken_away_commits_nothing() {
    let bench = Bench::new();
    bench.write("file", noise("file", 300_000));
    let error = snapshot_while(&bench, &|| bench.storage.inner().take_away_lock(LOCK)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Changed, "{error}");
    assert_eq!(bench.repository.objects().list_snapshots().unwrap(), []);
    let next = bench.snapshot();
    bench.assert_same(&next);
}
