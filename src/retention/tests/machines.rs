//! Several machines in one series, and a series of which a snapshot is suspect.

use super::*;

/// Snapshots of one day each, of the machines that the letters say; `-` says none.
fn of_machines(machines: &str) -> Vec<Candidate> {
    let day = |number: usize| Timestamp::new(1_700_000_000 + 86_400 * number as i64, 0);
    let mut candidates = candidates((0..machines.len()).map(day));
    for (candidate, machine) in candidates.iter_mut().zip(machines.bytes()) {
        candidate.machine = (machine != b'-').then_some(MachineId([machine; 16]));
    }
    candidates
}

fn kept_of(machines: &str, policy: &KeepPolicy) -> String {
    let candidates = of_machines(machines);
    let decisions = decided(&candidates, policy);
    let keeps = |id| decisions.iter().any(|decision| decision.id == id && decision.keep);
    candidates.iter().zip(machines.chars()).map(|(candidate, machine)| if keeps(candidate.id) { machine } else { '.' }).collect()
}

#[test]
fn machines_that_share_a_series_are_counted_each_by_itself() {
    let two = KeepPolicy { daily: 2, ..KeepPolicy::default() };
    assert_eq!(kept_of("aaabbb", &two), ".aa.bb");
    assert_eq!(kept_of("abbbbb", &two), "a...bb", "the last one of a machine stays, as the last of a series does");
}

#[test]
fn snapshots_that_do_not_say_where_they_were_made_count_with_those_of_every_machine() {
    let two = KeepPolicy { daily: 2, ..KeepPolicy::default() };
    assert_eq!(kept_of("----", &two), "..--");
    assert_eq!(kept_of("---a", &two), "..-a", "one machine that was upgraded goes on with its own");
    assert_eq!(kept_of("---aa", &two), "...aa");
    assert_eq!(kept_of("--ab", &two), ".-ab", "it may be of either");
    assert_eq!(kept_of("--aabb", &two), "..aabb", "neither has a use for them any more");
}

proptest! {
    #[test]
    fn counting_machines_apart_never_removes_what_counting_them_together_keeps(machines in "[-ab]{1,12}", last in 0u64..4, daily in 0u64..4) {
        let policy = KeepPolicy { last, daily, ..KeepPolicy::default() };
        let together = kept_of(&"-".repeat(machines.len()), &policy);
        let apart = kept_of(&machines, &policy);
        for (one, other) in together.chars().zip(apart.chars()) {
            prop_assert!(one == '.' || other != '.', "{machines}: {together} {apart}");
        }
    }
}

#[test]
fn rules_wait_with_a_series_of_which_a_snapshot_is_suspect_and_with_no_other() {
    let mut candidates = local(&["2026-01-01T12:00", "2026-01-02T12:00", "2026-01-03T12:00"]);
    candidates[1].is_suspect = true;
    let mut other = local(&["2026-01-01T13:00", "2026-01-02T13:00"]);
    for (number, candidate) in other.iter_mut().enumerate() {
        (candidate.series, candidate.id, candidate.counter) = ("other".into(), id(10 + number as u64), 10 + number as u64);
    }
    candidates.extend(other);
    let policy = KeepPolicy { last: 1, ..KeepPolicy::default() };
    let goes = |candidates: &[Candidate]| decided(candidates, &policy).iter().filter(|decision| !decision.keep).count();
    assert_eq!(goes(&candidates), 1, "one of the other series");
    let reasons = decided(&candidates, &policy)[0].reasons.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(reasons[0].starts_with("the rules wait: 00000000"), "{reasons:?}");
    candidates[1].is_suspect = false;
    assert_eq!(goes(&candidates), 3);
}
