//! `kill -9` at any call: the process is gone before the call is made.

use super::Scene;
use super::traced::{calls, chosen};
use crate::cli_place::Place;
use crate::needs::has_tool;

/// How many tests share the kills.
const TESTS: usize = 5;

fn kill_at_every_call(scene: &Scene) {
    if !has_tool("strace") {
        return;
    }
    let counted = scene.trace(None);
    assert_eq!(counted.code, Some(0), "{}", counted.stderr);
    let all = calls(&counted.log);
    let mut killed = 0;
    let chosen = chosen(&all, TESTS);
    for (call, number) in &chosen {
        scene.reset();
        let what = format!("killed at {call} {number}");
        let traced = scene.trace(Some(&format!("{call}:signal=SIGKILL:when={number}")));
        // The calls of the catalog's threads are not always as many.
        killed += usize::from(traced.code.is_none());
        assert!(traced.code.is_none() || traced.code == Some(0), "{what}: {:?} {}", traced.code, traced.stderr);
        scene.assert_goes_on(&traced.stdout, &what);
    }
    let tried = chosen.len();
    println!("{killed} kills at {tried} of {} calls", all.len());
    assert!(killed * 10 >= tried * 7, "only {killed} of {tried} were killed");
}

#[test]
fn an_init_that_is_killed_at_any_call_can_be_made_again() {
    kill_at_every_call(&Scene::before_init(Place::new()));
}

#[test]
fn a_first_snapshot_that_is_killed_at_any_call_is_made_by_the_next() {
    kill_at_every_call(&Scene::before_first_snapshot(Place::new()));
}

#[test]
fn a_second_snapshot_that_is_killed_at_any_call_leaves_the_first_whole() {
    kill_at_every_call(&Scene::before_second_snapshot(Place::new()));
}

#[test]
fn a_prune_that_is_killed_at_any_call_loses_nothing_that_is_kept() {
    kill_at_every_call(&Scene::before_prune(Place::new()));
}

#[test]
fn an_added_key_that_is_killed_at_any_call_locks_nobody_out() {
    kill_at_every_call(&Scene::before_key_add(Place::new()));
}
