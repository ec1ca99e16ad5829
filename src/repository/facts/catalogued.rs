//! Which snapshots there are: from the catalog where it agrees with what is stored, else from the manifests themselves.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Mutex;

use super::marks::Marks;
use super::records;
use super::rollback::Rollback;
use crate::catalog::{self, Listing, Loaded, Sealed, Skipped, Summary};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RecordId, SnapshotId};
use crate::manifest::Manifest;
use crate::repository::Repository;
use crate::repository::layout;
use crate::repository::objects::MANIFEST_BYTES_MAX;
use crate::storage::{ask_each, waits_for_answers};

/// Below so many snapshots and records a listing opens no catalog: opening the database costs some
/// milliseconds of CPU time and a dozen threads. A guess on the safe side: the break-even was not measured.
const CATALOG_OBJECTS_MIN: usize = 32;

/// What is listed may be removed or replaced by others before it is read; so often it is listed again.
const ATTEMPTS: usize = 3;

/// A listing of the snapshots, and what could not be read for it.
pub struct Catalogued {
    /// The snapshots that can be read and are not forgotten, with the tags that they have now.
    pub listing: Listing,
    /// Tags, pins, tombstones and the names of series as they are now.
    pub marks: Marks,
    /// Those that cannot.
    pub skipped: Skipped,
    /// Snapshots that are missing though nobody removed them.
    pub rollback: Option<Rollback>,
    /// The ids of all that are there, shown or not.
    pub all: Vec<SnapshotId>,
    /// What is there and would be missed by nobody else if it were lost (see [`Repository::record_presence`]).
    pub unnamed: Vec<SnapshotId>,
    /// The highest counter of any record or manifest, also of forgotten ones.
    pub newest_counter: u64,
    /// Why the catalog was not used, when it was not and should have been.
    pub problem: Option<String>,
}

impl Repository {
    /// Lists the snapshots: from the catalog where it agrees with what is stored, else from the
    /// manifests themselves. Both ways give the same answer. Forgotten snapshots are left out, and tags
    /// are what the records have made of them.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn catalogued(&self) -> Result<Catalogued> {
        self.catalogued_from(0)
    }

    /// As [`Repository::catalogued`], for who only reads and has nothing to tell the catalog: so few
    /// objects that reading them is quicker than opening the database are read.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn catalogued_to_read(&self) -> Result<Catalogued> {
        self.catalogued_from(CATALOG_OBJECTS_MIN)
    }

    /// As [`Repository::catalogued`], from the manifests and records alone: for who removes by what it says.
    /// Whatever the catalog has, or believes of what is damaged, changes nothing.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn catalogued_from_sealed(&self) -> Result<Catalogued> {
        self.catalogued_from(usize::MAX)
    }

    fn catalogued_from(&self, objects_min: usize) -> Result<Catalogued> {
        let mut attempts = 0..ATTEMPTS;
        let (listing, newest_counter, mut skipped, catalog_error) = loop {
            let Loaded { mut listing, mut skipped, is_of_catalog, catalog_error } = self.load_listing(objects_min)?;
            // What was damaged since counts here: what comes must stand above it.
            let newest_counter = newest_counter(&listing);
            if is_of_catalog {
                self.skip_damaged(&listing, &mut skipped)?;
                listing = listing.without(&skipped);
            }
            // What took the place of what went may not have been listed.
            if !self.drop_gone(&mut skipped)? || attempts.next().is_none() {
                break (listing, newest_counter, skipped, catalog_error);
            }
        };
        skipped.snapshots.sort_by_key(|(id, _)| *id);
        skipped.records.sort_by_key(|(id, _)| *id);
        let rollback = self.watch_rollback(&listing, &skipped)?;
        let unnamed = self.find_unnamed(&listing, &skipped)?;
        let all = listing.summaries().iter().map(|summary| summary.id).chain(skipped.snapshots.iter().map(|(id, _)| *id)).collect();
        let mut marks = Marks::default();
        for (id, row) in listing.records().iter().filter(|(_, row)| Marks::is_mark(row.record_type)) {
            let applied = if row.is_cut {
                records::read_record(&**self.objects.storage(), self.objects.keys(), *id)
                    .and_then(|record| marks.apply(record.record_type, &record.payload))
            } else {
                marks.apply(row.record_type, &row.payload)
            };
            match applied {
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => skipped.records.push((*id, error)),
                Ok(()) => {}
            }
        }
        skipped.snapshots.retain(|(id, _)| !marks.is_forgotten(id));
        let shown = listing.summaries().iter().filter(|summary| !marks.is_forgotten(&summary.id)).cloned();
        let shown = shown.map(|summary| Summary {
            tags: marks.tags(&summary.id, summary.tags.clone()),
            series: marks.series_name(&summary.series).into_owned(),
            ..summary
        });
        let shown = shown.collect();
        let unreadable = skipped.snapshots.iter().map(|(id, _)| *id).collect();
        let listing = Listing::new(shown, listing.records().to_vec()).with_unreadable(unreadable);
        let problem = catalog_error.map(|error: Error| error.to_string());
        Ok(Catalogued { listing, marks, skipped, rollback, all, unnamed, newest_counter, problem })
    }

    /// Takes out what went between its listing and its reading: others remove snapshots, and gather records, while this
    /// one looks. True when there was any.
    pub(in crate::repository) fn drop_gone(&self, skipped: &mut Skipped) -> Result<bool> {
        let before = skipped.snapshots.len() + skipped.records.len();
        if skipped.snapshots.iter().any(|(_, error)| error.is_not_found()) {
            let listed = self.objects.list_snapshots()?;
            skipped.snapshots.retain(|(id, error)| !error.is_not_found() || listed.contains(id));
        }
        if skipped.records.iter().any(|(_, error)| error.is_not_found()) {
            let listed = layout::list_ids(&**self.objects.storage(), layout::RECORDS, RecordId::parse)?;
            skipped.records.retain(|(id, error)| !error.is_not_found() || listed.iter().any(|(other, _)| other == id));
        }
        Ok(skipped.snapshots.len() + skipped.records.len() < before)
    }

    /// Skips what the catalog has a row of and what is damaged by now: so a listing says the same in whatever
    /// state the catalog is. The name of an object is its hash, so nothing is unsealed.
    fn skip_damaged(&self, listing: &Listing, skipped: &mut Skipped) -> Result<()> {
        let is_intact = |name: &str, hash: &[u8]| {
            self.objects.storage().read(name, MANIFEST_BYTES_MAX).is_ok_and(|bytes| blake3::hash(&bytes).as_bytes().as_slice() == hash)
        };
        for Summary { id, .. } in
            listing.summaries().iter().filter(|summary| !is_intact(&layout::snapshot_name(&summary.id), &summary.id.0))
        {
            match self.objects.read_manifest(id) {
                // It was somewhere else in the moment before.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => skipped.snapshots.push((*id, error)),
            }
        }
        for (id, _) in listing.records().iter().filter(|(id, _)| !is_intact(&layout::record_name(id), &id.0)) {
            match records::read_record(&**self.objects.storage(), self.objects.keys(), *id) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => skipped.records.push((*id, error)),
            }
        }
        Ok(())
    }

    /// Everything that is listed, forgotten or not.
    fn load_listing(&self, objects_min: usize) -> Result<Loaded> {
        let folder = self.objects.cache().filter(|_| self.catalog).map(|cache| cache.catalog());
        self.with_sealed(|sealed| {
            let has_enough = sealed.snapshots.len() + sealed.records.len() >= objects_min;
            catalog::load(folder.as_deref().filter(|_| has_enough), self.description.id, sealed)
        })
    }

    /// The highest counter of any record or manifest, also of forgotten ones.
    pub(in crate::repository) fn newest_counter(&self) -> Result<u64> {
        Ok(newest_counter(&self.load_listing(0)?.listing))
    }

    /// Calls `work` with what is stored now: the truth that a catalog is compared with.
    ///
    /// # Errors
    /// Those of the storage and of `work`.
    pub fn with_sealed<T>(&self, work: impl FnOnce(&mut Sealed<'_>) -> Result<T>) -> Result<T> {
        let snapshots = self.objects.list_snapshots()?;
        let records: Vec<RecordId> =
            layout::list_ids(&**self.objects.storage(), layout::RECORDS, RecordId::parse)?.into_iter().map(|(id, _)| id).collect();
        let read_summary = |id: &SnapshotId| Ok(Summary::of(id, &self.objects.read_manifest(id)?));
        let read_row =
            |id: &RecordId| Ok(catalog::RecordRow::of(&records::read_record(&**self.objects.storage(), self.objects.keys(), *id)?));
        let ahead = RefCell::new((HashMap::new(), HashMap::new()));
        let expect = |snapshots: &[SnapshotId], records: &[RecordId]| {
            if waits_for_answers(&**self.objects.storage()) {
                // What cannot be read is read again when it is asked for.
                let summaries = ask_each(&**self.objects.storage(), snapshots, |id| Ok((*id, read_summary(id).ok())));
                let rows = ask_each(&**self.objects.storage(), records, |id| Ok((*id, read_row(id).ok())));
                *ahead.borrow_mut() = (summaries.into_iter().flatten().collect(), rows.into_iter().flatten().collect());
            }
        };
        let mut load_manifest = |id| ahead.borrow_mut().0.remove(&id).flatten().map_or_else(|| read_summary(&id), Ok);
        let mut load_record = |id| ahead.borrow_mut().1.remove(&id).flatten().map_or_else(|| read_row(&id), Ok);
        let (load_manifest, load_record) = (&mut load_manifest, &mut load_record);
        work(&mut Sealed { snapshots: &snapshots, records: &records, expect: &expect, load_manifest, load_record })
    }

    /// Tells the catalog of a snapshot that was committed. A catalog that cannot be told heals at the
    /// next look.
    pub fn tell_catalog(&self, id: &SnapshotId, manifest: &Manifest) {
        // One at a time within this process; sled allows no more.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock();
        if let Some(cache) = self.objects.cache().filter(|_| self.catalog) {
            let _ = catalog::add(&cache.catalog(), self.description.id, &Summary::of(id, manifest));
        }
    }
}

fn newest_counter(listing: &Listing) -> u64 {
    let snapshots = listing.summaries().iter().map(|summary| summary.counter);
    snapshots.chain(listing.records().iter().map(|(_, row)| row.counter)).max().unwrap_or(0)
}
