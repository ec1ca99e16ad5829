//! What holds of any history and any rules.

use super::*;

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
