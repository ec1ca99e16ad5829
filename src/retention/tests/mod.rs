//! What the rules keep, on calendars that are easy to get wrong.

mod any;
mod held;
mod machines;

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
