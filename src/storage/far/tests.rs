//! It behaves as the storage inside; how it counts is shown by `tests/far.rs`, in a process of its own.

use super::*;
use crate::storage::{MemoryStorage, conformance, map_at_once};

#[test]
fn the_suite_passes_from_far_away() {
    let far = Far::in_real_time(MemoryStorage::new(), Duration::ZERO);
    conformance::run_all(&far);
    conformance::a_lock_that_is_taken_away_is_lost(&far, &|name| far.inner().take_away_lock(name));
}

#[test]
fn no_more_requests_are_under_way_than_are_answered_at_once() {
    let far = Far::in_real_time(MemoryStorage::new(), Duration::ZERO);
    conformance::put(&far, "index", "index/a", b"1");
    far.take_asked();
    let names = vec!["index/a"; 100];
    assert_eq!(map_at_once(&far, &names, |name| far.stat(name)).unwrap(), [Some(1); 100]);
    let asked = far.take_asked();
    assert_eq!(asked.requests, 100);
    assert!(asked.most_at_once <= REQUESTS_AT_ONCE);
}
