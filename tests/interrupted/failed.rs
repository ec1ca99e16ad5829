//! A call that fails: EIO once, as of a disk that is dying, and ENOSPC from some call on, as of a disk
//! that is full. A failure of the repository ends the run and is told by the exit code; a failure of
//! this machine's cache changes nothing.

use super::Scene;
use super::traced::{calls, chosen};
use crate::cli_place::{Place, names};
use crate::needs::has_tool;

/// How many tests share the tries.
const TESTS: usize = 5;

/// Fails calls one by one. `suffix` makes it one call, or all from it on.
fn fail_at_every_call(scene: &Scene, errno: &str, suffix: &str) {
    if !has_tool("strace") {
        return;
    }
    let counted = scene.trace(None);
    assert_eq!(counted.code, Some(0), "{}", counted.stderr);
    let all = calls(&counted.log);
    let (mut failed, mut harmless) = (0, 0);
    for (call, number) in chosen(&all, TESTS) {
        scene.reset();
        let what = format!("{errno} of {call} {number}{suffix}");
        let traced = scene.trace(Some(&format!("{call}:error={errno}:when={number}{suffix}")));
        let hits: Vec<&str> = traced.log.lines().filter(|line| line.contains("(INJECTED)")).collect();
        match traced.code {
            Some(0) => {
                harmless += 1;
                for hit in hits {
                    assert!(is_harmless(scene, hit), "{what}: exit 0 although the repository failed: {hit}");
                }
            }
            Some(1) => {
                failed += 1;
                // Where writing to standard error fails too there is no message.
                let is_mute = hits.iter().any(|hit| hit.contains("write(2<"));
                assert!(!hits.is_empty() && (is_mute || traced.stderr.contains("error: ")), "{what}: {}", traced.stderr);
                assert!(traced.stderr.lines().count() <= 6, "{what}: one message is enough: {}", traced.stderr);
                if !call.starts_with("unlink") {
                    let left = names(&scene.place.path("")).into_iter().find(|name| name.contains("/.tmp-"));
                    assert_eq!(left, None, "{what}: a temporary was left behind");
                }
            }
            other => panic!("{what}: {other:?} {}", traced.stderr),
        }
        scene.assert_goes_on(&traced.stdout, &what);
    }
    println!("{errno}: {failed} runs failed, {harmless} did not mind, of {} calls", all.len());
    assert!(failed > 0);
}

/// Whether a run may succeed although this call failed: it was about the cache, or it only cleared away
/// a temporary, or a prune found no room to write packs again, and left them as they are.
fn is_harmless(scene: &Scene, hit: &str) -> bool {
    let repository = scene.place.text("repository");
    let is_outside = !hit.contains(&format!("{repository}/")) && !hit.contains(&format!("{repository}>"));
    let is_clearing = hit.contains("unlinkat(") && hit.contains("/.tmp-");
    let is_moving = hit.contains("packs/") || hit.contains("index/");
    is_outside || is_clearing || scene.is_prune() && hit.contains("ENOSPC") && is_moving
}

#[test]
fn an_init_that_meets_a_failing_disk_says_so_and_can_be_made_again() {
    fail_at_every_call(&Scene::before_init(Place::new()), "EIO", "");
}

#[test]
fn a_snapshot_that_meets_a_failing_disk_says_so_and_harms_nothing() {
    fail_at_every_call(&Scene::before_second_snapshot(Place::new()), "EIO", "");
}

#[test]
fn a_snapshot_that_meets_a_full_disk_says_so_and_harms_nothing() {
    fail_at_every_call(&Scene::before_second_snapshot(Place::new()), "ENOSPC", "+");
}

#[test]
fn a_prune_that_meets_a_failing_disk_says_so_and_harms_nothing() {
    fail_at_every_call(&Scene::before_prune(Place::new()), "EIO", "");
}

#[test]
fn a_prune_that_meets_a_full_disk_says_so_and_harms_nothing() {
    fail_at_every_call(&Scene::before_prune(Place::new()), "ENOSPC", "+");
}
