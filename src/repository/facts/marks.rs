//! What records have made of snapshots since they were committed: tags, pins and tombstones; and of series: other
//! names, and rest.
//!
//! Manifests are never rewritten, so these stand beside them, each a record of its own. They are
//! applied in the order of the records; both ways to list snapshots, with a catalog and without, go
//! through here, so that they agree.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::catalog::series_key;
use crate::error::Result;
use crate::id::SnapshotId;
use crate::manifest::{
    PIN, Pin, Record, SERIES, SUSPECT, SeriesChange, Suspicion, TAG, TOMBSTONE, TagChange, Tombstone, UNFORGOTTEN, Unforgotten,
};
use crate::wire;

/// Tags, pins and tombstones of all snapshots.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    changes: HashMap<SnapshotId, Vec<TagChange>>,
    pinned: HashSet<SnapshotId>,
    forgotten: HashSet<SnapshotId>,
    /// Snapshots that a guard distrusts and nobody has accepted, with the reasons.
    suspects: HashMap<SnapshotId, Vec<String>>,
    /// Names that series had, with those that they have now.
    renamed: HashMap<String, String>,
    /// By the names of now.
    stopped: HashSet<String>,
}

impl Marks {
    /// Whether records of this type are marks.
    pub(in crate::repository) fn is_mark(record_type: u16) -> bool {
        matches!(record_type, TAG | PIN | TOMBSTONE | UNFORGOTTEN | SERIES | SUSPECT)
    }

    /// Takes what the next record says; records of other types are none of its business.
    ///
    /// # Errors
    /// `Damaged`.
    pub(in crate::repository) fn apply(&mut self, record_type: u16, payload: &[u8]) -> Result<()> {
        match record_type {
            TAG => {
                let change: TagChange = wire::decode(payload, "a record of tags")?;
                self.changes.entry(change.snapshot).or_default().push(change);
            }
            PIN => {
                let Pin { snapshot, is_pinned } = wire::decode(payload, "a record of a pin")?;
                if is_pinned {
                    self.pinned.insert(snapshot);
                } else {
                    self.pinned.remove(&snapshot);
                }
            }
            TOMBSTONE => {
                self.forgotten.insert(wire::decode::<Tombstone>(payload, "a tombstone")?.snapshot);
            }
            UNFORGOTTEN => {
                self.forgotten.remove(&wire::decode::<Unforgotten>(payload, "the end of a tombstone")?.snapshot);
            }
            SUSPECT => {
                let Suspicion { snapshot, reasons } = wire::decode(payload, "a record of a suspicion")?;
                if reasons.is_empty() {
                    self.suspects.remove(&snapshot);
                } else {
                    self.suspects.insert(snapshot, reasons);
                }
            }
            SERIES => self.change_series(wire::decode(payload, "a record of a series")?),
            _ => {}
        }
        Ok(())
    }

    fn change_series(&mut self, change: SeriesChange) {
        let series = self.series_name(&change.series).into_owned();
        if let Some(is_stopped) = change.is_stopped {
            if is_stopped {
                self.stopped.insert(series.clone());
            } else {
                self.stopped.remove(&series);
            }
        }
        let Some(name) = change.name.map(|name| series_key(&name).into_owned()).filter(|name| *name != series) else { return };
        // What was renamed to this one before goes along; and what gets its first name back has no other.
        self.renamed.values_mut().filter(|now| **now == series).for_each(|now| now.clone_from(&name));
        self.renamed.insert(series.clone(), name.clone());
        self.renamed.retain(|before, now| before != now);
        if self.stopped.remove(&series) {
            self.stopped.insert(name);
        }
    }

    /// The name that a series has now, by any that it had, as [`series_key`] gives it.
    pub fn series_name<'s>(&self, series: &'s str) -> Cow<'s, str> {
        match self.renamed(series) {
            Some(name) => Cow::Owned(name.to_owned()),
            None => series_key(series),
        }
    }

    /// The name that a series was given in place of this one; none where it still has it.
    pub fn renamed(&self, series: &str) -> Option<&str> {
        self.renamed.get(&*series_key(series)).map(String::as_str)
    }

    /// Whether runs that name no paths leave the series out; by its name of now.
    pub fn is_stopped(&self, series: &str) -> bool {
        self.stopped.contains(series)
    }

    /// Whether nothing may remove the snapshot.
    pub fn is_pinned(&self, id: &SnapshotId) -> bool {
        self.pinned.contains(id)
    }

    /// All snapshots that are pinned.
    pub(in crate::repository) fn pinned(&self) -> impl Iterator<Item = SnapshotId> {
        self.pinned.iter().copied()
    }

    /// Why a guard distrusts the snapshot, one reason each; none where it does not, or where somebody has accepted it.
    pub fn suspicion(&self, id: &SnapshotId) -> Option<&[String]> {
        self.suspects.get(id).map(Vec::as_slice)
    }

    /// Whether the snapshot is forgotten. A pin is stronger: where one user forgets and another pins at
    /// the same time, nothing is lost.
    pub fn is_forgotten(&self, id: &SnapshotId) -> bool {
        self.forgotten.contains(id) && !self.pinned.contains(id)
    }

    /// Whether a tombstone says that the snapshot is forgotten, pinned or not.
    pub fn has_tombstone(&self, id: &SnapshotId) -> bool {
        self.forgotten.contains(id)
    }

    /// All snapshots that are forgotten, also those that are gone already, in no order.
    pub fn forgotten(&self) -> impl Iterator<Item = SnapshotId> {
        self.forgotten.iter().filter(|id| self.is_forgotten(id)).copied()
    }

    /// The tags of a snapshot whose manifest has `tags`.
    pub fn tags(&self, id: &SnapshotId, mut tags: Vec<String>) -> Vec<String> {
        for change in self.changes.get(id).into_iter().flatten() {
            tags.retain(|tag| !change.removed.contains(tag));
            for tag in &change.added {
                if !tags.contains(tag) {
                    tags.push(tag.clone());
                }
            }
        }
        tags
    }
}

/// The snapshot that a mark is about; none when the record is no mark of a snapshot.
///
/// # Errors
/// `Damaged`.
pub(in crate::repository) fn subject(record: &Record) -> Result<Option<SnapshotId>> {
    Ok(match record.record_type {
        TAG => Some(wire::decode::<TagChange>(&record.payload, "a record of tags")?.snapshot),
        PIN => Some(wire::decode::<Pin>(&record.payload, "a record of a pin")?.snapshot),
        TOMBSTONE => Some(wire::decode::<Tombstone>(&record.payload, "a tombstone")?.snapshot),
        UNFORGOTTEN => Some(wire::decode::<Unforgotten>(&record.payload, "the end of a tombstone")?.snapshot),
        SUSPECT => Some(wire::decode::<Suspicion>(&record.payload, "a record of a suspicion")?.snapshot),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::crypto::{Algorithm, Argon2Cost};
    use crate::error::ErrorKind;
    use crate::id::{ClientId, RootId, RunId};
    use crate::manifest::{Counts, Kind, Manifest, SETTING, SETTINGS, Setting, Settings, SnapshotOptions};
    use crate::repository::{CreateOptions, OpenOptions, Repository, create};
    use crate::storage::{MemoryStorage, Storage};
    use crate::units::Timestamp;
    use crate::wire::Extensions;

    const A: SnapshotId = SnapshotId([1; 32]);

    fn tag(snapshot: SnapshotId, added: &[&str], removed: &[&str]) -> Vec<u8> {
        let owned = |tags: &[&str]| tags.iter().map(ToString::to_string).collect();
        wire::encode(&TagChange { snapshot, added: owned(added), removed: owned(removed) })
    }

    fn storage() -> Arc<MemoryStorage> {
        let storage = Arc::new(MemoryStorage::new());
        let cost = Argon2Cost { memory_kib: 64, passes: 1, lanes: 1 };
        let options = CreateOptions { algorithm: Algorithm::None, credential: None, cost, now: Timestamp::default() };
        create(&*storage, &options).unwrap();
        storage
    }

    fn open(storage: &Arc<MemoryStorage>, cache: Option<&std::path::Path>) -> Repository {
        try_open(storage, cache).unwrap()
    }

    fn try_open(storage: &Arc<MemoryStorage>, cache: Option<&std::path::Path>) -> Result<Repository> {
        let options = OpenOptions { cache_root: cache.map(Into::into), ..OpenOptions::default() };
        Repository::open(storage.clone() as Arc<dyn Storage>, options)
    }

    /// Gives an object other bytes.
    fn put(storage: &MemoryStorage, name: &str, bytes: &[u8]) {
        storage.remove(name).unwrap();
        let mut upload = storage.create(name.split('/').next().unwrap()).unwrap();
        upload.write(bytes).unwrap();
        upload.publish(name).unwrap();
    }

    fn publish(repository: &Repository, counter: u64) -> SnapshotId {
        let manifest = Manifest {
            run: RunId([1; 16]),
            client: ClientId([2; 16]),
            counter,
            previous: None,
            kind: Kind::Full,
            base: None,
            series: "home".into(),
            host: "host".into(),
            user: "user".into(),
            time: Timestamp::default(),
            started_at: Timestamp::default(),
            committed_at: Timestamp::default(),
            clocks: Vec::new(),
            paths: Vec::new(),
            options: SnapshotOptions::default(),
            tags: vec!["old".into()],
            program: "test".into(),
            root: RootId([3; 32]),
            entries: Vec::new(),
            counts: Counts::default(),
            extensions: Extensions::none(),
        };
        repository.objects().publish_manifest(&manifest).unwrap()
    }

    #[test]
    fn tags_come_and_go_in_the_order_of_the_records() {
        let mut marks = Marks::default();
        marks.apply(TAG, &tag(A, &["x", "y", "x"], &["old"])).unwrap();
        marks.apply(TAG, &tag(A, &["z"], &["x", "z"])).unwrap();
        assert_eq!(marks.tags(&A, vec!["old".into(), "kept".into()]), ["kept", "y", "z"]);
        assert_eq!(marks.tags(&SnapshotId([2; 32]), vec!["old".into()]), ["old"]);
        assert_eq!(marks.apply(TAG, &[1]).unwrap_err().kind(), ErrorKind::Damaged);
    }

    #[test]
    fn a_pin_is_stronger_than_a_tombstone_until_it_is_taken_away() {
        let mut marks = Marks::default();
        marks.apply(PIN, &wire::encode(&Pin { snapshot: A, is_pinned: true })).unwrap();
        marks.apply(TOMBSTONE, &wire::encode(&Tombstone { snapshot: A })).unwrap();
        assert!(marks.is_pinned(&A) && !marks.is_forgotten(&A));
        marks.apply(PIN, &wire::encode(&Pin { snapshot: A, is_pinned: false })).unwrap();
        assert!(!marks.is_pinned(&A) && marks.is_forgotten(&A));
    }

    #[test]
    fn of_tombstones_and_their_ends_the_last_one_holds() {
        let mut marks = Marks::default();
        let (forget, unforget) = (wire::encode(&Tombstone { snapshot: A }), wire::encode(&Unforgotten { snapshot: A }));
        for (record_type, payload, is_forgotten) in
            [(UNFORGOTTEN, &unforget, false), (TOMBSTONE, &forget, true), (UNFORGOTTEN, &unforget, false), (TOMBSTONE, &forget, true)]
        {
            marks.apply(record_type, payload).unwrap();
            assert_eq!((marks.is_forgotten(&A), marks.has_tombstone(&A)), (is_forgotten, is_forgotten));
        }
    }

    #[test]
    fn listings_hide_what_is_forgotten_with_and_without_a_catalog() {
        let (storage, cache) = (storage(), tempfile::tempdir().unwrap());
        let repository = open(&storage, None);
        let (first, second) = (publish(&repository, 1), publish(&repository, 5));
        let long = "long ".repeat(2_000);
        repository.publish_record(TAG, tag(first, &["new", &long], &["old"]), Timestamp::default()).unwrap();
        let records = vec![
            (TOMBSTONE, wire::encode(&Tombstone { snapshot: second })),
            (PIN, wire::encode(&Pin { snapshot: first, is_pinned: true })),
        ];
        repository.publish_records(records, Timestamp::default()).unwrap();
        let bare = open(&storage, None).catalogued().unwrap();
        for _ in 0..2 {
            let through = open(&storage, Some(cache.path())).catalogued().unwrap();
            assert_eq!((through.listing, through.problem), (bare.listing.clone(), None));
        }
        let shown: Vec<_> = bare.listing.summaries().iter().map(|summary| (summary.id, summary.tags.clone())).collect();
        assert_eq!(shown, [(first, vec!["new".to_owned(), long])]);
        assert!(bare.marks.is_pinned(&first) && bare.marks.is_forgotten(&second));
        let counters: Vec<u64> = bare.listing.records().iter().map(|(_, row)| row.counter).collect();
        assert_eq!(counters, [0, 0, 1, 1, 6, 7, 8], "above every manifest and every record");
        assert!(open(&storage, None).facts().marks().is_forgotten(&second));
    }

    #[test]
    fn what_was_damaged_since_the_catalog_knew_it_is_told_and_listed_as_without_a_catalog() {
        let (storage, cache) = (storage(), tempfile::tempdir().unwrap());
        let repository = open(&storage, None);
        let snapshots: Vec<SnapshotId> = (1..5).map(|counter| publish(&repository, counter)).collect();
        repository.publish_record(TAG, tag(snapshots[0], &["new"], &[]), Timestamp::default()).unwrap();
        repository.publish_record(TOMBSTONE, wire::encode(&Tombstone { snapshot: snapshots[1] }), Timestamp::default()).unwrap();
        assert_eq!(open(&storage, Some(cache.path())).catalogued().unwrap().problem, None);
        for listed in [storage.list("snapshots").unwrap(), storage.list("records").unwrap()].concat() {
            let whole = storage.read(&listed.name, u64::MAX).unwrap();
            for at in [0, whole.len() / 2, whole.len() - 1] {
                let mut bytes = whole.clone();
                bytes[at] ^= 1;
                put(&storage, &listed.name, &bytes);
                let (Ok(bare), Ok(through)) = (try_open(&storage, None), try_open(&storage, Some(cache.path()))) else { continue };
                let (bare, through) = (bare.catalogued().unwrap(), through.catalogued().unwrap());
                assert_eq!(through.listing, bare.listing, "{}", listed.name);
                let texts = |skipped: &crate::catalog::Skipped| {
                    let snapshots = skipped.snapshots.iter().map(|(id, error)| format!("{id}: {error}"));
                    snapshots.chain(skipped.records.iter().map(|(id, error)| format!("{id}: {error}"))).collect::<Vec<_>>()
                };
                assert_eq!(texts(&through.skipped), texts(&bare.skipped), "{}", listed.name);
            }
            put(&storage, &listed.name, &whole);
        }
    }

    #[test]
    fn what_went_between_its_listing_and_its_reading_is_not_damaged() {
        let storage = storage();
        let repository = open(&storage, None);
        let (gone, kept) = (publish(&repository, 1), publish(&repository, 2));
        let record = repository.publish_record(TAG, tag(kept, &["new"], &[]), Timestamp::default()).unwrap();
        for name in [format!("snapshots/{gone}"), format!("records/{record}")] {
            storage.remove(&name).unwrap();
        }
        let not_found = |id: &SnapshotId| (*id, repository.objects().read_manifest(&gone).unwrap_err());
        let mut skipped = crate::catalog::Skipped {
            snapshots: vec![not_found(&gone), not_found(&kept)],
            records: vec![(record, repository.objects().read_manifest(&gone).unwrap_err())],
        };
        assert!(repository.drop_gone(&mut skipped).unwrap());
        // What is listed and cannot be read is damaged still.
        assert_eq!(skipped.snapshots.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [kept]);
        assert!(skipped.records.is_empty() && !repository.drop_gone(&mut skipped).unwrap());
    }

    #[test]
    fn a_critical_type_of_later_forbids_writing_and_an_optional_one_does_not() {
        let storage = storage();
        let repository = open(&storage, None);
        repository.publish_record(99, vec![1], Timestamp::default()).unwrap();
        assert!(open(&storage, None).facts().check_writable().is_ok());
        repository.publish_record(wire::CRITICAL | 99, vec![1], Timestamp::default()).unwrap();
        let error = open(&storage, None).publish_record(TAG, tag(A, &[], &[]), Timestamp::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn what_a_later_version_says_is_not_hidden_by_damage_that_comes_after_it() {
        let storage = storage();
        let repository = open(&storage, None);
        let bad = wire::encode(&Setting { name: "protect".into(), value: "x".into() });
        repository.publish_records(vec![(wire::CRITICAL | 99, vec![1]), (SETTING, bad)], Timestamp::default()).unwrap();
        assert_eq!(open(&storage, None).facts().check_writable().unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_repository_that_is_cut_in_a_way_of_later_is_read_and_not_written() {
        let storage = storage();
        let repository = open(&storage, None);
        let snapshot = publish(&repository, 1);
        let settings = Settings { class_table: u16::MAX, ..repository.facts().settings().clone() };
        repository.publish_record(SETTINGS, wire::encode(&settings), Timestamp::default()).unwrap();
        let repository = open(&storage, None);
        assert_eq!(repository.catalogued().unwrap().listing.summaries()[0].id, snapshot);
        assert_eq!(repository.facts().check_writable().unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn where_no_higher_counter_is_left_nothing_is_recorded() {
        let storage = storage();
        let repository = open(&storage, None);
        publish(&repository, u64::MAX - 1);
        assert!(repository.publish_record(TAG, tag(A, &[], &[]), Timestamp::default()).unwrap_err().is_damage());
    }
}
