//! Reads all entries.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::id::{RecordId, RunId};
use crate::manifest::{LEDGER, LedgerEntry, LedgerPage};
use crate::repository::Repository;

/// All entries of a ledger.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The entries, in the order in which they began.
    pub entries: Vec<LedgerEntry>,
    /// Records of the ledger that cannot be read: what they told is not known.
    pub unreadable: Vec<(RecordId, Error)>,
    /// How many records the entries stand in.
    pub records: usize,
}

impl Ledger {
    /// The entries of one job, the newest first.
    pub fn of_job<'l>(&'l self, job: &'l str) -> impl Iterator<Item = &'l LedgerEntry> {
        self.entries.iter().rev().filter(move |entry| entry.job == job)
    }
}

/// Reads all entries of the ledger.
///
/// # Errors
/// Those of the storage.
pub fn read(repository: &Repository) -> Result<Ledger> {
    let mut ledger = Ledger::default();
    let mut by_run: HashMap<RunId, LedgerEntry> = HashMap::new();
    for (id, record) in repository.read_each_record()? {
        let page = match record {
            Ok(record) if record.record_type != LEDGER => continue,
            // What cannot be read may have been one of them.
            record => record.and_then(|record| LedgerPage::decode(&record.payload)),
        };
        match page {
            Ok(page) => {
                ledger.records += 1;
                by_run.extend(page.entries.into_iter().map(|entry| (entry.run, entry)));
            }
            Err(error) => ledger.unreadable.push((id, error)),
        }
    }
    ledger.entries = by_run.into_values().collect();
    ledger.entries.sort_by_key(|entry| (entry.begun_at, entry.run));
    Ok(ledger)
}
