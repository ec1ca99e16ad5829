//! A day's work passes; losses, rewriting and encryption do not.

use super::*;
use crate::manifest::{Account, Manifest, SavedDatabase};
use crate::progress::Silent;
use crate::snapshot::tests::{Bench, noise};

fn text(number: usize, version: &str) -> String {
    format!("invoice {number} {version} to be paid within thirty days of delivery\n").repeat(200)
}

fn bench(files: usize) -> Bench {
    let bench = Bench::new();
    (0..files).for_each(|number| bench.write(&format!("papers/{number:03}.txt"), text(number, "first")));
    bench
}

fn judged(bench: &Bench, before: &Manifest, limits: &Limits) -> Vec<String> {
    let now = bench.snapshot().manifest;
    judge(&bench.repository.reader().unwrap(), before, &now, limits, &Silent).unwrap()
}

#[test]
fn a_day_of_work_is_not_distrusted() {
    let bench = bench(100);
    let before = bench.snapshot().manifest;
    (0..30).for_each(|number| bench.write(&format!("papers/{number:03}.txt"), text(number, "second")));
    (0..200).for_each(|number| bench.write(&format!("papers/new-{number:03}.jpg"), noise("new", 5000)));
    (60..75).for_each(|number| std::fs::remove_file(bench.source.path().join(format!("papers/{number:03}.txt"))).unwrap());
    assert_eq!(judged(&bench, &before, &Limits::default()), [""; 0]);
}

#[test]
fn a_source_that_lost_half_of_its_files_is_distrusted_and_one_that_lost_its_last() {
    let bench = bench(60);
    let before = bench.snapshot().manifest;
    (0..30).for_each(|number| std::fs::remove_file(bench.source.path().join(format!("papers/{number:03}.txt"))).unwrap());
    let reasons = judged(&bench, &before, &Limits::default());
    assert!(reasons.len() == 1 && reasons[0].starts_with("30 of 60 files of /"), "{reasons:?}");
    assert_eq!(judged(&bench, &before, &Limits { lost_files: Some(Share(51)), ..Limits::default() }), [""; 0]);

    let small = Bench::new();
    small.write("only", "one");
    let before = small.snapshot().manifest;
    std::fs::remove_file(small.source.path().join("only")).unwrap();
    assert_eq!(judged(&small, &before, &Limits::default()).len(), 1);
}

#[test]
fn files_that_became_noise_are_distrusted_also_where_few_of_all_did() {
    let bench = bench(100);
    (0..20).for_each(|number| {
        bench.write(&format!("papers/{number:03}.jpg"), [&b"\xff\xd8\xff\xe0"[..], &noise(&format!("{number}"), 9000)].concat());
    });
    let before = bench.snapshot().manifest;
    (0..20).for_each(|number| bench.write(&format!("papers/{number:03}.jpg"), noise(&format!("other {number}"), 9004)));
    (0..10).for_each(|number| bench.write(&format!("papers/{number:03}.txt"), noise(&format!("text {number}"), 9004)));
    let reasons = judged(&bench, &before, &Limits::default());
    assert_eq!(reasons, ["of 30 files that were written anew and looked at, 30 are noise now, as if encrypted"]);
}

#[test]
fn files_with_another_ending_behind_their_names_are_distrusted() {
    let bench = bench(40);
    let before = bench.snapshot().manifest;
    for number in 0..40 {
        let old = bench.source.path().join(format!("papers/{number:03}.txt"));
        std::fs::remove_file(&old).unwrap();
        bench.write(&format!("papers/{number:03}.txt.locked"), noise(&format!("{number}"), 9000));
    }
    let reasons = judged(&bench, &before, &Limits::default());
    assert_eq!(reasons, ["40 of 40 files have another ending behind their names"]);
}

#[test]
fn half_of_the_files_written_anew_are_distrusted_and_limits_can_be_off() {
    let bench = bench(50);
    let before = bench.snapshot().manifest;
    (0..25).for_each(|number| bench.write(&format!("papers/{number:03}.txt"), text(number, "second")));
    assert_eq!(judged(&bench, &before, &Limits::default()), ["25 of 50 files were written anew"]);
    let off = Limits { lost_files: None, rewritten: None, database_floors: Vec::new(), database_floor: None };
    assert_eq!(judged(&bench, &before, &off), [""; 0]);
}

#[test]
fn a_database_far_below_its_last_size_is_distrusted_by_its_own_floor() {
    let bench = bench(1);
    let with = |bytes: u64, method: &str| {
        let account = Account { name: "store".into(), method: method.into(), bytes, ..Account::default() };
        let mut manifest = bench.snapshot().manifest;
        manifest.set_databases(&[SavedDatabase { account, files: 1 }]);
        manifest
    };
    let reader = bench.repository.reader().unwrap();
    let judged = |was, is, limits: &Limits| judge(&reader, &with(was, "nbackup"), &with(is, "nbackup"), limits, &Silent).unwrap();
    assert_eq!(judged(1000, 500, &Limits::default()), [""; 0]);
    assert_eq!(judged(1 << 20, 1 << 10, &Limits::default()), ["database `store` has 1.0 KiB, and had 1.0 MiB before"]);
    let floors = Limits { database_floors: vec![("store".to_owned(), Share(90))], ..Limits::default() };
    assert_eq!(judged(1000, 899, &floors).len(), 1);
    let other = judge(&reader, &with(1000, "nbackup"), &with(10, "gbak"), &Limits::default(), &Silent).unwrap();
    assert!(other.is_empty(), "a dump is smaller than pages");
}
