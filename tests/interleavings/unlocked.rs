//! Where locks do not reach the other side: a prune runs from beginning to end while a snapshot stands
//! still at one of its calls.

use super::judge::judge;
use super::play::{Rig, by_plan, calls_alone};
use super::scenes::{FULL, PRUNE, SNAPSHOT, Scene};

#[test]
fn a_snapshot_is_not_reported_when_a_prune_that_no_lock_held_back_took_what_it_relies_on() {
    let (scene, rig, mut tried) = (Scene::whole(), Rig::new(), 0);
    let mut wrong = Vec::new();
    for verb in [SNAPSHOT, FULL] {
        for at in 0..=calls_alone(&rig, &scene, verb) {
            let played = rig.play(&scene, &[verb, PRUNE], false, &mut by_plan(&[(0, at), (1, u64::MAX)]));
            tried += 1;
            // A run that says that it failed is right here, whatever else it is.
            if played.programs[0].outcome.is_ok() {
                wrong.extend(judge(&scene, &played, true).map(|problem| format!("{} stops after {at} calls: {problem}", verb.name)));
            }
        }
    }
    eprintln!("interleavings without locks: {tried} orders, {} wrong", wrong.len());
    wrong.sort_by_key(String::len);
    assert!(wrong.is_empty(), "{} of {tried} orders are wrong; the first:\n{}", wrong.len(), wrong[..wrong.len().min(3)].join("\n"));
}
