//! Writes records twice (see `paired`), and the second again where it is lost.

use super::paired::{as_begun, with_pair};
use super::records::publish_record;
use crate::error::Result;
use crate::id::RecordId;
use crate::manifest::Record;
use crate::pack::KeyRing;
use crate::repository::{Repository, layout};
use crate::storage::Storage;
use crate::units::Timestamp;

/// Publishes each of `records` twice, durable with its name, in a repository that nobody has opened yet.
///
/// # Errors
/// Those of the storage.
pub(in crate::repository) fn publish_new_pair(storage: &dyn Storage, keys: &KeyRing, record: Record) -> Result<()> {
    let record = with_pair(record)?;
    publish_record(storage, keys, &record)?;
    publish_record(storage, keys, &record).map(drop)
}

impl Repository {
    /// Publishes records, in this order and each twice, durable with their names. After an error some of them may
    /// be there. The caller holds the lock.
    ///
    /// # Errors
    /// As [`Repository::publish_record`].
    pub fn publish_pairs(&self, records: Vec<(u16, Vec<u8>)>, time: Timestamp) -> Result<()> {
        let records = self.number_records(records, time)?.into_iter().map(with_pair).collect::<Result<Vec<Record>>>()?;
        let begun = |record: &Record| publish_record(&**self.objects.storage(), self.objects.keys(), &as_begun(record));
        let begun = records.iter().map(begun).collect::<Result<Vec<RecordId>>>()?;
        for record in records.iter().flat_map(|record| [record, record]) {
            publish_record(&**self.objects.storage(), self.objects.keys(), record)?;
        }
        // Where a crash brings them back, they say nothing new.
        begun.iter().try_for_each(|id| self.objects.storage().remove(&layout::record_name(id)))
    }

    /// The records that lost the one that says the same. Read twice, because another program may be writing two.
    ///
    /// # Errors
    /// As [`Repository::read_facts`].
    pub fn settled_lone_records(&self) -> Result<Vec<Record>> {
        let mut lone = self.facts().lone_records().to_vec();
        if !lone.is_empty() {
            let now = self.read_facts()?;
            lone.retain(|record| now.lone_records().contains(record));
        }
        Ok(lone)
    }

    /// Writes the second of each lone record again, also where the records refuse all other writing. Says how
    /// many. The caller holds the lock alone.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn restore_lone_records(&self) -> Result<u64> {
        let lone = self.facts().lone_records();
        lone.iter().try_for_each(|record| publish_record(&**self.objects.storage(), self.objects.keys(), record).map(drop))?;
        Ok(lone.len() as u64)
    }
}
