//! Every pair of verbs, with one switch at every call of the first, and with a second switch at every
//! call of the other.
//!
//! The second switch stands at some calls only by default; `INTERLEAVINGS=all` tries each.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use strongroom::pack::PackKind;

use super::judge::judge;
use super::play::{Rig, by_plan, calls_alone, in_parallel};
use super::scenes::{FORGET, INIT, KEY_CHANGE, PRUNE, REPAIR, SNAPSHOT, Scene, Verb};

/// By default so many orders with two switches are tried of each pair.
const TWO_SWITCHES: u64 = 15;
/// After one in so many orders the next commands are tried as well.
const GO_ON: usize = 5;

/// Tries all pairs of `verbs`, also of one with itself.
fn try_pairs(scene: &Scene, verbs: &[Verb]) -> (usize, Vec<String>) {
    let is_all = std::env::var("INTERLEAVINGS").is_ok_and(|wanted| wanted == "all");
    let rig = Rig::new();
    let calls: Vec<u64> = verbs.iter().map(|verb| calls_alone(&rig, scene, *verb)).collect();
    let mut cases = Vec::new();
    for first in 0..verbs.len() {
        for second in 0..verbs.len() {
            let pair = [verbs[first], verbs[second]];
            cases.extend((0..=calls[first]).map(|at| (pair, at, u64::MAX)));
            let all = calls[first] * calls[second];
            let stride = if is_all { 1 } else { (all / TWO_SWITCHES).max(1) };
            let two = (0..all).step_by(stride as usize).map(|n| (pair, n / calls[second], 1 + n % calls[second]));
            cases.extend(two);
        }
    }
    let (wrong, tried) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    in_parallel(&cases, |rig, (pair, first, second)| {
        let number = tried.fetch_add(1, Ordering::Relaxed);
        let played = rig.play(scene, pair, true, &mut by_plan(&[(0, *first), (1, *second), (0, u64::MAX)]));
        if let Some(problem) = judge(scene, &played, is_all || number.is_multiple_of(GO_ON)) {
            let pair = pair.map(|verb| verb.name).join(" and ");
            wrong.lock().unwrap().push(format!("{}: {pair}, switched after {first} and {second}: {problem}", scene.name));
        }
    });
    (tried.into_inner(), wrong.into_inner().unwrap())
}

#[track_caller]
fn assert_pairs_hold(scene: &Scene, verbs: &[Verb]) {
    let (tried, mut wrong) = try_pairs(scene, verbs);
    eprintln!("interleavings of pairs, {}: {tried} orders, {} wrong", scene.name, wrong.len());
    wrong.sort_by_key(String::len);
    assert!(wrong.is_empty(), "{} of {tried} orders are wrong; the first:\n{}", wrong.len(), wrong[..wrong.len().min(3)].join("\n"));
}

#[test]
fn two_programs_at_once_lose_nothing_in_any_order_of_their_calls() {
    assert_pairs_hold(&Scene::whole(), &[SNAPSHOT, PRUNE, REPAIR, FORGET, KEY_CHANGE]);
}

#[test]
fn two_programs_at_once_lose_nothing_where_pages_of_trees_are_absent() {
    assert_pairs_hold(&Scene::absent("pages are absent", PackKind::Meta), &[SNAPSHOT, PRUNE, REPAIR, FORGET]);
}

#[test]
fn two_programs_at_once_lose_nothing_where_content_is_absent() {
    assert_pairs_hold(&Scene::absent("content is absent", PackKind::Data), &[SNAPSHOT, PRUNE, REPAIR, FORGET]);
}

#[test]
fn two_programs_at_once_lose_nothing_where_a_segment_of_the_index_is_gone() {
    assert_pairs_hold(&Scene::without_a_segment(), &[SNAPSHOT, PRUNE, REPAIR]);
}

#[test]
fn two_that_make_the_same_repository_at_once_lose_nothing_that_either_reports() {
    assert_pairs_hold(&Scene::empty(), &[INIT]);
}
