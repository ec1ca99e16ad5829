//! The questions that are asked of all snapshots at once, answered in memory.
//!
//! The catalog only fills a listing faster than the sealed manifests do. As both ways end in this
//! one structure, a command gives the same answers with and without a catalog.

use std::collections::HashSet;

use super::record_row::RecordRow;
use super::summary::{Summary, series_key};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RecordId, SnapshotId, check_prefix};
use crate::manifest::Kind;

/// The truth that a catalog is compared with: what lies in the repository now, and how to read it.
pub struct Sealed<'a> {
    /// The manifests that were listed, in any order.
    pub snapshots: &'a [SnapshotId],
    /// The records that were listed, in any order.
    pub records: &'a [RecordId],
    /// Says what is asked for next, so that a storage far away can be asked for all of it at once.
    pub expect: &'a dyn Fn(&[SnapshotId], &[RecordId]),
    /// Reads and unseals one manifest.
    pub load_manifest: &'a mut dyn FnMut(SnapshotId) -> Result<Summary>,
    /// Reads and unseals one record.
    pub load_record: &'a mut dyn FnMut(RecordId) -> Result<RecordRow>,
}

/// Objects that are listed but could not be read, and why. The rest was used.
#[derive(Debug, Default)]
pub struct Skipped {
    /// Manifests.
    pub snapshots: Vec<(SnapshotId, Error)>,
    /// Records.
    pub records: Vec<(RecordId, Error)>,
}

/// Summaries, and records under their ids.
pub(super) type Rows = (Vec<Summary>, Vec<(RecordId, RecordRow)>);

/// All snapshots that could be read, oldest first, and all records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    summaries: Vec<Summary>,
    records: Vec<(RecordId, RecordRow)>,
    /// Listed, but nothing is known of them: their manifests cannot be read.
    unreadable: Vec<SnapshotId>,
}

impl Listing {
    /// A listing of these snapshots and records, given in any order.
    pub fn new(mut summaries: Vec<Summary>, mut records: Vec<(RecordId, RecordRow)>) -> Self {
        summaries.sort_by_key(Summary::order);
        summaries.dedup_by_key(|summary| summary.id);
        records.sort_by_key(|(id, row)| (row.counter, *id));
        records.dedup_by_key(|(id, _)| *id);
        Self { summaries, records, unreadable: Vec::new() }
    }

    /// The same, with snapshots that are there and of which nothing is known.
    #[must_use]
    pub fn with_unreadable(self, mut unreadable: Vec<SnapshotId>) -> Self {
        unreadable.sort_unstable();
        Self { unreadable, ..self }
    }

    /// The same without what was skipped.
    #[must_use]
    pub fn without(self, skipped: &Skipped) -> Self {
        let snapshots: HashSet<_> = skipped.snapshots.iter().map(|(id, _)| *id).collect();
        let records: HashSet<_> = skipped.records.iter().map(|(id, _)| *id).collect();
        let Self { mut summaries, records: mut rows, unreadable } = self;
        summaries.retain(|summary| !snapshots.contains(&summary.id));
        rows.retain(|(id, _)| !records.contains(id));
        Self { summaries, records: rows, unreadable }
    }

    /// Snapshots that are there and of which nothing is known, because their manifests cannot be read.
    pub fn unreadable(&self) -> &[SnapshotId] {
        &self.unreadable
    }

    /// Reads everything that is listed from the sealed objects.
    ///
    /// # Errors
    /// `Interrupted`; whatever else cannot be read is skipped.
    pub fn load(sealed: &mut Sealed<'_>, skipped: &mut Skipped) -> Result<Self> {
        let (snapshots, records) = (sealed.snapshots.to_vec(), sealed.records.to_vec());
        Self::load_some(&snapshots, &records, sealed, skipped)
    }

    /// Reads these objects.
    pub(super) fn load_some(
        snapshots: &[SnapshotId],
        records: &[RecordId],
        sealed: &mut Sealed<'_>,
        skipped: &mut Skipped,
    ) -> Result<Self> {
        let (mut summaries, mut rows) = (Vec::new(), Vec::new());
        (sealed.expect)(snapshots, records);
        for id in snapshots {
            match (sealed.load_manifest)(*id) {
                Ok(summary) => summaries.push(summary),
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => skipped.snapshots.push((*id, error)),
            }
        }
        for id in records {
            match (sealed.load_record)(*id) {
                Ok(row) => rows.push((*id, row)),
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => skipped.records.push((*id, error)),
            }
        }
        Ok(Self::new(summaries, rows))
    }

    /// All snapshots by (counter, time of commit), oldest first.
    pub fn summaries(&self) -> &[Summary] {
        &self.summaries
    }

    /// All records by (counter, id).
    pub fn records(&self) -> &[(RecordId, RecordRow)] {
        &self.records
    }

    /// The rows alone.
    pub(super) fn into_rows(self) -> Rows {
        (self.summaries, self.records)
    }

    /// The summary of one snapshot.
    pub fn get(&self, id: &SnapshotId) -> Option<&Summary> {
        self.summaries.iter().find(|summary| summary.id == *id)
    }

    /// The newest snapshot of a series.
    pub fn newest(&self, series: &str) -> Option<&Summary> {
        self.of_series(series).next()
    }

    /// The newest full snapshot of a series.
    pub fn newest_full(&self, series: &str) -> Option<&Summary> {
        self.of_series(series).find(|summary| summary.kind == Kind::Full)
    }

    /// The snapshots of a series, newest first.
    pub fn of_series(&self, series: &str) -> impl Iterator<Item = &Summary> {
        let key = series_key(series).into_owned();
        self.summaries.iter().rev().filter(move |summary| summary.series == key)
    }

    /// The one snapshot whose id begins with `hex`.
    ///
    /// # Errors
    /// `NotFound`; `Damaged` when it cannot be read; `Invalid` when it is not lower-case hexadecimal, too short,
    /// or fits several snapshots.
    pub fn find_prefix(&self, hex: &str) -> Result<&Summary> {
        let is_hex = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex.is_empty() || hex.len() > SnapshotId::BYTES * 2 || !is_hex {
            return Err(Error::new(ErrorKind::Invalid, format!("`{}` is not the id of a snapshot", hex.escape_debug())));
        }
        check_prefix(hex)?;
        let found: Vec<&Summary> = self.summaries.iter().filter(|summary| summary.id.to_string().starts_with(hex)).collect();
        let damaged: Vec<&SnapshotId> = self.unreadable.iter().filter(|id| id.to_string().starts_with(hex)).collect();
        match (&found[..], &damaged[..]) {
            ([], []) => Err(Error::new(ErrorKind::NotFound, format!("there is no snapshot {hex}"))),
            ([summary], []) => Ok(summary),
            ([], [id]) => Err(Error::new(ErrorKind::Damaged, format!("snapshot {} cannot be read", id.short()))),
            _ => Err(Error::new(ErrorKind::Invalid, format!("{} snapshots begin with {hex}", found.len() + damaged.len()))),
        }
    }

    /// Whether this is exactly what is listed but for what was skipped.
    pub(super) fn is_all_of(&self, sealed: &Sealed<'_>, skipped: &Skipped) -> bool {
        let mut snapshots: HashSet<_> = sealed.snapshots.iter().copied().collect();
        let mut records: HashSet<_> = sealed.records.iter().copied().collect();
        snapshots.retain(|id| skipped.snapshots.iter().all(|(skipped, _)| skipped != id));
        records.retain(|id| skipped.records.iter().all(|(skipped, _)| skipped != id));
        snapshots == self.summaries.iter().map(|summary| summary.id).collect()
            && records == self.records.iter().map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::summary;
    use super::*;

    #[test]
    fn the_newest_goes_by_counter_and_series() {
        let rows = vec![summary(3, "a", Kind::Incremental), summary(1, "a", Kind::Full), summary(2, "b", Kind::Full)];
        let listing = Listing::new(rows.clone(), Vec::new());
        assert_eq!(listing.summaries().iter().map(|row| row.counter).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(listing.newest("a"), Some(&rows[0]));
        assert_eq!(listing.newest_full("a"), Some(&rows[1]));
        assert_eq!(listing.newest_full("b"), Some(&rows[2]));
        assert_eq!(listing.newest("c"), None);
        assert_eq!(listing.get(&rows[1].id), Some(&rows[1]));
    }

    #[test]
    fn a_prefix_finds_one_snapshot_or_says_why_not() {
        let mut rows = vec![summary(1, "a", Kind::Full), summary(2, "a", Kind::Full)];
        rows[0].id = SnapshotId([0xab; 32]);
        rows[1].id = SnapshotId([0xac; 32]);
        rows[1].id.0[0] = 0xab;
        rows[1].id.0[1] = 0xab;
        let damaged = SnapshotId([0xad; 32]);
        let listing = Listing::new(rows, Vec::new()).with_unreadable(vec![damaged]);
        assert_eq!(listing.find_prefix("ababab").unwrap().counter, 1);
        assert_eq!(listing.find_prefix("ababac").unwrap().counter, 2);
        let kind = |hex: &str| listing.find_prefix(hex).unwrap_err().kind();
        assert_eq!(kind("abab"), ErrorKind::Invalid, "two");
        assert_eq!(kind("bbbb"), ErrorKind::NotFound);
        assert_eq!(kind("adad"), ErrorKind::Damaged);
        assert_eq!(kind("bbb"), ErrorKind::Invalid, "too short");
        assert_eq!(kind(""), ErrorKind::Invalid);
        assert_eq!(kind("AB"), ErrorKind::Invalid);
        assert_eq!(kind(&"ab".repeat(33)), ErrorKind::Invalid);
    }
}
