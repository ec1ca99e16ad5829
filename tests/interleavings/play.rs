//! Runs programs in one order of their calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};
use strongroom::error::Result;
use strongroom::id::SnapshotId;
use strongroom::storage::MemoryStorage;
use strongroom::storage::turns::Turns;

use super::scenes::{Scene, Verb};

/// What happens next.
pub enum Step {
    /// This program makes its next call.
    Go(usize),
    /// This program is killed.
    Kill(usize),
}

/// Decides what happens next, by which programs can go on.
pub type Choose<'c> = dyn FnMut(&Turns, &[usize]) -> Step + 'c;

/// What became of a program.
pub struct Ended {
    pub verb: Verb,
    pub is_killed: bool,
    pub outcome: Result<Option<SnapshotId>>,
}

/// What is left when all have ended.
pub struct Played {
    pub disk: MemoryStorage,
    pub programs: Vec<Ended>,
    pub turns: Turns,
    /// They waited for each other.
    pub is_stuck: bool,
}

/// Threads for the workers of so many programs. Each has its own, so that no program waits for another
/// but for locks; two, because the walk of a snapshot takes one for itself.
pub struct Rig(Vec<ThreadPool>);

impl Rig {
    pub fn new() -> Self {
        Self((0..3).map(|_| ThreadPoolBuilder::new().num_threads(2).build().unwrap()).collect())
    }

    /// Lets each of `verbs` be a program of its own, from the start of `scene`.
    pub fn play(&self, scene: &Scene, verbs: &[Verb], has_locks: bool, choose: &mut Choose<'_>) -> Played {
        let (disk, turns) = (scene.disk(), Turns::new(verbs.len()));
        let mut is_killed = vec![false; verbs.len()];
        let mut is_stuck = false;
        let outcomes = std::thread::scope(|scope| {
            let programs = verbs.iter().zip(&self.0).enumerate().map(|(number, (verb, pool))| {
                let handle = turns.handle(number, disk.open_again());
                let handle = if has_locks { handle } else { handle.without_locks() };
                let running = turns.begin(number);
                scope.spawn(move || {
                    let _running = running;
                    pool.install(|| (verb.run)(&scene.bench, Arc::new(handle)))
                })
            });
            let programs: Vec<_> = programs.collect();
            loop {
                match turns.settle() {
                    Ok(ready) if ready.is_empty() => break,
                    Ok(ready) => match choose(&turns, &ready) {
                        Step::Go(program) => turns.grant(program),
                        Step::Kill(program) => {
                            is_killed[program] = true;
                            turns.kill(program);
                        }
                    },
                    Err(_) => {
                        is_stuck = true;
                        (0..verbs.len()).for_each(|program| turns.kill(program));
                    }
                }
            }
            programs.into_iter().map(|program| program.join()).collect::<Vec<_>>()
        });
        let ended = outcomes.into_iter().zip(verbs).zip(is_killed).map(|((outcome, verb), is_killed)| Ended {
            verb: *verb,
            is_killed,
            outcome: outcome.unwrap_or_else(|_| panic!("{} panics: {:?}", verb.name, turns.trace())),
        });
        Played { disk, programs: ended.collect(), is_stuck, turns: turns.clone() }
    }
}

/// Programs run by turns: so many calls of one, then so many of the next; who cannot go on is passed
/// over, and at the end each runs to its end.
pub fn by_plan(plan: &[(usize, u64)]) -> impl FnMut(&Turns, &[usize]) -> Step {
    let mut plan: std::collections::VecDeque<(usize, u64)> = plan.iter().copied().collect();
    move |_, ready| {
        while let Some((program, left)) = plan.front_mut() {
            if *left > 0 && ready.contains(program) {
                *left -= 1;
                return Step::Go(*program);
            }
            plan.pop_front();
        }
        Step::Go(ready[0])
    }
}

/// How many calls a program makes alone.
pub fn calls_alone(rig: &Rig, scene: &Scene, verb: Verb) -> u64 {
    rig.play(scene, &[verb], true, &mut by_plan(&[])).turns.calls(0)
}

/// Calls `work` with each of `cases` and a rig, on all cores.
pub fn in_parallel<T: Sync>(cases: &[T], work: impl Fn(&Rig, &T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let rig = Rig::new();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(&rig, case);
                }
            });
        }
    });
}
