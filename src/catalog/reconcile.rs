//! Compares the catalog with what is listed in the repository, and heals it.
//!
//! Equal: it is used. Rows missing or left over: the difference is applied. Anything odd: the rows
//! are dropped and all are read from the sealed objects again.

use std::collections::HashSet;

use super::database::Database;
use super::listing::{Listing, Sealed, Skipped};
use super::open::Catalog;
use super::state::{Changes, State};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RecordId, SnapshotId};

/// So many rows are read even when the state is equal, to notice a database that lies.
const ROWS_PROBED: usize = 8;

/// What a reconciliation did.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// What is listed but could not be read; it has no row and is tried again next time.
    pub skipped: Skipped,
    /// Rows of snapshots and records that were read and added.
    pub added: usize,
    /// Rows of objects that are gone.
    pub removed: usize,
    /// Everything was read again.
    pub is_rebuilt: bool,
}

impl Reconciled {
    /// Whether there is something to flush.
    pub fn has_written(&self) -> bool {
        self.added > 0 || self.removed > 0 || self.is_rebuilt
    }
}

/// How the rows stand to what is listed.
enum Standing {
    Equal,
    Differs(Vec<SnapshotId>, Vec<RecordId>),
    Odd,
}

impl Catalog {
    /// Makes the catalog hold exactly what is listed, as far as it can be read. Durable after
    /// [`Catalog::flush`].
    ///
    /// # Errors
    /// `Interrupted` from the loading functions, and those of the database.
    pub fn reconcile(&mut self, sealed: &mut Sealed<'_>) -> Result<Reconciled> {
        let (snapshots, records) = (sealed.snapshots.to_vec(), sealed.records.to_vec());
        match self.run(move |database| compare(database, &snapshots, &records)) {
            Ok(Standing::Equal) => Ok(Reconciled::default()),
            Ok(Standing::Differs(snapshots, records)) => self.apply_difference(&snapshots, &records, sealed),
            Ok(Standing::Odd) => self.rebuild(sealed),
            // It is set aside by now, and a fresh one takes its place.
            Err(error) if error.kind() == ErrorKind::Damaged => self.rebuild(sealed),
            Err(error) => Err(error),
        }
    }

    fn apply_difference(&mut self, snapshots: &[SnapshotId], records: &[RecordId], sealed: &mut Sealed<'_>) -> Result<Reconciled> {
        let (missing, gone) = difference(sealed.snapshots, snapshots);
        let (missing_records, gone_records) = difference(sealed.records, records);
        let mut reconciled = Reconciled::default();
        let loaded = Listing::load_some(&missing, &missing_records, sealed, &mut reconciled.skipped)?;
        reconciled.added = loaded.summaries().len() + loaded.records().len();
        reconciled.removed = gone.len() + gone_records.len();
        let changes = Changes { gone, gone_records, ..Changes::from(loaded) };
        match self.run(move |database| database.apply(&changes)) {
            Ok(()) => Ok(reconciled),
            Err(error) if error.kind() == ErrorKind::Damaged => self.rebuild(sealed),
            Err(error) => Err(error),
        }
    }

    /// Reads everything from the sealed objects into a new database, which then takes the place of
    /// the old one.
    ///
    /// # Errors
    /// As [`Catalog::reconcile`].
    pub fn rebuild(&mut self, sealed: &mut Sealed<'_>) -> Result<Reconciled> {
        let mut reconciled = Reconciled { is_rebuilt: true, ..Reconciled::default() };
        let loaded = Listing::load(sealed, &mut reconciled.skipped)?;
        reconciled.added = loaded.summaries().len() + loaded.records().len();
        self.replace(loaded)?;
        Ok(reconciled)
    }
}

fn compare(database: &Database, snapshots: &[SnapshotId], records: &[RecordId]) -> Result<Standing> {
    let state = database.state()?;
    if let Some(state) = &state {
        if !state.is_clean {
            return Ok(Standing::Odd);
        }
        if *state == State::of(state.repository, snapshots, records) {
            return probe(database, snapshots, records);
        }
    }
    let (held, held_records) = database.ids()?;
    let is_as_stated = match &state {
        Some(state) => *state == State::of(state.repository, &held, &held_records),
        None => held.is_empty() && held_records.is_empty(),
    };
    Ok(if is_as_stated { Standing::Differs(held, held_records) } else { Standing::Odd })
}

/// Reads a few rows, spread evenly.
fn probe(database: &Database, snapshots: &[SnapshotId], records: &[RecordId]) -> Result<Standing> {
    let missing = || Error::damaged("the catalog", "it lacks a row that it counts");
    for id in snapshots.iter().step_by(snapshots.len().div_ceil(ROWS_PROBED).max(1)) {
        database.summary(id)?.ok_or_else(missing)?;
    }
    for id in records.iter().step_by(records.len().div_ceil(ROWS_PROBED).max(1)) {
        database.record(id)?.ok_or_else(missing)?;
    }
    Ok(Standing::Equal)
}

/// What is only in `listed`, and what is only in `held`.
fn difference<T: Copy + Eq + std::hash::Hash>(listed: &[T], held: &[T]) -> (Vec<T>, Vec<T>) {
    let (listed_set, held_set): (HashSet<_>, HashSet<_>) = (listed.iter().collect(), held.iter().collect());
    let missing = listed.iter().filter(|id| !held_set.contains(id)).copied().collect();
    let gone = held.iter().filter(|id| !listed_set.contains(id)).copied().collect();
    (missing, gone)
}
