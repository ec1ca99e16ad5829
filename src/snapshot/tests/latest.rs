//! Which snapshot `latest` is, when clocks were wrong or manifests cannot be read.

use super::*;
use crate::catalog::Listing;
use crate::id::SnapshotId;

/// A listing of snapshots that were made at these seconds, in this order, with their ids.
fn listing_of(times: &[i64]) -> (Bench, Listing, Vec<SnapshotId>) {
    let bench = Bench::new();
    bench.write("file", "content");
    let mut manifest = bench.snapshot().manifest;
    let publish = |seconds: &i64| {
        manifest.counter += 1;
        manifest.time = Timestamp::new(*seconds, 0);
        (manifest.started_at, manifest.committed_at) = (manifest.time, manifest.time);
        let id = bench.repository.objects().publish_manifest(&manifest).unwrap();
        manifest.previous = Some(id);
        id
    };
    let ids: Vec<SnapshotId> = times.iter().map(publish).collect();
    let listing = bench.repository.catalogued().unwrap().listing;
    let summaries = listing.summaries().iter().filter(|summary| ids.contains(&summary.id)).cloned().collect();
    (bench, Listing::new(summaries, Vec::new()), ids)
}

#[test]
fn the_latest_is_the_newest_by_its_time_that_is_not_in_the_future() {
    let (bench, listing, ids) = listing_of(&[2_000, 9_000, 1_000]);
    let select = |text, now| bench.repository.select(&listing, text, Timestamp::new(now, 0));
    assert_eq!(select("latest", 10_000).unwrap(), ids[1]);
    assert_eq!(select("latest", 5_000).unwrap(), ids[0], "the one of second 9,000 lies in the future");
    assert_eq!(select("latest~1", 5_000).unwrap(), ids[2]);
    assert_eq!(select("latest~2", 5_000).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(select("latest", 0).unwrap_err().to_string().contains("set the clock"));
}

#[test]
fn a_snapshot_that_cannot_be_read_is_in_question_unless_one_that_came_after_it_is_meant() {
    let (bench, listing, ids) = listing_of(&[1_000, 2_000, 3_000, 4_000]);
    let select = |lost: usize, text: &str| {
        let left = listing.summaries().iter().filter(|summary| summary.id != ids[lost]).cloned().collect();
        let listing = Listing::new(left, Vec::new()).with_unreadable(vec![ids[lost]]);
        bench.repository.select(&listing, text, Timestamp::new(10_000, 0)).map_err(|error| error.kind())
    };
    assert_eq!(select(3, "latest"), Err(ErrorKind::Damaged));
    assert_eq!(select(3, "latest~2"), Err(ErrorKind::Damaged));
    assert_eq!(select(1, "latest"), Ok(ids[3]));
    assert_eq!(select(1, "latest~1"), Ok(ids[2]));
    assert_eq!(select(1, "latest~2"), Err(ErrorKind::Damaged), "it may be the one of second 2,000");
}
