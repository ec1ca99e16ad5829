//! Every sort of damage to every sort of object is noticed, and costs the paths that it costs.

use super::*;

/// What may happen to an object.
const WAYS: [&str; 6] = ["delete", "truncate", "empty", "zero", "flip", "swap"];

fn damage(bench: &Bench, name: &str, way: &str, other: &str) {
    let good = bench.read(name);
    let bytes = match way {
        "delete" => return bench.storage.remove(name).unwrap(),
        "truncate" => good[..good.len() / 2].to_vec(),
        "empty" => Vec::new(),
        "zero" => vec![0; good.len()],
        "flip" => {
            let mut bytes = good.clone();
            bytes[good.len() / 2] ^= 0x10;
            bytes
        }
        _ => bench.read(other),
    };
    bench.replace(name, &bytes);
}

/// Damages the first object of `folder` in every way and asks `is_noticed`.
fn in_every_way(folder: &str, data: Data, is_noticed: &dyn Fn(&str, &str, crate::error::Result<Outcome>) -> bool) {
    let (mut bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let names = bench.names(folder);
    for name in &names {
        let other = names.iter().find(|other| *other != name).cloned().unwrap_or_else(|| bench.names("snapshots")[0].clone());
        let good = bench.read(name);
        for way in WAYS {
            bench.forget_cache();
            damage(&bench, name, way, &other);
            let outcome = bench.open().and_then(|opened| run(&opened, &Request { data, clock: || Timestamp::new(START, 0) }, &Silent));
            assert!(is_noticed(name, way, outcome), "{way} {name}");
            bench.replace(name, &good);
        }
    }
    bench.forget_cache();
    assert!(!bench.check(Data::All).is_damaged(), "all is as it was");
}

fn names_it(outcome: &crate::error::Result<Outcome>, name: &str) -> bool {
    outcome.as_ref().is_ok_and(|outcome| outcome.is_damaged() && outcome.damaged.iter().any(|object| object.name == name))
}

#[test]
fn damaged_packs_are_noticed() {
    in_every_way("packs", Data::All, &|name, _, outcome| names_it(&outcome, name));
}

#[test]
fn packs_with_another_length_or_without_their_end_are_noticed_without_reading_data() {
    in_every_way("packs", Data::None, &|name, way, outcome| way == "flip" || names_it(&outcome, name));
}

#[test]
fn damaged_segments_are_noticed_and_cost_paths() {
    in_every_way("index", Data::None, &|name, way, outcome| {
        let costs = outcome.as_ref().is_ok_and(|outcome| !outcome.affected.is_empty() && !outcome.notes.is_empty());
        costs && (way == "delete" || names_it(&outcome, name))
    });
}

#[test]
fn damaged_manifests_are_noticed() {
    // One that is gone cannot be told from one that was forgotten.
    in_every_way("snapshots", Data::None, &|name, way, outcome| {
        if way == "delete" { outcome.is_ok_and(|outcome| outcome.snapshots == 1) } else { names_it(&outcome, name) }
    });
}

#[test]
fn a_damaged_record_is_noticed_and_so_is_a_missing_copy_of_the_settings() {
    in_every_way("records", Data::None, &|name, way, outcome| names_it(&outcome, if way == "delete" { "records" } else { name }));
}

#[test]
fn a_damaged_key_slot_is_noticed_beside_a_good_one() {
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let repository = bench.open().unwrap();
    let second = Credential::KeyFile(Zeroizing::new(vec![9; 32]));
    let slot = repository::KeySlot::wrap(
        repository.bundle(),
        repository.description(),
        &second,
        "second",
        Argon2Cost::STANDARD,
        Timestamp::new(2, 0),
    );
    let id = repository::publish_slot(&*bench.storage, &slot.unwrap()).unwrap();
    let (name, other) = (repository::slot_name(&id), repository::slot_name(&repository.slot().unwrap()));
    let good = bench.read(&name);
    assert_eq!(bench.check(Data::None).keys, 3, "two of the first key, and one that has no twin");
    for way in WAYS.into_iter().filter(|way| *way != "delete") {
        damage(&bench, &name, way, &other);
        assert!(names_it(&Ok(bench.check(Data::None)), &name), "{way}");
        bench.replace(&name, &good);
    }
}

#[test]
fn a_slot_that_lost_its_twin_is_noticed_and_a_single_one_of_before_is_not() {
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let repository = bench.open().unwrap();
    let second = Credential::KeyFile(Zeroizing::new(vec![9; 32]));
    let (bundle, description, time) = (repository.bundle(), repository.description(), Timestamp::new(2, 0));
    let single = repository::KeySlot::wrap(bundle, description, &second, "second", Argon2Cost::STANDARD, time).unwrap();
    repository::publish_slot(&*bench.storage, &single).unwrap();
    assert!(!bench.check(Data::None).is_damaged());
    let names: Vec<String> = repository::list_keys(&*bench.storage)
        .unwrap()
        .into_iter()
        .filter(|key| repository.is_in_use(key))
        .flat_map(|key| key.slots().map(|id| repository::slot_name(&id)).collect::<Vec<_>>())
        .collect();
    assert_eq!(names.len(), 2);
    for (name, other) in [(&names[0], &names[1]), (&names[1], &names[0])] {
        let good = bench.read(name);
        for way in WAYS {
            damage(&bench, name, way, other);
            assert!(names_it(&Ok(bench.check(Data::None)), "keys"), "{way}");
            bench.replace(name, &good);
        }
    }
    assert!(!bench.check(Data::None).is_damaged());
}

#[test]
fn damage_names_the_paths_and_the_snapshots_that_hold_them() {
    for algorithm in [Algorithm::Aes256Gcm, Algorithm::None] {
        let (bench, [first, second]) = Bench::with_two_snapshots(algorithm);
        let both: Vec<SnapshotId> = [first, second].into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        for (name, snapshots) in [("old", vec![first]), ("new", vec![second]), ("a", both.clone())] {
            let place = bench.places_of(&snapshots[0], name)[0];
            let pack = repository::pack_name(&place.pack);
            let good = bench.read(&pack);
            let mut bad = good.clone();
            bad[(place.frame.offset + u64::from(place.chunk_offset) + 20) as usize] ^= 1;
            bench.replace(&pack, &bad);
            assert!(!bench.check(Data::None).is_damaged(), "only reading data can notice it");
            let outcome = bench.check(Data::All);
            assert!(outcome.lost_chunks > 0 && outcome.damaged.len() == 1, "{outcome:?}");
            let hit = outcome.affected.iter().find(|affected| affected.path == bench.saved(name)).unwrap();
            assert_eq!(hit.snapshots, snapshots, "{name}");
            assert!(hit.problem.contains("bytes are lost"), "{hit:?}");
            // Without encryption the other chunks of a frame are still read.
            if algorithm == Algorithm::None {
                assert_eq!(outcome.affected.len(), 1, "{outcome:?}");
            }
            bench.replace(&pack, &good);
        }
        // The packs of the second snapshot do not hold what only the first has.
        for pack in bench.packs_of(&second, "new") {
            let good = bench.read(&pack);
            bench.storage.remove(&pack).unwrap();
            let outcome = bench.check(Data::None);
            assert_eq!(
                outcome.affected.iter().map(|hit| (&hit.path, &hit.snapshots)).collect::<Vec<_>>(),
                [(&bench.saved("new"), &vec![second])]
            );
            assert!(outcome.affected[0].problem.starts_with("60000 of 60000"), "{outcome:?}");
            bench.replace(&pack, &good);
        }
    }
}

#[test]
fn a_truncated_pack_costs_only_the_files_at_its_end() {
    let bench = Bench::new(Algorithm::Aes256Gcm);
    bench.write("a", noise(1, 3 << 20));
    bench.write("b", noise(2, 3 << 20));
    let snapshot = bench.snapshot();
    let end =
        |name: &str| bench.places_of(&snapshot, name).iter().map(|place| place.frame.offset + u64::from(place.frame.sealed_bytes)).max();
    let (kept, cut) = if end("a") < end("b") { ("a", "b") } else { ("b", "a") };
    let pack = bench.packs_of(&snapshot, cut).into_iter().next().unwrap();
    let good = bench.read(&pack);
    bench.replace(&pack, &good[..end(kept).unwrap() as usize]);
    let outcome = bench.check(Data::None);
    assert_eq!(outcome.damaged.len(), 1, "{outcome:?}");
    assert!(outcome.damaged[0].problem.contains("bytes and should have"), "{outcome:?}");
    assert_eq!(outcome.affected.iter().map(|hit| hit.path.clone()).collect::<Vec<_>>(), [bench.saved(cut)]);
}

#[test]
fn a_missing_pack_of_trees_names_the_folders() {
    let (bench, ids) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let index = bench.open().unwrap().chunks().open_index().unwrap();
    for (id, kind, _) in index.packs() {
        if kind == crate::pack::PackKind::Meta {
            bench.storage.remove(&repository::pack_name(&id)).unwrap();
        }
    }
    let outcome = bench.check(Data::None);
    let affected = &outcome.affected[0];
    assert_eq!((&affected.path, affected.snapshots.len()), (&bench.saved("").split_last().unwrap().1.to_vec(), ids.len()));
    assert!(affected.problem.contains("entries cannot be read"), "{affected:?}");
}

#[test]
fn a_sample_that_meets_damage_meets_it_again() {
    let (bench, [first, _]) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let pack = bench.packs_of(&first, "a").into_iter().next().unwrap();
    let mut bad = bench.read(&pack);
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    bench.replace(&pack, &bad);
    let days: Vec<bool> = (0..30).map(|day| bench.check_at(Data::Sample, START + day * DAY).is_damaged()).collect();
    let found = days.iter().position(|is_damaged| *is_damaged).unwrap();
    assert!(days[found..].iter().filter(|is_damaged| **is_damaged).count() > 1, "{days:?}");
    assert!(!fs::read_to_string(bench.open().unwrap().cache().unwrap().checked()).unwrap().contains(&pack[9..]));
}

#[test]
fn an_interrupted_check_says_so_and_remembers_what_it_read() {
    struct StopAfter(std::sync::atomic::AtomicUsize);
    impl crate::progress::Progress for StopAfter {}

    impl crate::cancel::Cancel for StopAfter {
        fn is_cancelled(&self) -> bool {
            use std::sync::atomic::Ordering::Relaxed;
            self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err()
        }
    }
    let (bench, _) = Bench::with_two_snapshots(Algorithm::Aes256Gcm);
    let request = Request { data: Data::All, clock: || Timestamp::new(START, 0) };
    let mut ended = false;
    for steps in 0..200 {
        match run(&bench.open().unwrap(), &request, &StopAfter(steps.into())) {
            Ok(outcome) => {
                assert!(!outcome.is_damaged() && outcome.packs_read == outcome.packs && steps > 3, "{steps}: {outcome:?}");
                ended = true;
                break;
            }
            Err(error) => assert_eq!(error.kind(), crate::error::ErrorKind::Interrupted, "{steps}"),
        }
    }
    assert!(ended);
}
