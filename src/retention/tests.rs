//! What the rules keep, on calendars that are easy to get wrong.

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::id::{MachineId, SnapshotId};
use crate::manifest::{Kind, SourceCounts};
use crate::units::Timestamp;

/// Central European time by its rule, so that no time zone database is needed.
fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn at(text: &str, zone: &TimeZone) -> Timestamp {
    let time = text.parse::<civil::DateTime>().unwrap();
    Timestamp::new(zone.to_timestamp(time).unwrap().as_second(), 0)
}

/// Snapshots of one series at these times, with counters in this order.
fn candidates(times: impl IntoIterator<Item = Timestamp>) -> Vec<Candidate> {
    let candidate = |(number, time)| Candidate {
        id: id(number),
        series: "home".into(),
        machine: None,
        time,
        committed_at: time,
        counter: number,
        kind: Kind::Incremental,
        base: None,
        files: 100,
        sources: Vec::new(),
        tags: Vec::new(),
        is_pinned: false,
        is_suspect: false,
    };
    (1..).zip(times).map(candidate).collect()
}

fn id(number: u64) -> SnapshotId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    SnapshotId(bytes)
}

fn local(texts: &[&str]) -> Vec<Candidate> {
    candidates(texts.iter().map(|text| at(text, &berlin())))
}

const NOW: Timestamp = Timestamp::new(4_000_000_000, 0);

fn decided(candidates: &[Candidate], policy: &KeepPolicy) -> Vec<Decision> {
    decide(candidates, policy, 0, NOW, &berlin()).unwrap()
}

/// The counters of what is kept, and why.
fn kept(candidates: &[Candidate], policy: &KeepPolicy) -> Vec<(u64, String)> {
    let counter = |id| candidates.iter().find(|candidate| candidate.id == id).unwrap().counter;
    let reasons = |reasons: &[Reason]| reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let decisions = decided(candidates, policy);
    decisions.iter().filter(|decision| decision.keep).map(|decision| (counter(decision.id), reasons(&decision.reasons))).collect()
}

fn counters(candidates: &[Candidate], policy: &KeepPolicy) -> Vec<u64> {
    kept(candidates, policy).into_iter().map(|(counter, _)| counter).collect()
}

#[test]
fn the_newest_of_each_day_that_has_one_is_kept_and_the_reasons_say_which() {
    let all = local(&["2026-11-01T10:00", "2026-11-18T09:00", "2026-11-20T08:00", "2026-11-20T23:59", "2026-11-22T00:00"]);
    let policy = KeepPolicy { daily: 3, last: 1, ..KeepPolicy::default() };
    let expected = [(2, "daily 3 of 3"), (4, "daily 2 of 3"), (5, "last 1 of 1, daily 1 of 3, newest of its series")];
    assert_eq!(kept(&all, &policy), expected.map(|(counter, reasons)| (counter, reasons.to_owned())));
}

#[test]
fn without_a_rule_everything_is_kept() {
    let all = local(&["2026-11-01T10:00", "2026-11-02T10:00"]);
    assert_eq!(kept(&all, &KeepPolicy::default())[0], (1, "no rule was given".to_owned()));
    assert_eq!(counters(&all, &KeepPolicy::default()), [1, 2]);
    assert!(decided(&[], &KeepPolicy { last: 1, ..KeepPolicy::default() }).is_empty());
}

#[test]
fn days_are_those_of_the_zone_not_of_utc() {
    // 23:30 and 00:30 in Berlin are one day in UTC.
    let all = local(&["2026-01-10T23:30", "2026-01-11T00:30"]);
    let policy = KeepPolicy { daily: 2, ..KeepPolicy::default() };
    assert_eq!(counters(&all, &policy), [1, 2]);
    let utc = decide(&all, &policy, 0, NOW, &TimeZone::UTC).unwrap();
    assert_eq!(utc.iter().map(|decision| decision.keep).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn the_hour_that_the_end_of_summer_time_repeats_is_two_hours_of_one_day() {
    // 2026-10-25 02:30 in summer time, the same in winter time, and 03:30.
    let first = at("2026-10-25T00:30", &TimeZone::UTC);
    let all = candidates([first, first.plus_seconds(3600), first.plus_seconds(7200)]);
    assert_eq!(counters(&all, &KeepPolicy { hourly: 5, ..KeepPolicy::default() }), [1, 2, 3]);
    assert_eq!(counters(&all, &KeepPolicy { daily: 5, ..KeepPolicy::default() }), [3]);
}

#[test]
fn the_hour_that_the_beginning_of_summer_time_leaves_out_is_no_period() {
    let first = at("2026-03-29T00:30", &TimeZone::UTC);
    let all = candidates([first, first.plus_seconds(3600)]);
    let expected = [(1, "hourly 2 of 2"), (2, "hourly 1 of 2, newest of its series")];
    assert_eq!(kept(&all, &KeepPolicy { hourly: 2, ..KeepPolicy::default() }), expected.map(|(n, text)| (n, text.to_owned())));
}

#[test]
fn a_day_back_over_the_change_of_the_clock_is_a_day_of_the_calendar() {
    // From 12:00 on the day of 25 hours, one day back is 12:00 of the day before.
    let all = local(&["2026-10-24T11:59", "2026-10-24T12:00", "2026-10-25T12:00"]);
    let policy = KeepPolicy { within: Some(1.day()), ..KeepPolicy::default() };
    let expected = [(2, "within 1 day"), (3, "within 1 day, newest of its series")];
    assert_eq!(kept(&all, &policy), expected.map(|(counter, reasons)| (counter, reasons.to_owned())));
}

#[test]
fn within_counts_from_the_newest_of_the_series_not_from_now() {
    let all = local(&["2020-01-01T00:00", "2020-02-20T00:00", "2020-03-10T00:00"]);
    assert_eq!(counters(&all, &KeepPolicy { within: Some(30.days()), ..KeepPolicy::default() }), [2, 3]);
    let longest = Span::new().years(19_998);
    assert_eq!(counters(&all, &KeepPolicy { within: Some(longest), ..KeepPolicy::default() }), [1, 2, 3]);
    for nonsense in [Span::new(), (-3).days()] {
        let policy = KeepPolicy { within: Some(nonsense), ..KeepPolicy::default() };
        assert_eq!(decide(&all, &policy, 0, NOW, &berlin()).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[test]
fn the_29th_of_february_is_a_day_and_a_month_back_from_march_ends_there() {
    let all = local(&["2028-02-28T10:00", "2028-02-29T09:59", "2028-02-29T10:00", "2028-03-31T10:00"]);
    assert_eq!(counters(&all, &KeepPolicy { daily: 3, ..KeepPolicy::default() }), [1, 3, 4]);
    assert_eq!(counters(&all, &KeepPolicy { within: Some(1.month()), ..KeepPolicy::default() }), [3, 4]);
    assert_eq!(counters(&all, &KeepPolicy { monthly: 2, ..KeepPolicy::default() }), [3, 4]);
}

#[test]
fn week_53_holds_the_first_days_of_the_next_year() {
    // 2026-12-28 is the Monday of week 53; 2027-01-03 its Sunday; week 1 begins on the 4th.
    let all = local(&["2026-12-27T12:00", "2026-12-28T00:00", "2026-12-31T12:00", "2027-01-03T23:59", "2027-01-04T00:00"]);
    assert_eq!(counters(&all, &KeepPolicy { weekly: 3, ..KeepPolicy::default() }), [1, 4, 5]);
    assert_eq!(counters(&all, &KeepPolicy { yearly: 3, ..KeepPolicy::default() }), [3, 5]);
}

#[test]
fn series_do_not_take_each_others_places() {
    let mut all = local(&["2026-11-01T10:00", "2026-11-02T10:00", "2026-11-03T10:00"]);
    all[0].series = "shop".into();
    assert_eq!(counters(&all, &KeepPolicy { last: 1, ..KeepPolicy::default() }), [3, 1]);
}

#[test]
fn tags_and_pins_keep_what_the_other_rules_do_not() {
    let mut all = local(&["2026-11-01T10:00", "2026-11-02T10:00", "2026-11-03T10:00", "2026-11-04T10:00"]);
    all[0].tags = vec!["year\u{1b}".into(), "x".into()];
    all[1].is_pinned = true;
    let policy = KeepPolicy { last: 1, tags: vec!["year\u{1b}".into(), "y".into()], ..KeepPolicy::default() };
    let reasons = kept(&all, &policy);
    assert_eq!(reasons[..2], [(1, "tag year\\u{1b}".to_owned()), (2, "pinned".to_owned())]);
    assert_eq!(reasons.len(), 3);
}

#[test]
fn the_full_of_a_kept_differential_stays_and_that_of_a_removed_one_does_not() {
    let mut all = local(&["2026-11-01T10:00", "2026-11-02T10:00", "2026-11-03T10:00", "2026-11-04T10:00", "2026-11-05T10:00"]);
    for (at, kind, base) in
        [(0, Kind::Full, None), (1, Kind::Differential, Some(1)), (2, Kind::Full, None), (3, Kind::Differential, Some(3))]
    {
        all[at].kind = kind;
        all[at].base = base.map(id);
    }
    let policy = KeepPolicy { last: 2, ..KeepPolicy::default() };
    assert_eq!(counters(&all, &policy), [3, 4, 5]);
    assert_eq!(kept(&all, &policy)[0].1, format!("base of kept differential {}", id(4).short()));
}

/// Found by a random history: the base of a base was forgotten when it had been looked at before.
#[test]
fn bases_are_followed_to_the_end_of_a_chain() {
    let mut all = local(&["2026-11-01T10:00", "2026-11-03T10:00", "2026-11-02T10:00", "2026-11-04T10:00"]);
    for (at, base) in [(1, 1), (2, 2)] {
        all[at].kind = Kind::Differential;
        all[at].base = Some(id(base));
    }
    all[0].kind = Kind::Full;
    all[2].is_pinned = true;
    assert_eq!(counters(&all, &KeepPolicy { last: 1, ..KeepPolicy::default() }), [1, 3, 2, 4]);
}

#[test]
fn the_newest_is_kept_by_order_and_by_time_where_they_are_two() {
    // An old folder that was saved last, with the time that it is of.
    let mut all = local(&["2026-11-01T10:00", "2026-11-02T10:00", "2001-01-01T00:00"]);
    all[2].committed_at = at("2026-11-03T10:00", &berlin());
    let policy = KeepPolicy { tags: vec!["none".into()], ..KeepPolicy::default() };
    assert_eq!(counters(&all, &policy), [3, 2]);
}

#[test]
fn the_last_snapshot_before_most_files_were_gone_outlasts_the_rules() {
    let mut all = local(&["2026-11-01T10:00", "2026-11-02T10:00", "2026-11-03T10:00", "2026-11-04T10:00", "2026-11-05T10:00"]);
    // The disk was not mounted from the third night on.
    all[2..].iter_mut().for_each(|candidate| candidate.files = 9);
    let policy = KeepPolicy { last: 1, ..KeepPolicy::default() };
    assert_eq!(kept(&all, &policy)[0], (2, "last with 100 files, later ones have 9".to_owned()));
    assert_eq!(counters(&all, &policy), [2, 5]);
    // When the files are back there is nothing to keep; nor when a tenth is left, or few there were.
    for (files, newest) in [(100, 100), (100, 10), (19, 1)] {
        all[1].files = files;
        all[0].files = files;
        all[4].files = newest;
        assert_eq!(counters(&all, &policy), [5], "{files} {newest}");
    }
}

#[test]
fn the_last_snapshot_that_had_the_files_of_one_source_outlasts_the_rules_however_few_they_were() {
    let policy = KeepPolicy { last: 1, ..KeepPolicy::default() };
    let counts = |path: &str, files, bytes| SourceCounts { path: path.into(), files, bytes };
    for (had, left) in [((1, 9), (0, 0)), ((19, 9), (0, 0)), ((9, 9), (4, 9)), ((5, 9 << 20), (5, 9))] {
        let mut all = local(&["2026-11-01T10:00", "2026-11-02T10:00", "2026-11-03T10:00", "2026-11-04T10:00"]);
        for (at, candidate) in all.iter_mut().enumerate() {
            let (files, bytes) = if at < 2 { had } else { left };
            candidate.sources = vec![counts("/home", 100, 100), counts("/db", files, bytes)];
        }
        let reasons = kept(&all, &policy);
        assert_eq!(counters(&all, &policy), [2, 4], "{had:?} {left:?} {reasons:?}");
        assert!(reasons[0].1.starts_with("last with ") && reasons[0].1.contains(" in /db, later ones have "), "{reasons:?}");
        // A source that is back, or that nobody saves any more, has lost nothing.
        all[3].sources[1] = counts("/db", had.0, had.1);
        assert_eq!(counters(&all, &policy), [4]);
        all[3].sources.pop();
        assert_eq!(counters(&all, &policy), [4]);
    }
}

#[test]
fn files_that_were_lost_in_several_nights_are_kept_from_before_the_first() {
    let mut all = local(&["2026-11-01T10:00", "2026-11-02T10:00", "2026-11-03T10:00", "2026-11-04T10:00", "2026-11-05T10:00"]);
    for (candidate, files) in all.iter_mut().zip([1000, 1000, 60, 60, 5]) {
        candidate.files = files;
    }
    assert_eq!(counters(&all, &KeepPolicy { last: 1, ..KeepPolicy::default() }), [2, 4, 5]);
}

#[test]
fn what_was_committed_too_recently_is_protected_whatever_its_time_says() {
    let zone = berlin();
    let mut all = local(&["2001-01-01T00:00", "2001-01-02T00:00", "2001-01-03T00:00"]);
    all[0].committed_at = at("2026-11-20T10:00", &zone);
    let policy = KeepPolicy { last: 1, ..KeepPolicy::default() };
    let keeps = |now: &str| decide(&all, &policy, 7 * 86_400, at(now, &zone), &zone).unwrap()[0].clone();
    assert_eq!(keeps("2026-11-27T09:59").reasons, [Reason::ProtectedUntil("2026-11-27 10:00:00".into())]);
    assert!(!keeps("2026-11-27T10:00").keep);
    assert_eq!(protected_until(all[0].committed_at, u64::MAX, NOW, &zone).unwrap(), "9999-12-30 23:00:00");
}

#[test]
fn a_clock_that_is_behind_refuses_to_decide() {
    let zone = berlin();
    let all = local(&["2026-11-01T10:00", "2026-11-22T10:00"]);
    let policy = KeepPolicy { last: 1, ..KeepPolicy::default() };
    assert!(decide(&all, &policy, 0, at("2026-11-22T09:55", &zone), &zone).is_ok());
    let error = decide(&all, &policy, 0, at("2026-11-22T09:54:59", &zone), &zone).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().starts_with("clock says 2026-11-22 09:54:59"), "{error}");
}

#[test]
fn a_snapshot_of_the_future_that_no_rule_keeps_says_nothing_about_the_clock() {
    let zone = berlin();
    let mut all = local(&["2026-11-01T10:00", "2026-11-21T10:00", "2026-11-22T10:00"]);
    all[0].committed_at = at("2099-01-01T10:00", &zone);
    let now = at("2026-11-22T11:00", &zone);
    let policy = KeepPolicy { last: 1, ..KeepPolicy::default() };
    assert!(!decide(&all, &policy, 0, now, &zone).unwrap()[0].keep);
    let error = decide(&all, &KeepPolicy { last: 3, ..policy }, 0, now, &zone).unwrap_err();
    assert!(error.to_string().ends_with(&format!("`repo forget {}` first", all[0].id.short())), "{error}");
    assert!(decide(&all, &KeepPolicy::default(), 0, now, &zone).is_ok(), "without rules no age decides anything");
}

#[test]
fn impossible_times_of_a_hostile_manifest_are_decided_like_others() {
    let times = [(i64::MIN, 0), (0, u32::MAX), (i64::MAX, u32::MAX)].map(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds));
    let mut all = candidates(times);
    all.iter_mut().for_each(|candidate| candidate.committed_at = Timestamp::default());
    let policy = KeepPolicy { yearly: 2, within: Some(1.hour()), ..KeepPolicy::default() };
    assert_eq!(counters(&all, &policy), [2, 3]);
}

/// Some series of snapshots over some years, many of them close together.
fn histories() -> impl Strategy<Value = Vec<Candidate>> {
    // Saved with the time of long ago, some by `--time`; counters and clocks need not agree.
    let snapshot = (0..3u8, 0..90_000_000i64, 0..3u8, 0..20u8, prop::bool::weighted(0.1), 0..40_000_000i64);
    prop::collection::vec(snapshot, 1..40).prop_map(|rows| {
        let mut all = candidates(rows.iter().map(|(_, seconds, ..)| Timestamp::new(1_700_000_000 + seconds / 7, 0)));
        for (at, (series, _, kind, base, is_pinned, later)) in rows.into_iter().enumerate() {
            all[at].committed_at = all[at].time.plus_seconds(later / 3);
            all[at].files = if later % 11 == 0 { later as u64 % 3 } else { 10 + later as u64 % 100 };
            all[at].tags = if later % 7 == 0 { vec!["tax".into()] } else { Vec::new() };
            all[at].series = format!("series {series}");
            all[at].kind = [Kind::Full, Kind::Incremental, Kind::Differential][usize::from(kind)];
            all[at].base = (kind > 0).then(|| id(u64::from(base)));
            all[at].is_pinned = is_pinned;
        }
        all
    })
}

fn policies() -> impl Strategy<Value = KeepPolicy> {
    let within = prop::option::of((1..100i64).prop_map(|days| days.days()));
    (1..4u64, 0..4u64, 0..9u64, 0..5u64, 0..9u64, 0..3u64, within).prop_map(|(last, hourly, daily, weekly, monthly, yearly, within)| {
        KeepPolicy { last, hourly, daily, weekly, monthly, yearly, within, tags: Vec::new() }
    })
}

proptest! {
    #[test]
    fn a_larger_number_never_removes_more(all in histories(), policy in policies(), rule in 0..6usize, more in 1..4u64) {
        let mut larger = policy.clone();
        let numbers = [
            &mut larger.last, &mut larger.hourly, &mut larger.daily, &mut larger.weekly, &mut larger.monthly, &mut larger.yearly,
        ];
        *numbers.into_iter().nth(rule).unwrap() += more;
        let (few, many) = (counters(&all, &policy), counters(&all, &larger));
        prop_assert!(few.iter().all(|counter| many.contains(counter)), "{few:?} {many:?}");
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(all in histories(), policy in policies(), turn in 0..40usize) {
        let mut turned = all.clone();
        turned.reverse();
        let middle = turn % turned.len();
        turned.rotate_left(middle);
        prop_assert_eq!(decided(&all, &policy), decided(&turned, &policy));
    }

    #[test]
    fn the_newest_pins_and_bases_stay_and_every_snapshot_is_decided_once(all in histories(), mut policy in policies()) {
        policy.last = 0;
        policy.tags = vec!["none".into()];
        let decisions = decided(&all, &policy);
        prop_assert_eq!(decisions.len(), all.len());
        let keeps = |wanted: &SnapshotId| decisions.iter().find(|decision| decision.id == *wanted).is_some_and(|decision| decision.keep);
        for candidate in &all {
            let is_newest = all.iter().all(|other| other.series != candidate.series || other.counter <= candidate.counter);
            prop_assert!(keeps(&candidate.id) || !(is_newest || candidate.is_pinned));
            if candidate.kind == Kind::Differential && keeps(&candidate.id) {
                let full = all.iter().find(|other| Some(other.id) == candidate.base && other.series == candidate.series);
                prop_assert!(full.is_none_or(|full| keeps(&full.id)));
            }
        }
        prop_assert!(decisions.iter().all(|decision| decision.keep != decision.reasons.is_empty()));
    }

    #[test]
    fn what_is_protected_stays_and_a_longer_protection_never_removes_more(
        all in histories(), policy in policies(), days in 0..400u64, more in 0..400u64,
    ) {
        let now = all.iter().map(|candidate| candidate.committed_at).max().unwrap();
        let kept = |days: u64| -> Vec<SnapshotId> {
            let decisions = decide(&all, &policy, days * 86_400, now, &berlin()).unwrap();
            decisions.iter().filter(|decision| decision.keep).map(|decision| decision.id).collect()
        };
        let (few, many) = (kept(days), kept(days + more));
        prop_assert!(few.iter().all(|id| many.contains(id)));
        for candidate in &all {
            let is_protected = candidate.committed_at.plus_seconds(days as i64 * 86_400) > now;
            prop_assert!(!is_protected || few.contains(&candidate.id));
        }
    }

    #[test]
    fn each_series_is_decided_as_if_it_were_alone(all in histories(), policy in policies()) {
        let mut alone = Vec::new();
        for number in 0..3 {
            let series = format!("series {number}");
            let members: Vec<Candidate> = all.iter().filter(|candidate| candidate.series == series).cloned().collect();
            alone.extend(decided(&members, &policy));
        }
        prop_assert_eq!(decided(&all, &policy), alone);
    }

    #[test]
    fn a_second_prune_with_the_same_rules_removes_nothing_more(all in histories(), mut policy in policies(), by_tag in any::<bool>()) {
        policy.tags = if by_tag { vec!["tax".into()] } else { Vec::new() };
        let kept = counters(&all, &policy);
        let left: Vec<Candidate> = all.iter().filter(|candidate| kept.contains(&candidate.counter)).cloned().collect();
        let again = counters(&left, &policy);
        prop_assert_eq!(kept, again);
    }

    #[test]
    fn what_a_rule_promises_is_kept(all in histories(), policy in policies()) {
        let kept = counters(&all, &policy);
        for candidate in &all {
            let series = all.iter().filter(|other| other.series == candidate.series);
            // Newer by what rules go by, as a number of snapshots and of days.
            let newer: Vec<&Candidate> = series.filter(|other| (other.time, other.counter) > (candidate.time, candidate.counter)).collect();
            let is_kept = kept.contains(&candidate.counter);
            prop_assert!(is_kept || newer.len() as u64 >= policy.last, "one of the last {}", policy.last);
            let day = |candidate: &Candidate| candidate.time.seconds.div_euclid(86_400);
            let utc = decide(&all, &policy, 0, NOW, &TimeZone::UTC).unwrap();
            let is_kept = utc.iter().any(|decision| decision.id == candidate.id && decision.keep);
            let days: std::collections::BTreeSet<i64> = newer.iter().map(|other| day(other)).collect();
            let is_newest_of_day = !days.contains(&day(candidate));
            prop_assert!(is_kept || !is_newest_of_day || days.len() as u64 >= policy.daily, "one of {} days", policy.daily);
        }
    }
}

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
