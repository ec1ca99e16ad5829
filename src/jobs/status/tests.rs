//! What is said of a repository in each state that it can be in.

use jiff::tz::TimeZone;

use super::growth::Growth;
use super::*;
use crate::catalog::Summary;
use crate::snapshot::tests::Bench;
use crate::units::Timestamp;

const DAY: i64 = 86_400;

#[test]
fn growth_is_told_from_two_days_on_and_the_first_snapshot_is_none() {
    let bench = Bench::new();
    bench.write("a", "a");
    let saved = bench.snapshot();
    let of = |days_ago: i64, bytes: u64| {
        let mut summary = Summary::of(&saved.id.unwrap(), &saved.manifest);
        summary.committed_at = Timestamp::new(1000 * DAY - days_ago * DAY, 0);
        summary.counts.bytes_stored = bytes;
        summary
    };
    let now = Timestamp::new(1000 * DAY, 0);
    assert_eq!(Growth::of(&[of(1, 500)], Some(100), now).bytes_a_day, None);
    let grown = Growth::of(&[of(10, 1_000_000), of(5, 600), of(1, 400)], Some(5000), now);
    assert_eq!((grown.bytes_a_day, grown.days_left), (Some(100), Some(50)));
    let long = Growth::of(&[of(400, 9), of(300, 1_000_000), of(10, 3000)], Some(5000), now);
    assert_eq!(long.bytes_a_day, Some(100), "of the last month alone");
    assert_eq!(Growth::of(&[of(10, 9), of(5, 0)], Some(5000), now).days_left, None);
}

#[test]
fn overdue_outranks_everything_and_waiting_is_neither_good_nor_failed() {
    use SeriesState::{Failed, Good, Incomplete, Never, Overdue, Suspect, Waiting};
    let order = [Good, Waiting, Incomplete, Never, Suspect, Failed, Overdue];
    assert!(order.is_sorted());
}

#[test]
fn the_page_and_the_figures_say_what_is_the_matter_and_escape_it() {
    let series = SeriesStatus {
        job: "<shop>\"".to_owned(),
        state: SeriesState::Failed,
        reasons: vec!["the last run failed: a & b".to_owned()],
        last_good: Some(Timestamp::new(1_795_366_800, 0)),
        last_run: None,
        proved: None,
        checked: None,
        next: None,
        overdue_since: None,
        unreadable: Vec::new(),
        open_databases: Vec::new(),
    };
    let mut status = Status {
        looked_at: Timestamp::new(1_795_366_900, 0),
        sentence: String::new(),
        is_well: false,
        is_damaged: false,
        series: vec![series],
        growth: Growth::default(),
        warnings: Vec::new(),
        uncovered: Vec::new(),
    };
    status.sentence = super::words::sentence(&status, &TimeZone::UTC);
    assert_eq!(status.sentence, "Not well: `<shop>\"` failed; it was last saved on Sunday 22 November at 17:00.");
    let page = html(&status, &TimeZone::UTC);
    assert!(page.contains("&lt;shop&gt;&quot;: the last run failed: a &amp; b") && !page.contains("<shop>") && !page.contains("<script"));
    let figures = prometheus(&status);
    assert!(
        figures.contains("repo_job_last_good_seconds{job=\"<shop>\\\"\"} 1795366800\n") && figures.contains("repo_well 0\n"),
        "{figures}"
    );
}
