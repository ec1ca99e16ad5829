//! A power cut at any call, on a real file system: what was not synced is gone. What was reported
//! before the cut is there after it.

use super::Scene;
use super::disk::Disk;
use super::traced::{calls, chosen};
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
    let all = calls(&counted.log);
    let mut chosen = chosen(&all, TESTS);
    // The last cuts come when the command is done.
    chosen.extend([("write".to_owned(), 60_000), ("write".to_owned(), 60_001)]);
    for (cuts, (call, number)) in chosen.iter().enumerate() {
        scene.reset();
        disk.sync();
        // The process is gone before the call, and nothing is written between that and the cut. Every
        // other time the catalog, on the same disk, does not sync its files: a sync of any file takes
        // what was renamed before with it.
        let extra: &[&str] = if cuts % 2 == 1 { &["--no-catalog"] } else { &[] };
        let traced = scene.trace_with(extra, Some(&format!("{call}:signal=SIGKILL:when={number}")));
        disk.cut_power();
        let what = format!("cut at {call} {number} {extra:?}");
        if traced.code == Some(0) {
            scene.assert_done(&traced.stdout, &what);
        }
        scene.assert_goes_on(&traced.stdout, &what);
    }
    println!("{} power cuts at {} calls", chosen.len(), all.len());
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
