//! Random orders of two and three programs, one of them killed now and then.
//!
//! `INTERLEAVINGS_RANDOM=N` says how many, `INTERLEAVINGS_SEED=N` where the seeds begin; a failure prints
//! its seed.

use std::sync::Mutex;

use strongroom::pack::PackKind;
use strongroom::storage::Choices;
use strongroom::storage::turns::Turns;

use super::judge::judge;
use super::play::{Rig, Step, in_parallel};
use super::scenes::{FORGET, FULL, INIT, KEY_CHANGE, PRUNE, REPAIR, SNAPSHOT, Scene, Verb};

const ORDERS: u64 = 300;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Plays the order of `seed`; says what is wrong.
fn play(rig: &Rig, scenes: &[(Scene, Vec<Verb>)], seed: u64) -> Option<String> {
    let mut choices = Choices::new(seed);
    let (scene, verbs) = &scenes[choices.below(scenes.len() as u64) as usize];
    let count = 2 + choices.below(2) as usize;
    let programs: Vec<Verb> = (0..count).map(|_| verbs[choices.below(verbs.len() as u64) as usize]).collect();
    // Some switch at nearly every call, some seldom.
    let goes_on = choices.below(9);
    let mut kill = (choices.below(2) == 0).then(|| (choices.below(count as u64) as usize, choices.below(60)));
    let mut last = 0;
    let mut choose = |turns: &Turns, ready: &[usize]| {
        if let Some((program, _)) = kill.filter(|(program, at)| ready.contains(program) && turns.calls(*program) >= *at) {
            kill = None;
            return Step::Kill(program);
        }
        if !(ready.contains(&last) && choices.eighths(goes_on.min(7))) {
            last = ready[choices.below(ready.len() as u64) as usize];
        }
        Step::Go(last)
    };
    let played = rig.play(scene, &programs, true, &mut choose);
    judge(scene, &played, true).map(|problem| format!("seed {seed}, {}: {problem}", scene.name))
}

#[test]
fn programs_at_once_lose_nothing_in_random_orders_though_one_is_killed() {
    let scenes = [
        (Scene::whole(), vec![SNAPSHOT, FULL, PRUNE, REPAIR, FORGET, KEY_CHANGE]),
        (Scene::absent("pages are absent", PackKind::Meta), vec![SNAPSHOT, FULL, PRUNE, REPAIR, FORGET]),
        (Scene::absent("content is absent", PackKind::Data), vec![SNAPSHOT, FULL, PRUNE, REPAIR]),
        (Scene::without_a_segment(), vec![SNAPSHOT, PRUNE, REPAIR]),
        (Scene::empty(), vec![INIT]),
    ];
    let (orders, first) = (number("INTERLEAVINGS_RANDOM", ORDERS), number("INTERLEAVINGS_SEED", 0));
    let seeds: Vec<u64> = (first..first + orders).collect();
    let wrong = Mutex::new(Vec::new());
    in_parallel(&seeds, |rig, seed| wrong.lock().unwrap().extend(play(rig, &scenes, *seed)));
    let mut wrong = wrong.into_inner().unwrap();
    eprintln!("random interleavings: {orders} orders, {} wrong", wrong.len());
    wrong.sort_by_key(String::len);
    assert!(wrong.is_empty(), "{} of {orders} orders are wrong; the first:\n{}", wrong.len(), wrong[..wrong.len().min(3)].join("\n"));
}
