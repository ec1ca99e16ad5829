//! What was removed on purpose, so that it can be told from what was lost; and the removal of records
//! that no snapshot needs any more.
//!
//! Prune says which snapshots it removes before it removes them. These records stay for ever, gathered
//! into few: 32 bytes for each snapshot that ever was, which is little beside what a snapshot takes. As
//! they carry the highest counter, counters never fall when other records go.

use std::collections::BTreeSet;

use super::marks::subject;
use super::paired::find_outlived;
use super::records::read_listed;
use crate::error::Result;
use crate::id::{RecordId, SnapshotId};
use crate::manifest::{KEPT, Kept, REMOVED, Record, Removed};
use crate::repository::{Repository, layout, with_reserve};
use crate::units::Timestamp;
use crate::wire;

/// A record names so many snapshots; one that does is left alone from then on.
const PART_IDS: usize = 16_384;

impl Repository {
    /// Says, durably, that `snapshots` are removed on purpose. Earlier records that say such things are
    /// gathered into the new one. Takes the space of the reserve when there is no other. The caller holds
    /// the lock alone, or removes nothing.
    ///
    /// # Errors
    /// `Unsupported` when the repository must not be written to; those of the storage.
    pub fn record_removal(&self, snapshots: &[SnapshotId], now: Timestamp) -> Result<()> {
        let mut ids: BTreeSet<SnapshotId> = snapshots.iter().copied().collect();
        let (mut told, mut replaced, mut is_stale) = (BTreeSet::new(), Vec::new(), false);
        // What was put back, or never went because a removal was cut short, is not removed: were it lost now, nobody
        // would miss it. Listed last: what a record names and is there then was not removed in between.
        let records = self.read_records()?;
        let listed: BTreeSet<SnapshotId> = self.objects.list_snapshots()?.into_iter().collect();
        let is_back = |id: &SnapshotId| listed.contains(id) && !snapshots.contains(id);
        for (id, record) in records {
            if record.record_type == REMOVED {
                let Removed { mut snapshots } = wire::decode(&record.payload, "a record of removed snapshots")?;
                let before = snapshots.len();
                snapshots.retain(|id| !is_back(id));
                is_stale |= snapshots.len() < before;
                if snapshots.len() < PART_IDS {
                    replaced.push((id, snapshots));
                } else {
                    told.extend(snapshots);
                }
            }
        }
        told.extend(replaced.iter().flat_map(|(_, snapshots)| snapshots.iter().copied()));
        if ids.is_subset(&told) && !is_stale {
            return Ok(());
        }
        ids.extend(replaced.iter().flat_map(|(_, snapshots)| snapshots.iter().copied()));
        let ids: Vec<SnapshotId> = ids.into_iter().collect();
        let payloads: Vec<Vec<u8>> = parts(&ids).into_iter().map(|part| wire::encode(&Removed { snapshots: part.to_vec() })).collect();
        for payload in payloads {
            with_reserve(&**self.objects.storage(), || self.publish_record(REMOVED, payload.clone(), now))?;
        }
        self.remove_records(&replaced.into_iter().map(|(id, _)| id).collect::<Vec<_>>())
    }

    /// Says, durably, which snapshots stay when others go: manifests name the one before them, and a removal
    /// takes these names along. Replaces earlier records that say so. The caller holds the lock alone.
    ///
    /// # Errors
    /// As [`Repository::record_removal`].
    pub fn record_kept(&self, snapshots: &[SnapshotId], now: Timestamp) -> Result<()> {
        let replaced: Vec<RecordId> =
            self.read_records()?.into_iter().filter(|(_, record)| record.record_type == KEPT).map(|(id, _)| id).collect();
        let mut snapshots = snapshots.to_vec();
        snapshots.sort_unstable();
        for part in parts(&snapshots) {
            self.publish_kept(part, now)?;
        }
        self.remove_records(&replaced)
    }

    /// Says, durably, that `snapshots` were there: whoever misses one from now on knows that it was lost. The caller
    /// holds the lock.
    ///
    /// # Errors
    /// As [`Repository::record_removal`].
    pub fn record_presence(&self, snapshots: &[SnapshotId], now: Timestamp) -> Result<()> {
        let known = self.read_facts()?;
        let new: Vec<SnapshotId> = snapshots.iter().filter(|id| !known.kept().contains(id)).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        // Whoever wrote them may have died before its own sync; that a power cut takes one back is no loss.
        self.objects.storage().sync(&[layout::SNAPSHOTS.to_owned()])?;
        self.publish_presence(new, now)
    }

    fn publish_presence(&self, mut snapshots: Vec<SnapshotId>, now: Timestamp) -> Result<()> {
        snapshots.sort_unstable();
        let records = self.read_records()?.into_iter().filter(|(_, record)| record.record_type == KEPT);
        let mut untrue = Vec::new();
        for (id, record) in records {
            // That nothing stayed holds no longer.
            if wire::decode::<Kept>(&record.payload, "a record of snapshots that stayed")?.snapshots.is_empty() {
                untrue.push(id);
            }
        }
        snapshots.chunks(PART_IDS).try_for_each(|part| self.publish_kept(part, now))?;
        self.remove_records(&untrue)
    }

    fn publish_kept(&self, snapshots: &[SnapshotId], now: Timestamp) -> Result<()> {
        let payload = wire::encode(&Kept { snapshots: snapshots.to_vec() });
        with_reserve(&**self.objects.storage(), || self.publish_pairs(vec![(KEPT, payload.clone())], now))
    }

    /// Takes back that snapshots were removed which are there, because they were put back or their removal was cut
    /// short, and says that they are there. What is there counts, not what was said of it. The caller holds the
    /// lock, and removes nothing.
    ///
    /// # Errors
    /// As [`Repository::record_removal`].
    pub fn recant_removals(&self, now: Timestamp) -> Result<()> {
        let removed = self.read_facts()?.removed;
        if removed.is_empty() {
            return Ok(());
        }
        let mut back = self.objects.list_snapshots()?;
        back.retain(|id| removed.contains(id));
        if back.is_empty() {
            return Ok(());
        }
        // Also where a record names them: it may be about to go.
        self.publish_presence(back, now)?;
        self.record_removal(&[], now)
    }

    /// Removes tags, pins and tombstones of snapshots that were removed on purpose and are gone. Says how
    /// many. The caller holds the lock alone, and has made the removal of the manifests durable.
    ///
    /// # Errors
    /// Those of the storage; `Damaged` when a record cannot be read.
    pub fn remove_needless_marks(&self) -> Result<u64> {
        let listed: BTreeSet<SnapshotId> = self.objects.list_snapshots()?.into_iter().collect();
        let records = self.read_records()?;
        let newest_counter = records.iter().map(|(_, record)| record.counter).max();
        let (mut removed, mut needless) = (BTreeSet::new(), find_outlived(&records));
        for (_, record) in records.iter().filter(|(_, record)| record.record_type == REMOVED) {
            removed.extend(wire::decode::<Removed>(&record.payload, "a record of removed snapshots")?.snapshots);
        }
        for (id, record) in &records {
            // The newest stays in any case: counters must not fall.
            let is_gone = subject(record)?.is_some_and(|snapshot| removed.contains(&snapshot) && !listed.contains(&snapshot));
            if is_gone && !needless.contains(id) && Some(record.counter) != newest_counter {
                needless.push(*id);
            }
        }
        let count = needless.len() as u64;
        self.remove_records(&needless)?;
        Ok(count)
    }

    fn read_records(&self) -> Result<Vec<(RecordId, Record)>> {
        let listed = read_listed(&**self.objects.storage(), self.objects.keys())?;
        listed.into_iter().map(|(id, record)| record.map(|record| (id, record))).collect()
    }

    /// Every record that is listed, or why it cannot be read, in no order.
    ///
    /// # Errors
    /// Those of listing.
    pub fn read_each_record(&self) -> Result<Vec<(RecordId, Result<Record>)>> {
        read_listed(&**self.objects.storage(), self.objects.keys())
    }

    /// Removes records that nobody needs any more, durably. One that is gone already is no error. The caller holds the lock
    /// alone, and leaves the one with the newest counter: counters must not fall.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn remove_records(&self, records: &[RecordId]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        // Another run may have removed it at the same moment.
        records.iter().try_for_each(|id| match self.objects.storage().remove(&layout::record_name(id)) {
            Err(error) if error.is_not_found() => Ok(()),
            removed => removed,
        })?;
        self.objects.storage().sync(&[layout::RECORDS.to_owned()])
    }
}

/// What each record names: one that names nothing is written too, because it carries the counter.
fn parts(ids: &[SnapshotId]) -> Vec<&[SnapshotId]> {
    if ids.is_empty() { vec![ids] } else { ids.chunks(PART_IDS).collect() }
}
