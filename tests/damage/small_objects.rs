//! Manifests, records and the description: each is sealed, named by its hash, and bound to the rest.

use super::{Bench, Way};

#[test]
fn whatever_happens_to_a_manifest_the_other_snapshot_restores() {
    for is_encrypted in [true, false] {
        let bench = Bench::new(is_encrypted);
        for (number, (id, _)) in bench.snapshots.clone().iter().enumerate() {
            for way in Way::all(is_encrypted) {
                let what = format!("{way:?} snapshot {number}, encrypted: {is_encrypted}");
                bench.damage(&format!("snapshots/{id}"), way);
                // That the newest is gone is known to who has seen it, and the cache of this machine is deleted.
                let is_as_before = way == Way::Older || way == Way::Deleted && number == 1;
                assert_eq!(bench.check(), if is_as_before { 0 } else { 4 }, "{what}");
                let outcomes = [bench.restore(0, &what), bench.restore(1, &what)];
                match way {
                    Way::Swapped => assert!(outcomes.iter().all(|outcome| outcome.0 != 0 && outcome.1 == 0), "{what}: {outcomes:?}"),
                    Way::Older => assert!(outcomes[0].0 == 0 && outcomes[1].0 != 0, "{what}: {outcomes:?}"),
                    _ => assert!(outcomes[1 - number].0 == 0 && outcomes[number].0 != 0, "{what}: {outcomes:?}"),
                }
            }
        }
    }
}

#[test]
fn whatever_happens_to_a_record_what_is_restored_is_right() {
    for is_encrypted in [true, false] {
        let bench = Bench::new(is_encrypted);
        let records = bench.files("records");
        assert!(records.len() >= 3, "the settings and two tags");
        for name in &records {
            for way in Way::all(is_encrypted) {
                let what = format!("{way:?} {name}, encrypted: {is_encrypted}");
                bench.damage(name, way);
                // A tag that is gone cannot be told from one that was never set.
                assert!(bench.check() != 0 || matches!(way, Way::Deleted | Way::Older), "{what}");
                for snapshot in [0, 1] {
                    let (code, right) = bench.restore(snapshot, &what);
                    assert!(code == 0 || right == 0, "{what}: {code}");
                }
            }
        }
    }
}

#[test]
fn whatever_happens_to_the_description_it_is_refused() {
    for is_encrypted in [true, false] {
        let bench = Bench::new(is_encrypted);
        for way in Way::all(is_encrypted).into_iter().filter(|way| !matches!(way, Way::Swapped | Way::Older)) {
            let what = format!("{way:?} repository.json, encrypted: {is_encrypted}");
            bench.damage("repository.json", way);
            let expected: &[i32] = if way == Way::Deleted { &[4] } else { &[4, 12, 13] };
            let codes = [bench.check(), bench.restore(0, &what).0, bench.restore(1, &what).0];
            assert!(codes.iter().all(|code| expected.contains(code)), "{what}: {codes:?}");
        }
    }
}

#[test]
fn the_description_of_another_repository_is_refused() {
    let (bench, other) = (Bench::new(true), Bench::new(true));
    bench.damage("repository.json", Way::Emptied);
    bench.replace("repository.json", &other.good("repository.json"));
    let what = "of another repository";
    let codes = [bench.check(), bench.restore(0, what).0];
    assert!(codes.iter().all(|code| [4, 12].contains(code)), "{codes:?}");
}
