//! Every command meets every damage.
//!
//! `RATCHET=all` takes all damages; by default some are left out (see [`chosen`]).

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use strongroom::id::SnapshotId;
use strongroom::progress::Silent;
use strongroom::prune;
use strongroom::storage::{MemoryStorage, Storage};
use tempfile::TempDir;

use super::bench::Bench;
use super::commands::{ALL, Command, Effect};
use super::damage::{Damage, Harm, brought, damaged, of_one, of_several, put};
use super::restorable::{Restorable, open_any, with_cache};
use crate::crash::world::later;

/// Calls `work` with each of `cases`, on all cores. Each thread has a pool of its own, so that no case
/// takes part in the work of another; of two threads, because the walk of a snapshot takes one for itself.
pub fn in_parallel<T: Sync>(cases: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    pool.install(|| work(case));
                }
            });
        }
    });
}

/// All objects with their bytes.
fn objects(disk: &MemoryStorage) -> Vec<(String, Vec<u8>)> {
    let names = disk.list("").unwrap().into_iter().map(|listed| listed.name);
    names.map(|name| (name.clone(), disk.read(&name, u64::MAX).unwrap())).collect()
}

/// Whether a damage shows only to who reads content: a snapshot relies on packs of content of the right length.
/// Pages of trees it reads, so what is wrong in these it finds and stores again.
fn is_hidden(bench: &Bench, content: &BTreeSet<String>, disk: &MemoryStorage, damage: &Damage) -> bool {
    let bytes = |disk: &MemoryStorage, name: &str| disk.read(name, u64::MAX).map_or(0, |bytes| bytes.len());
    damage.iter().any(|(name, _)| content.contains(name) && bytes(disk, name) == bytes(&bench.disk, name))
}

/// What one command made of one damage.
struct Case<'a> {
    bench: &'a Bench,
    /// Its packs of content.
    content: &'a BTreeSet<String>,
    /// All that restores from the repository without damage.
    whole: &'a Restorable,
    damage: &'a Damage,
    disk: &'a MemoryStorage,
    before: &'a Restorable,
    command: &'a Command,
    /// What the machine kept when nothing was damaged.
    cache: Option<&'a Path>,
}

impl Case<'_> {
    /// What is wrong: something restores no more, or would not if what was harmed came back, or a
    /// snapshot was reported that does not restore.
    fn judge(&self) -> Option<String> {
        let (bench, command, copy) = (self.bench, self.command, self.disk.image());
        let cache = self.cache.map(copy_of);
        let cache = cache.as_ref().map(TempDir::path);
        let run = || with_cache(cache, || (command.run)(bench, Arc::new(copy.clone())));
        let reported = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(reported) => reported,
            Err(_) => return Some("it panics".to_owned()),
        };
        let outcome = reported.as_ref().map(|_| "success".to_owned()).unwrap_or_else(|error| format!("error: {error}"));
        if objects(&copy) == objects(self.disk) {
            return None;
        }
        if command.effect == Effect::None {
            return Some(format!("it writes ({outcome})"));
        }
        let removed: &[_] = if command.effect == Effect::Removes { &bench.remove } else { &[] };
        if let Some(lost) = self.before.lost_in(&Restorable::of(Arc::new(copy.clone())), removed) {
            return Some(format!("{lost} ({outcome})"));
        }
        if let Some(lost) = self.whole.lost_in(&self.with_what_came_back(&copy), removed).filter(|_| self.can_come_back()) {
            return Some(format!("when what was harmed is back, {lost} ({outcome})"));
        }
        // Whoever removes a key names it.
        let must_stay = |name: &str| !(command.name.starts_with("key ") && name.starts_with("keys/"));
        let brought = brought(self.damage);
        if let Some((name, _)) =
            brought.iter().find(|(name, bytes)| must_stay(name) && copy.read(name, u64::MAX).ok().as_ref() != Some(bytes))
        {
            return Some(format!("{name} of another repository is not as it was ({outcome})"));
        }
        if self.damage.iter().any(|(name, _)| name.starts_with("snapshots/") || name.starts_with("records/"))
            && let Some(problem) = self.prune_what_came_back(&copy, removed)
        {
            return Some(format!("{problem} ({outcome})"));
        }
        let id = reported.ok()?.filter(|_| !is_hidden(bench, self.content, self.disk, self.damage) || command.repairs_first)?;
        match open_any(Arc::new(copy)) {
            Ok(repository) => Restorable::check_files(&repository, id, bench.source.path(), bench.source.files()).err(),
            Err(error) => Some(format!("it does not open after a success: {error}")),
        }
    }

    /// The newest snapshot, when its manifest is gone, is missed by nobody but a machine that has seen it.
    fn can_come_back(&self) -> bool {
        let newest = self.bench.snapshots.last().map(|id| format!("snapshots/{id}"));
        let is_gone = |(name, harm): &(String, Harm)| Some(name) == newest.as_ref() && *harm == Harm::Deleted;
        self.damage.len() > 1 || !self.damage.iter().any(is_gone)
    }

    /// What is wrong after a prune of what restores when everything is back.
    fn prune_what_came_back(&self, disk: &MemoryStorage, removed: &[SnapshotId]) -> Option<String> {
        let disk = self.put_back(disk);
        let request = prune::Request { clock: later, ..prune::Request::default() };
        let pruned = prune::run(&open_any(Arc::new(disk.clone())).ok()?, &request, &Silent);
        let lost = self.whole.lost_in(&Restorable::of(Arc::new(disk)), removed).filter(|_| self.can_come_back())?;
        Some(format!(
            "when what was harmed is back and was pruned ({}), {lost}",
            pruned.err().map_or("good".to_owned(), |error| error.to_string())
        ))
    }

    /// What restores when another copy of what was harmed is found and put back under its name.
    fn with_what_came_back(&self, disk: &MemoryStorage) -> Restorable {
        Restorable::of(Arc::new(self.put_back(disk)))
    }

    fn put_back(&self, disk: &MemoryStorage) -> MemoryStorage {
        let disk = disk.image();
        for (name, _) in self.damage {
            put(&disk, name, &self.bench.disk.read(name, u64::MAX).unwrap());
        }
        disk
    }
}

/// A copy of a folder, in memory where that can be had.
fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    copy_into(folder, copy.path());
    copy
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy_into(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Lets every command meet every damage; gives how many cases there were, and what is wrong.
fn meet(bench: &Bench, damages: &[Damage], cache: Option<&Path>) -> (usize, Vec<String>) {
    let (cases, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let whole = Restorable::of(Arc::new(bench.disk.clone()));
    let content = bench.content_packs();
    in_parallel(damages, |damage| {
        let disk = damaged(&bench.disk, damage);
        let before = Restorable::of(Arc::new(disk.clone()));
        for command in &ALL {
            cases.fetch_add(1, Ordering::Relaxed);
            let case = Case { bench, content: &content, whole: &whole, damage, disk: &disk, before: &before, command, cache };
            if let Some(problem) = case.judge() {
                wrong.lock().unwrap().push(format!("{damage:?}: {}: {problem}", command.name));
            }
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    (cases.into_inner(), wrong)
}

/// All damages when that is wanted, else those that `choose` says, by their number.
fn chosen(damages: Vec<Damage>, choose: impl Fn(usize, &Damage) -> bool) -> Vec<Damage> {
    let is_all = std::env::var("RATCHET").is_ok_and(|wanted| wanted == "all");
    damages.into_iter().enumerate().filter(|(number, damage)| is_all || choose(*number, damage)).map(|(_, damage)| damage).collect()
}

/// The harms that differ most, and of the others every third.
fn is_usual(number: usize, damage: &Damage) -> bool {
    let differs = |harm: &Harm| matches!(harm, Harm::Deleted | Harm::Truncated | Harm::Flipped(1) | Harm::Older);
    number.is_multiple_of(3) || damage.iter().all(|(_, harm)| differs(harm))
}

#[track_caller]
fn assert_holds(what: &str, (cases, wrong): (usize, Vec<String>)) {
    eprintln!("the ratchet, {what}: {cases} cases, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{} of {cases} cases are wrong:\n{}", wrong.len(), wrong[..wrong.len().min(200)].join("\n"));
}

#[test]
fn the_repository_of_the_matrix_restores_whole_and_two_of_it_are_told_apart() {
    let bench = Bench::new(4, true).with_company();
    let whole = Restorable::of(Arc::new(bench.disk.clone()));
    assert_eq!(whole.snapshots(), 4);
    assert!(whole.pieces() > 80, "{}", whole.pieces());
    assert_eq!(whole.lost_in(&whole, &[]), None);
    let names: Vec<String> = bench.disk.list("packs").unwrap().into_iter().map(|listed| listed.name).collect();
    let without = |name: &String| Restorable::of(Arc::new(damaged(&bench.disk, &vec![(name.clone(), Harm::Deleted)])));
    let missed = names.iter().filter(|name| whole.lost_in(&without(name), &[]).is_some());
    assert_eq!(missed.count(), 8, "of each snapshot a pack of data and one of trees, and no other");
    assert_eq!(without(&names[0]).lost_in(&whole, &[]), None);
}

#[test]
fn no_command_makes_anything_unrestorable_whatever_happened_to_one_object() {
    let bench = Bench::new(4, true).with_company();
    assert_holds("one object", meet(&bench, &chosen(of_one(&bench.disk), is_usual), None));
}

#[test]
fn no_command_makes_anything_unrestorable_where_a_prune_has_been() {
    let bench = Bench::pruned();
    let damages = chosen(of_one(&bench.disk), |number, _| number.is_multiple_of(3));
    assert_holds("one object after a prune", meet(&bench, &damages, None));
}

#[test]
fn no_command_makes_anything_unrestorable_where_snapshots_share_content_and_no_folders() {
    let bench = Bench::new(3, false);
    let damages = chosen(of_one(&bench.disk), |_, damage| damage.iter().all(|(_, harm)| matches!(harm, Harm::Deleted | Harm::Flipped(1))));
    assert_holds("one object, no shared folders", meet(&bench, &damages, None));
}

#[test]
fn no_command_makes_anything_unrestorable_on_a_machine_that_knows_what_the_index_said() {
    let bench = Bench::new(3, false);
    let cache = tempfile::tempdir().unwrap();
    with_cache(Some(cache.path()), || {
        let repository = open_any(Arc::new(bench.disk.clone())).unwrap();
        assert!(repository.catalogued().unwrap().rollback.is_none());
        repository.chunks().open_index().unwrap();
    });
    let damages = chosen(of_one(&bench.disk), |_, damage| damage.iter().all(|(_, harm)| matches!(harm, Harm::Deleted | Harm::Older)));
    assert_holds("one object, with caches", meet(&bench, &damages, Some(cache.path())));
}

#[test]
fn no_command_makes_anything_unrestorable_whatever_happened_to_several_objects() {
    let bench = Bench::new(3, false);
    // A pack and the segment that names it, both gone, in any case: which number they have is by chance.
    let are_gone = |damage: &Damage| damage.len() == 2 && damage.iter().all(|(_, harm)| *harm == Harm::Deleted);
    let damages = chosen(of_several(&bench.disk), |number, damage| number.is_multiple_of(2) || are_gone(damage));
    assert_holds("several objects", meet(&bench, &damages, None));
}
