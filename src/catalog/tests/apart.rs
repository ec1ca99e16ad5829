//! A catalog that cannot be had, does not say the truth, or is large.

use super::*;

#[test]
fn a_catalog_that_another_holds_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 1);
    let held = Catalog::open(folder.path(), REPOSITORY).unwrap();
    assert_eq!(Catalog::open(folder.path(), REPOSITORY).unwrap_err().kind(), ErrorKind::Busy);
    let loaded = truth.load(Some(folder.path()));
    assert_eq!(loaded.catalog_error.unwrap().kind(), ErrorKind::Busy);
    assert_eq!(loaded.listing, truth.load(None).listing);
    drop(held);
    truth.check(folder.path());
}

#[test]
fn a_place_that_cannot_hold_a_catalog_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let mut truth = Truth::new(3, 0);
    let loaded = truth.load(Some(&file));
    assert!(loaded.catalog_error.is_some());
    assert_eq!(loaded.listing.summaries().len(), 3);
    fs::write(folder.path().join("catalog"), "a file in its place").unwrap();
    assert_eq!(truth.check(folder.path()), 3);
}

#[test]
fn values_under_each_other_s_key_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(30, 0);
    truth.check(folder.path());
    let mut catalog = Catalog::open(folder.path(), REPOSITORY).unwrap();
    let (a, b) = (truth.summaries[3].id, truth.summaries[17].id);
    let swap = move |database: &database::Database| {
        let tree = database.raw_manifests();
        let (value_a, value_b) = (tree.get(a.0).unwrap().unwrap(), tree.get(b.0).unwrap().unwrap());
        tree.insert(a.0, value_b).unwrap();
        tree.insert(b.0, value_a).unwrap();
        Ok(())
    };
    catalog.run(swap).unwrap();
    catalog.flush().unwrap();
    drop(catalog);
    assert_eq!(truth.check(folder.path()), 30);
    assert!(folder.path().join("catalog.bad").exists());
}

#[test]
fn rows_that_a_burst_left_unfinished_are_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(6, 1);
    truth.check(folder.path());
    let mut catalog = Catalog::open(folder.path(), REPOSITORY).unwrap();
    catalog.run(|database| database.mark_unfinished()).unwrap();
    catalog.flush().unwrap();
    drop(catalog);
    assert_eq!(truth.check(folder.path()), 7);
}

#[test]
fn an_unreadable_manifest_is_reported_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 1);
    let bad = truth.summaries[2].id;
    truth.unreadable.insert(bad);
    assert_eq!(truth.check(folder.path()), 6);
    let loaded = truth.load(Some(folder.path()));
    assert_eq!(loaded.skipped.snapshots.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [bad]);
    assert_eq!(loaded.listing.summaries().len(), 4);
    assert_eq!(truth.check(folder.path()), 1);
    truth.unreadable.clear();
    assert_eq!(truth.check(folder.path()), 1);
    assert_eq!(truth.check(folder.path()), 0);
}

#[test]
fn two_thousand_snapshots_are_listed_in_order_from_small_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(2000, 0);
    truth.summaries.reverse();
    assert_eq!(truth.check(folder.path()), 2000);
    assert_eq!(truth.check(folder.path()), 0);
    let mut catalog = Catalog::open(folder.path(), REPOSITORY).unwrap();
    let line = catalog.time_line(Timestamp::new(-300, 0), Timestamp::new(0, 0)).unwrap();
    let counters: Vec<_> = line.iter().map(|id| truth.summaries.iter().find(|row| row.id == *id).unwrap().counter).collect();
    assert_eq!(counters, [1, 2, 3, 4]);
    assert_eq!(catalog.time_line(Timestamp::new(5, 0), Timestamp::new(4, 0)).unwrap(), []);
    assert_eq!(fs::read_dir(folder.path().join("catalog/blobs")).unwrap().count(), 0);
}

#[test]
fn verify_names_each_difference() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 2);
    truth.check(folder.path());
    let mut catalog = Catalog::open(folder.path(), REPOSITORY).unwrap();
    assert!(truth.with(|sealed| catalog.verify(sealed)).unwrap().is_empty());
    let (gone, damaged, changed) = (truth.summaries.remove(0).id, truth.summaries[0].id, truth.summaries[1].id);
    truth.unreadable.insert(damaged);
    truth.summaries[1].host = "other".into();
    truth.add(6);
    let added = truth.summaries[4].id;
    let differences: Vec<_> = truth.with(|sealed| catalog.verify(sealed)).unwrap().iter().map(Difference::to_string).collect();
    let expected = [
        format!("snapshot {damaged} cannot be read: a manifest is damaged: test"),
        format!("snapshot {changed} is not what the catalog says"),
        format!("snapshot {added} is not in the catalog"),
        format!("snapshot {gone} is in the catalog only"),
    ];
    assert_eq!(differences, expected);
    truth.unreadable.clear();
    truth.with(|sealed| catalog.rebuild(sealed)).unwrap();
    assert!(truth.with(|sealed| catalog.verify(sealed)).unwrap().is_empty());
    assert!(!folder.path().join("catalog.new").exists() && !folder.path().join("catalog.old").exists());
}

#[test]
fn a_database_of_mostly_dead_space_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Truth::new(5, 0);
    truth.check(folder.path());
    let mut catalog = Catalog::open(folder.path(), REPOSITORY).unwrap();
    assert!(!catalog.compact_where_due().unwrap());
    fs::write(folder.path().join("catalog/blobs/123"), vec![0; 17 << 20]).unwrap();
    assert!(catalog.compact_where_due().unwrap());
    assert!(place::disk_bytes(&folder.path().join("catalog")) < 4 << 20);
    drop(catalog);
    assert_eq!(truth.check(folder.path()), 0);
}

#[test]
fn an_interruption_is_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let ids = [SnapshotId([1; 32])];
    let mut sealed = Sealed {
        snapshots: &ids,
        records: &[],
        expect: &|_, _| {},
        load_manifest: &mut |_| Err(Error::new(ErrorKind::Interrupted, "stop")),
        load_record: &mut |_| unreachable!("there are no records"),
    };
    assert_eq!(load(Some(folder.path()), REPOSITORY, &mut sealed).unwrap_err().kind(), ErrorKind::Interrupted);
}

#[derive(Clone, Debug)]
enum Step {
    Commit,
    CommitUntold,
    Forget(usize),
    AddRecord,
    Damage(usize, usize),
    Cut(usize, usize),
    Keep,
    BringBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Commit),
        2 => Just(Step::CommitUntold),
        2 => any::<usize>().prop_map(Step::Forget),
        1 => Just(Step::AddRecord),
        2 => any::<(usize, usize)>().prop_map(|(file, at)| Step::Damage(file, at)),
        1 => any::<(usize, usize)>().prop_map(|(file, at)| Step::Cut(file, at)),
        1 => Just(Step::Keep),
        1 => Just(Step::BringBack),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_the_same_with_and_without_a_catalog(steps in prop::collection::vec(step(), 1..8)) {
        let (folder, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let database = folder.path().join("catalog");
        let mut truth = Truth::new(3, 1);
        truth.check(folder.path());
        copy_folder(&database, kept.path());
        for (counter, step) in (10..).zip(steps) {
            let files = files_below(&database);
            match step {
                Step::Commit => {
                    truth.add(counter);
                    add(folder.path(), REPOSITORY, &truth.summaries[truth.summaries.len() - 1]).unwrap();
                }
                Step::CommitUntold => truth.add(counter),
                Step::Forget(n) if !truth.summaries.is_empty() => drop(truth.summaries.remove(n % truth.summaries.len())),
                Step::Forget(_) => {}
                Step::AddRecord => truth.records.push(record(counter)),
                Step::Damage(file, at) => {
                    let file = &files[file % files.len()];
                    let mut bytes = fs::read(file).unwrap();
                    let at = at % bytes.len().max(1);
                    let end = bytes.len().min(at + 300);
                    bytes[at..end].copy_from_slice(&noise(end - at, counter));
                    fs::write(file, bytes).unwrap();
                }
                Step::Cut(file, at) => {
                    let file = &files[file % files.len()];
                    let bytes = fs::read(file).unwrap();
                    fs::write(file, &bytes[..at % bytes.len().max(1)]).unwrap();
                }
                Step::Keep => {
                    fs::remove_dir_all(kept.path()).unwrap();
                    copy_folder(&database, kept.path());
                }
                Step::BringBack => {
                    fs::remove_dir_all(&database).unwrap();
                    copy_folder(kept.path(), &database);
                }
            }
            truth.check(folder.path());
        }
    }
}
