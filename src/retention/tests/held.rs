//! What no rule removes: bases, the newest, the last that had the files, what is protected.

use super::*;

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
