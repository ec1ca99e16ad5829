//! The trees of the database, and the only code that calls sled.
//!
//! Everything here may fail, panic or hang, and runs under [`super::guard`]. Values leave as copies:
//! sled's own handles would pin whole pages.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sled::{Db, Mode, Tree};

use super::key::{exact_id, series_prefix, time_bytes};
use super::listing::Listing;
use super::place::{self, Place};
use super::record_row::RecordRow;
use super::row::{self, RowKind};
use super::state::{Changes, State};
use super::summary::Summary;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RecordId, RepositoryId, SnapshotId};
use crate::manifest::Kind;
use crate::platform::process;
use crate::units::{MIB, Timestamp};
use crate::wire;

/// What one database may keep in memory.
const CACHE_BYTES: u64 = 32 * MIB;
const STATE_KEY: &[u8] = b"state";
/// sled lets go of its lock some time after it is dropped, by a thread that a busy machine lets wait.
const REOPEN_TRIES: u32 = 500;
const REOPEN_PAUSE: Duration = Duration::from_millis(10);

/// An open database. Its fields drop in this order: trees, then the database, then the lock.
#[derive(Clone, Debug)]
pub(super) struct Database {
    manifests: Tree,
    records: Tree,
    time_line: Tree,
    by_series: Tree,
    db: Db,
    path: PathBuf,
    repository: RepositoryId,
    _place: Place,
}

impl Database {
    /// Opens the database at `path`, making it where there is none.
    pub fn open(place: Place, path: PathBuf, repository: RepositoryId) -> Result<Self> {
        place::make_private(&path)?;
        let db = open_patiently(&path)?;
        let tree = |name: &str| db.open_tree(name).map_err(failed);
        let (manifests, records) = (tree("manifests")?, tree("records")?);
        let (time_line, by_series) = (tree("time-line")?, tree("by-series")?);
        Ok(Self { manifests, records, time_line, by_series, db, path, repository, _place: place })
    }

    /// The state row; none in a fresh database.
    pub fn state(&self) -> Result<Option<State>> {
        let Some(payload) = self.get(&self.db, RowKind::State, STATE_KEY)? else { return Ok(None) };
        wire::decode(&payload, "the state of the catalog").map(Some)
    }

    /// The ids of all rows, without looking at their values.
    pub fn ids(&self) -> Result<(Vec<SnapshotId>, Vec<RecordId>)> {
        let ids = |tree: &Tree| tree.iter().keys().map(|key| exact_id(&key.map_err(failed)?)).collect::<Result<Vec<_>>>();
        Ok((ids(&self.manifests)?.into_iter().map(SnapshotId).collect(), ids(&self.records)?.into_iter().map(RecordId).collect()))
    }

    pub fn summary(&self, id: &SnapshotId) -> Result<Option<Summary>> {
        let Some(payload) = self.get(&self.manifests, RowKind::Summary, &id.0)? else { return Ok(None) };
        let summary = Summary::decode(&payload)?;
        if summary.id == *id { Ok(Some(summary)) } else { Err(Error::damaged("a catalog row", "it is of another snapshot")) }
    }

    pub fn record(&self, id: &RecordId) -> Result<Option<RecordRow>> {
        self.get(&self.records, RowKind::Record, &id.0)?.map(|payload| RecordRow::decode(&payload)).transpose()
    }

    /// The newest snapshot of a series, of any kind or full, by the tree of series alone.
    pub fn newest(&self, series: &str, full_only: bool) -> Result<Option<Summary>> {
        for entry in self.by_series.scan_prefix(series_prefix(series)).rev() {
            let (key, value) = entry.map_err(failed)?;
            let kind: Kind = wire::decode(&row::open(self.repository, RowKind::Series, &key, &value)?, "a catalog row")?;
            if kind == Kind::Full || !full_only {
                let id = SnapshotId(exact_id(key.get(key.len().saturating_sub(32)..).unwrap_or_default())?);
                let missing = || Error::damaged("a catalog row", "its snapshot has no row");
                return self.summary(&id)?.ok_or_else(missing).map(Some);
            }
        }
        Ok(None)
    }

    /// The snapshots on the time line in `from..to`, by `time`, oldest first.
    pub fn time_line(&self, from: Timestamp, to: Timestamp) -> Result<Vec<SnapshotId>> {
        // A range that ends before it begins would panic.
        if from >= to {
            return Ok(Vec::new());
        }
        let range = self.time_line.range(time_bytes(from).to_vec()..time_bytes(to).to_vec());
        range
            .map(|entry| {
                let (key, value) = entry.map_err(failed)?;
                exact_id(&row::open(self.repository, RowKind::Time, &key, &value)?).map(SnapshotId)
            })
            .collect()
    }

    /// Every row of every tree except the state, each checked, and the two look-up trees compared
    /// with the summaries they are made of.
    pub fn read_all(&self) -> Result<Listing> {
        let (snapshots, records) = self.ids()?;
        let mut summaries = Vec::with_capacity(snapshots.len());
        for id in &snapshots {
            let gone = || Error::damaged("a catalog row", "it vanished");
            let summary = self.summary(id)?.ok_or_else(gone)?;
            for (tree, kind, key, payload) in self.look_up_rows(&summary) {
                if self.get(tree, kind, &key)? != Some(payload) {
                    return Err(Error::damaged("the catalog", "a look-up row is missing or differs from its summary"));
                }
            }
            summaries.push(summary);
        }
        if self.time_line.len() != summaries.len() || self.by_series.len() != summaries.len() {
            return Err(Error::damaged("the catalog", "it has look-up rows of no summary"));
        }
        let mut rows = Vec::with_capacity(records.len());
        for id in records {
            let gone = || Error::damaged("a catalog row", "it vanished");
            rows.push((id, self.record(&id)?.ok_or_else(gone)?));
        }
        Ok(Listing::new(summaries, rows))
    }

    /// Writes `changes`: first a durable mark that rows are being written, then the rows, then the
    /// new state. The rows and the state are durable after [`Database::flush`].
    pub fn apply(&self, changes: &Changes) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut state = self.state()?.unwrap_or_else(|| State::new(self.repository));
        // A burst that was cut short stays marked until everything is built again.
        let was_clean = state.is_clean;
        state.is_clean = false;
        self.put(&self.db, RowKind::State, STATE_KEY, &wire::encode(&state))?;
        self.flush()?;
        for id in &changes.gone {
            let Some(summary) = self.summary(id)? else { continue };
            for (tree, _, key, _) in self.look_up_rows(&summary) {
                tree.remove(key).map_err(failed)?;
            }
            self.manifests.remove(id.0).map_err(failed)?;
            state.snapshots = state.snapshots.wrapping_sub(1);
            state.fold(&id.0);
        }
        for id in &changes.gone_records {
            if self.records.remove(id.0).map_err(failed)?.is_some() {
                state.records = state.records.wrapping_sub(1);
                state.fold(&id.0);
            }
        }
        for summary in &changes.added {
            if !self.manifests.contains_key(summary.id.0).map_err(failed)? {
                state.snapshots = state.snapshots.wrapping_add(1);
                state.fold(&summary.id.0);
            }
            self.put(&self.manifests, RowKind::Summary, &summary.id.0, &summary.encode())?;
            for (tree, kind, key, payload) in self.look_up_rows(summary) {
                self.put(tree, kind, &key, &payload)?;
            }
        }
        for (id, record) in &changes.added_records {
            if !self.records.contains_key(id.0).map_err(failed)? {
                state.records = state.records.wrapping_add(1);
                state.fold(&id.0);
            }
            self.put(&self.records, RowKind::Record, &id.0, &record.encode())?;
        }
        state.is_clean = was_clean;
        self.put(&self.db, RowKind::State, STATE_KEY, &wire::encode(&state))
    }

    /// Makes everything written durable. A failure is final: nothing is known of the file any more.
    pub fn flush(&self) -> Result<()> {
        self.db.flush().map_err(failed)?;
        place::sync_database(&self.path)
    }

    /// Bytes of all keys and values.
    pub fn live_bytes(&self) -> Result<u64> {
        let mut bytes = 0;
        for tree in [&self.manifests, &self.records, &self.time_line, &self.by_series] {
            for entry in tree {
                let (key, value) = entry.map_err(failed)?;
                bytes += (key.len() + value.len()) as u64;
            }
        }
        Ok(bytes)
    }

    /// The rows by which a snapshot is found: tree, kind, key, payload.
    fn look_up_rows(&self, summary: &Summary) -> [(&Tree, RowKind, Vec<u8>, Vec<u8>); 2] {
        let by_time = [&time_bytes(summary.time)[..], &summary.id.0].concat();
        let counter = summary.counter.to_be_bytes();
        let by_series = [&series_prefix(&summary.series)[..], &counter, &time_bytes(summary.committed_at), &summary.id.0].concat();
        [
            (&self.time_line, RowKind::Time, by_time, summary.id.0.to_vec()),
            (&self.by_series, RowKind::Series, by_series, wire::encode(&summary.kind)),
        ]
    }

    fn get(&self, tree: &Tree, kind: RowKind, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = tree.get(key).map_err(failed)?;
        value.map(|value| row::open(self.repository, kind, key, &value)).transpose()
    }

    fn put(&self, tree: &Tree, kind: RowKind, key: &[u8], payload: &[u8]) -> Result<()> {
        let value = row::seal(self.repository, kind, key, payload)?;
        tree.insert(key, value).map_err(failed).map(drop)
    }

    #[cfg(test)]
    pub fn raw_manifests(&self) -> &Tree {
        &self.manifests
    }

    /// Leaves the state as a burst does that is cut short.
    #[cfg(test)]
    pub fn mark_unfinished(&self) -> Result<()> {
        let mut state = self.state()?.unwrap_or_else(|| State::new(self.repository));
        state.is_clean = false;
        self.put(&self.db, RowKind::State, STATE_KEY, &wire::encode(&state))
    }
}

fn open_patiently(path: &Path) -> Result<Db> {
    let config = sled::Config::default().path(path).flush_every_ms(None).cache_capacity(CACHE_BYTES).mode(Mode::LowSpace);
    for _ in 1..REOPEN_TRIES {
        // Where sled is first used in a process it starts seven threads, and each of them spins until all are there: on
        // several processors at once, for longer than the database needs to open. On one they get their turns when the
        // thread that they wait for has done its part. They stay there, as they do little.
        match process::on_one_processor(|| config.open()) {
            // The refusal of the lock is told apart by its text only.
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => thread::sleep(REOPEN_PAUSE),
            outcome => return outcome.map_err(failed),
        }
    }
    Err(Error::new(ErrorKind::Busy, format!("{} is still being closed", path.display())))
}

fn failed(error: sled::Error) -> Error {
    match error {
        sled::Error::Io(error) => Error::io("cannot use", "the catalog", error),
        error => Error::damaged("the catalog", error),
    }
}
