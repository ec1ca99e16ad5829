//! Files with holes: the same bytes, and no more space than before.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use super::{RoundTrip, round_trip};

/// A file of `bytes` with data at the places `data`: (offset, length).
fn make_sparse(path: &Path, bytes: u64, data: &[(u64, usize)]) {
    let file = File::create(path).unwrap();
    file.set_len(bytes).unwrap();
    for (offset, length) in data {
        // Data that cannot be compressed away.
        let mut content = vec![0; *length];
        blake3::Hasher::new().update(&offset.to_le_bytes()).finalize_xof().fill(&mut content);
        file.write_all_at(&content, *offset).unwrap();
    }
    // Space is counted when it is given, not when it is promised.
    file.sync_all().unwrap();
}

/// Fails the test when a file takes more space than it did.
#[track_caller]
fn assert_no_larger(trip: &RoundTrip) {
    for (path, before) in &trip.before.beside {
        if !trip.before.entries[path].content.starts_with("file") {
            continue;
        }
        File::open(trip.back(path.trim_start_matches('/'))).unwrap().sync_all().unwrap();
        let after = fs::metadata(trip.back(path.trim_start_matches('/'))).unwrap().blocks();
        assert!(after <= before.blocks, "{path} took {} blocks and takes {after}", before.blocks);
    }
}

#[test]
fn holes_at_the_beginning_in_the_middle_and_at_the_end_stay_holes() {
    let trip = round_trip(|tree| {
        let mib = 1 << 20;
        make_sparse(&tree.join("begins with a hole"), 8 * mib, &[(6 * mib, 2 << 20)]);
        make_sparse(&tree.join("hole in the middle"), 8 * mib, &[(0, 100_000), (7 * mib, 1 << 20)]);
        make_sparse(&tree.join("ends with a hole"), 8 * mib, &[(0, 12_345)]);
        make_sparse(&tree.join("odd length"), 5 * mib + 123, &[(mib, 1), (3 * mib + 77, 10_000)]);
        make_sparse(&tree.join("many holes"), 16 * mib, &(0..64).map(|at| (at * mib / 4 + 4096, 5000)).collect::<Vec<_>>());
        make_sparse(&tree.join("nothing but a hole"), 64 * mib, &[]);
        make_sparse(&tree.join("short hole"), 1, &[]);
    });
    trip.assert_same();
    assert_no_larger(&trip);
    assert_eq!(fs::metadata(trip.back("nothing but a hole")).unwrap().blocks(), 0);
}

#[test]
fn zeros_that_were_written_come_back_as_zeros() {
    round_trip(|tree| {
        fs::write(tree.join("zeros"), vec![0; 5_000_000]).unwrap();
        fs::write(tree.join("zeros at the end"), [vec![1; 10_000], vec![0; 1_000_000]].concat()).unwrap();
    })
    .assert_same();
}

#[test]
fn a_tebibyte_of_hole_takes_seconds_and_no_space() {
    const TIB: u64 = 1 << 40;
    let trip = round_trip(|tree| make_sparse(&tree.join("huge"), TIB, &[(0, 10_000), (TIB / 2, 70_000), (TIB - 5000, 5000)]));
    trip.assert_same();
    assert_no_larger(&trip);
    assert_eq!(trip.saved.json()["counts"]["bytes_total"].as_u64(), Some(TIB));
    let read = trip.saved.json()["counts"]["bytes_read"].as_u64().unwrap();
    let stored = trip.saved.json()["counts"]["bytes_stored"].as_u64().unwrap();
    assert!(stored < 200_000, "{stored} bytes stored, {read} read");
}

#[test]
fn a_sparse_file_with_the_head_of_a_database_comes_back() {
    // Databases are cut in fixed pieces, which must stay aligned to the file behind a hole.
    let trip = round_trip(|tree| {
        let path = tree.join("sparse.sqlite");
        make_sparse(&path, 10 << 20, &[(0, 20_000), ((3 << 20) + 4096, 200_000), (9 << 20, 1 << 20)]);
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(b"SQLite format 3\0", 0).unwrap();
        file.sync_all().unwrap();
    });
    trip.assert_same();
    assert_no_larger(&trip);
}
