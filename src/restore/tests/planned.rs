//! A plan is looked at, and carried out later, when the destination may be another.

use super::*;
use crate::crypto::{Algorithm, Argon2Cost};
use crate::error::ErrorKind;
use crate::repository::{CreateOptions, create};
use crate::storage::LocalStorage;

#[test]
fn a_plan_that_was_looked_at_is_carried_out_as_it_was_foreseen() {
    let bench = Bench::new();
    bench.write("a", "one");
    bench.write("folder/b", "two");
    let manifest = bench.snapshot();
    let (reader, request, silent) = (bench.repository.reader().unwrap(), bench.request(), crate::progress::Silent);
    let planned = plan(&Snapshot { reader: &reader, manifest: &manifest }, &request, &silent).unwrap();
    let foreseen = foresee(&planned, &silent).unwrap();
    assert!(names_in(bench.target.path()).is_empty());
    let outcome = execute(&planned, &silent).unwrap();
    assert_eq!((foreseen.files, foreseen.directories), (outcome.files, outcome.directories));
    assert_eq!(describe(bench.target.path()), describe(bench.source.path()));
}

#[test]
fn a_plan_is_refused_where_a_repository_has_come_since_it_was_made() {
    let bench = Bench::new();
    bench.write("a", "one");
    let manifest = bench.snapshot();
    let (reader, silent, later) = (bench.repository.reader().unwrap(), crate::progress::Silent, bench.restored("later"));
    let request = Request { destination: later.as_os_str().as_bytes().to_vec(), ..bench.request() };
    let planned = plan(&Snapshot { reader: &reader, manifest: &manifest }, &request, &silent).unwrap();
    let storage = LocalStorage::create(&later).unwrap();
    let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
    let options = CreateOptions { algorithm: Algorithm::None, credential: None, cost, now: crate::units::Timestamp::new(1, 0) };
    create(&storage, &options).unwrap();
    let before = names_in(&later);
    assert_eq!(foresee(&planned, &silent).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(execute(&planned, &silent).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(names_in(&later), before);
}
