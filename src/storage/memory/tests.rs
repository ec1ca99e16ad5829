//! Memory behaves as a disk does, power cuts included.

use super::*;
use crate::storage::conformance;

#[test]
fn memory_passes_the_suite() {
    conformance::run_all(&MemoryStorage::new());
}

#[test]
fn a_power_cut_loses_names_that_were_not_synced_and_brings_back_removals() {
    let storage = MemoryStorage::new();
    conformance::put(&storage, "packs", "packs/3f/one", b"1");
    storage.sync(&["packs/3f".into()]).unwrap();
    storage.remove("packs/3f/one").unwrap();
    conformance::put(&storage, "packs", "packs/3f/two", b"2");
    conformance::put(&storage, "packs", "packs/40/three", b"3");
    storage.sync(&["packs/40".into()]).unwrap();

    let left = storage.after_power_cut();
    assert_eq!(conformance::names(&left, ""), ["packs/3f/one", "packs/40/three"]);
    assert_eq!(conformance::names(&storage, ""), ["packs/3f/two", "packs/40/three"]);
}

#[test]
fn clones_are_the_same_storage() {
    let storage = MemoryStorage::new();
    conformance::put(&storage.clone(), "index", "index/a", b"1");
    assert_eq!(storage.read("index/a", 1).unwrap(), b"1");
    assert_eq!(storage.identity(), storage.clone().identity());
    assert_ne!(storage.identity(), MemoryStorage::new().identity());
}
