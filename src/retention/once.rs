//! Which series were saved once and never again: most likely one source under a new name at each run.

use std::collections::HashMap;

use super::policy::Candidate;

/// A series that was not saved for this long while others were is not saved any more.
const REST_SECONDS: i64 = 2 * 24 * 3600;

/// How many series have a single snapshot that is older than the newest of all by more than two days. Several that
/// were saved in one evening are as they should be.
pub fn saved_once(candidates: &[Candidate]) -> usize {
    let Some(newest) = candidates.iter().map(|candidate| candidate.time.seconds).max() else { return 0 };
    let mut series: HashMap<&str, Vec<i64>> = HashMap::new();
    for candidate in candidates {
        series.entry(&candidate.series).or_default().push(candidate.time.seconds);
    }
    series.values().filter(|times| matches!(times[..], [only] if newest.saturating_sub(only) > REST_SECONDS)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SnapshotId;
    use crate::manifest::Kind;
    use crate::units::Timestamp;

    fn candidate(series: &str, day: i64) -> Candidate {
        Candidate {
            id: SnapshotId([0; 32]),
            series: series.to_owned(),
            machine: None,
            time: Timestamp::new(day * 86_400, 0),
            committed_at: Timestamp::new(day * 86_400, 0),
            counter: 0,
            kind: Kind::Full,
            base: None,
            files: 1,
            sources: Vec::new(),
            tags: Vec::new(),
            is_pinned: false,
            is_suspect: false,
        }
    }

    #[test]
    fn series_of_one_evening_are_in_order_and_one_name_for_each_evening_is_not() {
        assert_eq!(saved_once(&[]), 0);
        assert_eq!(saved_once(&["a", "b", "c"].map(|series| candidate(series, 9))), 0);
        let changing: Vec<Candidate> = (0..6).map(|day| candidate(&format!("dump-{day}"), day)).collect();
        assert_eq!(saved_once(&changing), 3);
        assert_eq!(saved_once(&[candidate("a", 0), candidate("a", 1), candidate("b", 9)]), 0);
    }
}
