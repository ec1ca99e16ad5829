//! A power cut at any call, on a real file system: what was not synced is gone. What was reported
//! before the cut is there after it.

use super::Scene;
use super::disk::Disk;
use super::traced::{calls, spread, tries};
use crate::cli_place::Place;
use crate::needs::has_tool;

/// How many tests share the cuts.
const TESTS: usize = 5;

fn cut_at_every_call(make: impl FnOnce(Place) -> Scene) {
    if !has_tool("strace") {
        return;
    }
    let Some(disk) = Disk::new() else { return };
    let scene = make(Place::below(&disk.top()));
    let counted = scene.trace(None);
    assert_eq!(counted.code, Some(0), "{}", counted.stderr);
    let mut all = calls(&counted.log);
    // The last cut comes when the command is done.
    all.push(("write".to_owned(), 60_000));
    let mut cuts = 0;
    for (call, number) in spread(all.clone(), tries(TESTS)).into_iter().chain(all.last().cloned()) {
        scene.reset();
        disk.sync();
        // The process is gone before the call, and nothing is written between that and the cut.
        let traced = scene.trace(Some(&format!("{call}:signal=SIGKILL:when={number}")));
        disk.cut_power();
        cuts += 1;
        let what = format!("cut at {call} {number}");
        if traced.code == Some(0) {
            scene.assert_done(&traced.stdout, &what);
        }
        scene.assert_goes_on(&traced.stdout, &what);
    }
    println!("{cuts} power cuts at {} calls", all.len());
}

#[test]
fn an_init_survives_a_power_cut_at_any_call() {
    cut_at_every_call(Scene::before_init);
}

#[test]
fn a_first_snapshot_survives_a_power_cut_at_any_call() {
    cut_at_every_call(Scene::before_first_snapshot);
}

#[test]
fn a_second_snapshot_survives_a_power_cut_at_any_call() {
    cut_at_every_call(Scene::before_second_snapshot);
}

#[test]
fn a_prune_survives_a_power_cut_at_any_call() {
    cut_at_every_call(Scene::before_prune);
}

#[test]
fn an_added_key_survives_a_power_cut_at_any_call() {
    cut_at_every_call(Scene::before_key_add);
}
