//! Packs that no segment names, and what is needed and not there.

use std::sync::Arc;

use super::{Bench, Outcome, age, expect, noise, open, prune, request, run};
use crate::error::{ErrorKind, Result};
use crate::id::{PackId, SnapshotId};
use crate::progress::{Collected, Silent};
use crate::repository::{INDEX, PackListing, pack_name};
use crate::snapshot::tests::Entries;
use crate::storage::Storage;
use crate::storage::faults::{Faults, Lasts};
use crate::storage::recorder::Verb;

fn segments(bench: &Bench) -> Vec<String> {
    bench.storage.list(INDEX).unwrap().into_iter().map(|listed| listed.name).collect()
}

fn packs(bench: &Bench) -> Vec<PackId> {
    let mut packs: Vec<PackId> = PackListing::read(&*bench.storage).unwrap().packs().keys().copied().collect();
    packs.sort_unstable();
    packs
}

fn read(storage: &dyn Storage, name: &str) -> Vec<u8> {
    storage.read(name, 1 << 30).unwrap()
}

/// Puts `bytes` in the place of an object, or where none was.
fn put(storage: &dyn Storage, name: &str, bytes: &[u8]) {
    let _ = storage.remove(name);
    let mut upload = storage.create(name.rsplit_once('/').unwrap().0).unwrap();
    upload.write(bytes).unwrap();
    upload.publish(name).unwrap();
}

fn try_prune(bench: &Bench, remove: &[SnapshotId]) -> Result<Outcome> {
    run(&open(Arc::clone(&bench.storage) as _), &request(remove), &Silent)
}

#[track_caller]
fn assert_restore(bench: &Bench, snapshots: &[(SnapshotId, Entries)]) {
    let repository = open(Arc::clone(&bench.storage) as _);
    for (id, entries) in snapshots {
        assert!(bench.read_from(&repository, *id) == *entries, "a snapshot that stays is not whole");
    }
}

/// Two snapshots of which the second needs what the first stored.
fn two() -> (Bench, Vec<(SnapshotId, Entries)>) {
    let bench = Bench::new();
    bench.write("a", noise("a", 3 << 20));
    let first = bench.snapshot();
    bench.write("b", noise("b", 200_000));
    let second = bench.snapshot();
    let snapshots = [first, second].map(|outcome| (outcome.id.unwrap(), bench.read(&outcome)));
    (bench, snapshots.into())
}

#[test]
fn packs_whose_segment_is_lost_stay_and_are_named_again() {
    for lost in [&[0][..], &[1], &[0, 1]] {
        for removed in [0, 1] {
            let (bench, snapshots) = two();
            let before = packs(&bench);
            let names = segments(&bench);
            lost.iter().for_each(|at| bench.storage.remove(&names[*at]).unwrap());
            let outcome = try_prune(&bench, &snapshots[..removed].iter().map(|(id, _)| *id).collect::<Vec<_>>()).unwrap();
            assert!(removed == 1 || (outcome.packs_removed == 0 && outcome.packs_named > 0), "{outcome:?}");
            assert_restore(&bench, &snapshots[removed..]);
            let named: Vec<PackId> =
                open(Arc::clone(&bench.storage) as _).chunks().open_index().unwrap().packs().into_iter().map(|pack| pack.0).collect();
            assert_eq!(named, packs(&bench), "every pack is named");
            assert!(removed == 1 || packs(&bench) == before);
        }
    }
}

#[test]
fn without_any_segment_a_prune_frees_as_much_and_the_rest_is_whole() {
    let (with, without) = (Bench::new(), Bench::new());
    let [freed, freed_without] = [&with, &without].map(|bench| {
        let snapshots = age(bench, 4);
        if std::ptr::eq(bench, &without) {
            segments(bench).iter().for_each(|name| bench.storage.remove(name).unwrap());
        }
        let outcome = try_prune(bench, &[snapshots[0].0, snapshots[1].0]).unwrap();
        assert_restore(bench, &snapshots[2..]);
        // Now that they are named, packs with waste are written again.
        let again = try_prune(bench, &[]).unwrap();
        assert_restore(bench, &snapshots[2..]);
        outcome.bytes_freed + again.bytes_freed
    });
    assert!(freed_without * 10 > freed * 9, "{freed_without} of {freed}");
}

/// Nothing is removed and nothing is written, whatever the prune was asked for.
#[track_caller]
fn assert_stops(bench: &Bench, snapshots: &[(SnapshotId, Entries)]) {
    for remove in [Vec::new(), vec![snapshots[0].0]] {
        for is_dry_run in [true, false] {
            bench.storage.clear();
            let repository = open(Arc::clone(&bench.storage) as _);
            let pruned = if is_dry_run { expect(&repository, &request(&remove)) } else { run(&repository, &request(&remove), &Silent) };
            let error = pruned.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
            assert!(error.to_string().contains("nothing is removed"), "{error}");
            assert_eq!((bench.storage.count(Verb::Remove, ""), bench.storage.count(Verb::Publish, "")), (0, 0));
        }
    }
}

#[test]
fn what_is_needed_and_not_there_stops_the_prune_before_anything_is_removed() {
    let pack_of_b = |bench: &Bench, snapshots: &[(SnapshotId, Entries)]| {
        let path = bench.source.path().join("b");
        let crate::manifest::Content::File(_, list) = &snapshots[1].1[path.to_str().unwrap()].0.content else { panic!("no file") };
        bench.repository.reader().unwrap().places(list.items[0].chunk().unwrap()).unwrap()[0].pack
    };
    let whole = |bench: &Bench, pack: &PackId| read(&*bench.storage, &pack_name(pack));
    // A pack that is gone.
    let (bench, snapshots) = two();
    bench.storage.remove(&pack_name(&pack_of_b(&bench, &snapshots))).unwrap();
    assert_stops(&bench, &snapshots);
    // One that is shorter, or longer; of the first most can be read.
    for change in [|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1), |bytes: &mut Vec<u8>| bytes.push(0)] {
        let (bench, snapshots) = two();
        let pack = pack_of_b(&bench, &snapshots);
        let mut bytes = whole(&bench, &pack);
        change(&mut bytes);
        put(&*bench.storage, &pack_name(&pack), &bytes);
        assert_stops(&bench, &snapshots);
    }
    // A pack that is gone together with the segment that named it, and one whose segment is gone and that
    // cannot be read.
    for is_there in [false, true] {
        let (bench, snapshots) = two();
        let pack = pack_of_b(&bench, &snapshots);
        for name in segments(&bench) {
            let id = crate::id::SegmentId::parse(name.rsplit_once('/').unwrap().1).unwrap();
            if bench.repository.objects().read_segment(id).unwrap().packs.iter().any(|named| named.id == pack) {
                bench.storage.remove(&name).unwrap();
            }
        }
        let mut bytes = whole(&bench, &pack);
        let last = bytes.len() - 40;
        bytes[last] ^= 1;
        put(&*bench.storage, &pack_name(&pack), &bytes);
        if !is_there {
            bench.storage.remove(&pack_name(&pack)).unwrap();
        }
        assert_stops(&bench, &snapshots);
    }
}

#[test]
fn a_segment_that_cannot_be_read_stops_the_prune_before_anything_is_removed() {
    let (bench, snapshots) = two();
    let name = segments(&bench).remove(0);
    let mut bytes = read(&*bench.storage, &name);
    bytes[200] ^= 1;
    put(&*bench.storage, &name, &bytes);
    assert_stops(&bench, &snapshots);
}

#[test]
fn what_is_recorded_as_lost_does_not_stop_a_prune() {
    let (bench, snapshots) = two();
    let path = bench.source.path().join("b");
    let crate::manifest::Content::File(_, list) = &snapshots[1].1[path.to_str().unwrap()].0.content else { panic!("no file") };
    let place = bench.repository.reader().unwrap().places(list.items[0].chunk().unwrap()).unwrap()[0];
    bench.storage.remove(&pack_name(&place.pack)).unwrap();
    let repair = crate::repair::Request { dry_run: false, clock: super::later };
    crate::repair::run(&open(Arc::clone(&bench.storage) as _), &repair, &Silent).unwrap();
    try_prune(&bench, &[]).unwrap();
    assert_restore(&bench, &snapshots[..1]);
}

#[test]
fn a_pack_that_nobody_can_read_is_left_alone_and_said() {
    let (bench, snapshots) = two();
    let stranger = PackId([0xab; 32]);
    put(&*bench.storage, &pack_name(&stranger), &noise("stranger", 5000));
    let told = Collected::default();
    let outcome = run(&open(Arc::clone(&bench.storage) as _), &request(&[snapshots[0].0]), &told).unwrap();
    assert_eq!(outcome.packs_unreadable, 1);
    assert!(packs(&bench).contains(&stranger));
    let findings = told.take();
    assert!(findings.iter().any(|finding| finding.kind.is_warning() && finding.path.ends_with(b"abab")), "{findings:?}");
    assert_restore(&bench, &snapshots[1..]);
}

/// A repository, and a pack beside it that has what a pack there has, sealed another time.
fn with_second_copies() -> (Bench, Vec<(SnapshotId, Entries)>, Vec<PackId>) {
    let bench = Bench::new();
    bench.write("a", noise("a", 200_000));
    let other = Arc::new(crate::storage::recorder::Recorder::new(bench.storage.inner().copy()));
    crate::snapshot::run(&open(Arc::clone(&other) as _), &bench.request(), &Silent).unwrap();
    let copies: Vec<(PackId, Vec<u8>)> =
        PackListing::read(&*other).unwrap().packs().keys().map(|id| (*id, read(&*other, &pack_name(id)))).collect();
    let outcome = bench.snapshot();
    let snapshots = vec![(outcome.id.unwrap(), bench.read(&outcome))];
    copies.iter().for_each(|(id, bytes)| put(&*bench.storage, &pack_name(id), bytes));
    (bench, snapshots, copies.into_iter().map(|(id, _)| id).collect())
}

#[test]
fn a_second_copy_goes_when_the_first_can_be_read() {
    let (bench, snapshots, copies) = with_second_copies();
    let outcome = try_prune(&bench, &[]).unwrap();
    assert_eq!((outcome.packs_removed, outcome.packs_named), (copies.len() as u64, 0));
    assert_restore(&bench, &snapshots);
}

#[test]
fn a_second_copy_stays_when_it_is_the_only_one_that_can_be_read() {
    let (bench, snapshots, copies) = with_second_copies();
    let named: Vec<PackId> = packs(&bench).into_iter().filter(|id| !copies.contains(id)).collect();
    for id in &named {
        let mut bytes = read(&*bench.storage, &pack_name(id));
        bytes[200] ^= 1;
        put(&*bench.storage, &pack_name(id), &bytes);
    }
    assert_restore(&bench, &snapshots);
    let outcome = try_prune(&bench, &[]).unwrap();
    assert_eq!((outcome.packs_removed, outcome.packs_named), (0, copies.len() as u64));
    assert_restore(&bench, &snapshots);
}

/// The disk is full at each writing call, once and from then on.
#[test]
fn a_full_disk_costs_no_pack_whose_segment_is_lost() {
    let template = Bench::new();
    let snapshots = age(&template, 4);
    let first = segments(&template).remove(0);
    template.storage.remove(&first).unwrap();
    for (nth, lasts) in (1..30).flat_map(|nth| [(nth, Lasts::Once), (nth, Lasts::Forever)]) {
        let storage = template.storage.inner().copy();
        let faults = Arc::new(Faults::new(storage));
        faults.fail_writing_call(nth, ErrorKind::Full, lasts);
        let _ = run(&open(Arc::clone(&faults) as _), &request(&[snapshots[0].0]), &Silent);
        let is_over = faults.is_armed();
        faults.heal();
        let repository = open(faults as _);
        for (id, entries) in &snapshots[1..] {
            assert!(template.read_from(&repository, *id) == *entries, "{nth}: a snapshot that stays is not whole");
        }
        if is_over {
            return;
        }
    }
}

#[test]
fn a_prune_with_every_segment_there_looks_into_no_directory() {
    let (bench, _) = two();
    bench.storage.clear();
    assert_eq!(prune(&bench, &[]).packs_named, 0);
    let of_packs = |call: &&crate::storage::recorder::Call| call.verb == Verb::ReadRange && call.name.starts_with("packs/");
    let read = bench.storage.calls().iter().filter(of_packs).count();
    assert!(read <= 8, "only pages are read, with the header of their pack: {read} calls");
}
