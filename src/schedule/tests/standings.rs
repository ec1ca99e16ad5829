use super::*;
use crate::schedule::{RETRY_SECONDS_FIRST, RETRY_SECONDS_MAX, retry_seconds};

/// In UTC, with all that is needed.
fn stands(plan: &Plan, runs: &[PastRun], now: &str) -> Standing {
    standing(plan, &Past::of(runs.iter().copied()), utc(now), &TimeZone::UTC, |_| Some(true))
}

fn evening() -> Plan {
    plan("19:30", &[], Some("2026-06-01T00:00"))
}

#[test]
fn a_job_is_due_from_its_window_on_until_a_good_run_answers_it() {
    let stood = stands(&evening(), &[], "2026-06-01T19:29");
    assert_eq!(stood.due, Due::NotYet { next: Some(utc("2026-06-01T19:30")) });
    assert!(stood.is_well());
    let stood = stands(&evening(), &[], "2026-06-01T19:31");
    assert!(matches!(stood.due, Due::Now(owed) if owed.missed == 1 && owed.window == utc("2026-06-01T19:30")), "{stood:?}");
    assert!(!stood.is_well() && !stood.is_overdue);
    let good = run("2026-06-01T19:31", "2026-06-01T19:30", Outcome::Good);
    assert_eq!(stands(&evening(), &[good], "2026-06-01T19:40").due, Due::NotYet { next: Some(utc("2026-06-02T19:30")) });
}

#[test]
fn one_run_answers_all_windows_that_were_missed() {
    let good = run("2026-06-01T19:30", "2026-06-01T19:30", Outcome::Good);
    let stood = stands(&evening(), &[good], "2026-06-05T08:00");
    let Due::Overdue(owed) = stood.due else { panic!("{stood:?}") };
    assert_eq!((owed.missed, owed.since, owed.window), (3, utc("2026-06-02T19:30"), utc("2026-06-04T19:30")));
    let caught_up = run("2026-06-05T08:00", "2026-06-04T19:30", Outcome::Good);
    let stood = stands(&evening(), &[good, caught_up], "2026-06-05T08:30");
    assert_eq!(stood.due, Due::NotYet { next: Some(utc("2026-06-05T19:30")) });
}

#[test]
fn a_window_is_overdue_when_the_next_has_come_too_or_after_a_day() {
    for (calendar, window, overdue_at) in [
        ("hourly", "2026-06-01T10:00", "2026-06-01T11:00"),
        ("*:0/5", "2026-06-01T10:00", "2026-06-01T11:00"),
        ("Mon 10:00", "2026-06-01T10:00", "2026-06-02T10:00"),
    ] {
        let (plan, good) = (plan(calendar, &[], None), run("2026-06-01T09:59", "", Outcome::Good));
        assert_eq!(stands(&plan, &[good], window).due.owed().map(|owed| owed.overdue_at), Some(utc(overdue_at)), "{calendar}");
        assert!(stands(&plan, &[good], overdue_at).is_overdue, "{calendar}");
    }
}

#[test]
fn a_run_by_hand_answers_what_came_before_it_and_not_what_comes_after() {
    let by_hand = run("2026-06-02T18:00", "", Outcome::Good);
    assert!(stands(&evening(), &[by_hand], "2026-06-02T19:30").due.is_to_run());
    let by_hand = run("2026-06-02T20:00", "", Outcome::Good);
    assert!(stands(&evening(), &[by_hand], "2026-06-03T12:00").is_well());
}

#[test]
fn a_job_that_never_ran_owes_what_came_since_it_was_planned_and_else_the_last_window() {
    let unknown = Plan { since: None, ..evening() };
    let stood = stands(&unknown, &[], "2026-06-03T12:00");
    assert!(matches!(stood.due, Due::Overdue(owed) if owed.missed == 1 && owed.since == utc("2026-06-02T19:30")), "{stood:?}");
    assert!(stands(&Plan { since: Some(utc("2026-06-03T10:00")), ..evening() }, &[], "2026-06-03T12:00").is_well());
}

#[test]
fn what_is_not_there_is_waited_for_and_is_no_failure_but_becomes_overdue() {
    let medium = Condition::Medium("/mnt/week".into());
    let plan = plan("19:30", &[Condition::Network, medium.clone()], Some("2026-06-01T00:00"));
    let holds = |condition: &Condition| Some(*condition == Condition::Network);
    let stood = standing(&plan, &Past::default(), utc("2026-06-01T20:00"), &TimeZone::UTC, holds);
    assert!(matches!(&stood.due, Due::Waiting { wants, .. } if *wants == medium), "{stood:?}");
    assert!(!stood.is_well() && !stood.is_overdue && stood.failures.is_none());
    let later = standing(&plan, &Past::default(), utc("2026-06-02T20:00"), &TimeZone::UTC, holds);
    assert!(matches!(later.due, Due::Waiting { .. }) && later.is_overdue, "{later:?}");
    // What cannot be found out keeps nothing from running.
    let unknown = standing(&plan, &Past::default(), utc("2026-06-01T20:00"), &TimeZone::UTC, |_| None);
    assert!(unknown.due.is_to_run());
}

#[test]
fn a_failed_run_is_tried_again_later_and_later_and_stays_seen_until_one_is_good() {
    let begins = ["2026-06-01T19:30", "2026-06-01T19:40", "2026-06-01T20:00"];
    let failed = begins.map(|begun| run(begun, "2026-06-01T19:30", Outcome::Failed));
    for (count, now, at) in [
        (1, "2026-06-01T19:39", "2026-06-01T19:40"),
        (2, "2026-06-01T19:59", "2026-06-01T20:00"),
        (3, "2026-06-01T20:39", "2026-06-01T20:40"),
    ] {
        let stood = stands(&evening(), &failed[..count], now);
        assert!(matches!(stood.due, Due::Retry { at: found, .. } if found == utc(at)), "{count}: {stood:?}");
        assert_eq!(stood.failures.map(|failures| failures.count), Some(count as u64));
        assert!(stands(&evening(), &failed[..count], at).due.is_to_run(), "{count}");
    }
    // A good run by hand clears it, though the failure is in the ledger.
    let good = run("2026-06-01T20:10", "", Outcome::Good);
    assert!(stands(&evening(), &[&failed[..], &[good]].concat(), "2026-06-01T20:20").is_well());
    // A failure after a good run by hand is seen although nothing is owed.
    let again = stands(&evening(), &[good, run("2026-06-01T20:20", "", Outcome::Failed)], "2026-06-01T20:30");
    assert!(matches!(again.due, Due::NotYet { .. }) && !again.is_well(), "{again:?}");
    assert_eq!(
        [1, 2, 3, 6, 7, u64::MAX].map(retry_seconds),
        [RETRY_SECONDS_FIRST, 1200, 2400, 19_200, RETRY_SECONDS_MAX, RETRY_SECONDS_MAX]
    );
}

#[test]
fn a_new_window_does_not_wait_for_the_time_of_the_next_try() {
    let plan = plan("hourly", &[], Some("2026-06-01T00:00"));
    let failed = [run("2026-06-01T10:55", "2026-06-01T10:00", Outcome::Failed)];
    assert!(matches!(stands(&plan, &failed, "2026-06-01T10:58").due, Due::Retry { .. }));
    assert!(stands(&plan, &failed, "2026-06-01T11:00").due.is_to_run());
}

#[test]
fn a_run_that_never_ended_counts_as_one_that_failed() {
    let stood = stands(&evening(), &[run("2026-06-01T19:30", "2026-06-01T19:30", Outcome::Unfinished)], "2026-06-01T19:45");
    assert!(stood.due.is_to_run() && stood.failures.is_some());
}

#[test]
fn a_clock_that_was_ahead_for_years_does_not_keep_a_job_from_running() {
    let from_the_future = run("2036-01-01T00:00", "2035-12-31T19:30", Outcome::Good);
    let stood = stands(&evening(), &[from_the_future], "2026-06-01T12:00");
    assert!(stood.due.is_to_run() && stood.is_overdue, "{stood:?}");
    let run_now = run("2026-06-01T12:00", "2026-05-31T19:30", Outcome::Good);
    let stood = stands(&evening(), &[from_the_future, run_now], "2026-06-01T12:15");
    assert_eq!(stood.due, Due::NotYet { next: Some(utc("2026-06-01T19:30")) });
    // Nor does a failure of then.
    let failed = run("2036-01-01T00:00", "2026-06-01T19:30", Outcome::Failed);
    assert!(stands(&evening(), &[failed], "2026-06-01T19:45").due.is_to_run());
}

#[test]
fn a_clock_that_goes_back_an_hour_does_not_run_the_evening_twice() {
    let good = run("2026-06-01T19:30", "2026-06-01T19:30", Outcome::Good);
    for now in ["2026-06-01T18:40", "2026-06-01T19:30", "2026-06-01T19:50"] {
        assert_eq!(stands(&evening(), &[good], now).due, Due::NotYet { next: Some(utc("2026-06-02T19:30")) }, "{now}");
    }
}

#[test]
fn a_clock_that_was_ahead_for_weeks_does_not_cost_a_yearly_job_its_year() {
    let plan = plan("*-07-01 12:00", &[], Some("2025-01-01T00:00"));
    let ahead = run("2026-07-01T12:00", "2026-07-01T12:00", Outcome::Good);
    let stood = stands(&plan, &[ahead], "2026-03-01T12:00");
    assert!(stood.due.is_to_run(), "{stood:?}");
    let again = run("2026-03-01T12:00", "2025-07-01T12:00", Outcome::Good);
    assert_eq!(stands(&plan, &[ahead, again], "2026-03-01T13:00").due, Due::NotYet { next: Some(utc("2026-07-01T12:00")) });
}

#[test]
fn what_a_scheduler_starts_some_seconds_too_early_answers_its_window() {
    let early = Timestamp::new(utc("2026-06-01T19:30").seconds - 3, 0);
    let stood = standing(&evening(), &Past::default(), early, &TimeZone::UTC, |_| None);
    let Due::Now(owed) = stood.due else { panic!("{stood:?}") };
    assert_eq!(owed.window, utc("2026-06-01T19:30"));
    let past = Past::of([PastRun { begun: early, window: Some(owed.window), outcome: Outcome::Good }]);
    for later in [1, 5, 600] {
        assert!(standing(&evening(), &past, early.plus_seconds(later), &TimeZone::UTC, |_| None).is_well());
    }
}

#[test]
fn windows_go_by_the_zone_of_the_machine_now() {
    let good = run("2026-06-01T17:30", "2026-06-01T17:30", Outcome::Good);
    let past = Past::of([good]);
    let at = |name: &str, now: &str| standing(&evening(), &past, utc(now), &zone(name), |_| None).due.is_to_run();
    assert!(!at("Europe/Berlin", "2026-06-01T23:35") && at("America/New_York", "2026-06-01T23:35"));
}

#[test]
fn conditions_are_asked_of_the_machine() {
    let root = tempfile::tempdir().expect("a folder");
    for condition in [Condition::Network, Condition::AcPower, Condition::Medium("/mnt/week".into())] {
        assert_eq!(condition.holds(root.path()), None, "{condition}");
    }
    std::fs::create_dir_all(root.path().join("proc/self")).expect("a folder");
    std::fs::write(root.path().join("proc/self/mountinfo"), "36 22 8:17 / /mnt/week rw - ext4 /dev/sdb1 rw\n").expect("a file");
    assert_eq!(Condition::Medium("/mnt/week".into()).holds(root.path()), Some(true));
    assert_eq!(Condition::Medium("/mnt/other".into()).holds(root.path()), Some(false));
}
