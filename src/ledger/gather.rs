//! Gathers the entries of many small records into few pages.

use std::collections::HashSet;

use crate::error::Result;
use crate::id::{RecordId, RunId};
use crate::manifest::{LEDGER, LedgerEntry, LedgerPage};
use crate::repository::Repository;
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

/// So many records are gathered; below that their reading costs nothing that anybody notices.
pub const GATHER_AT: usize = 64;
/// A page has at most this many bytes of entries, well below what a record may say.
const PAGE_BYTES_MAX: usize = 512 << 10;
/// A page of at least this many bytes stays as it is.
const FULL_PAGE_BYTES: usize = 256 << 10;

/// Writes the entries of small records of the ledger again as few pages, and then removes those records. Where fewer than
/// `at` are small, nothing is done. Says how many records went. The caller holds the lock alone. A crash in between leaves
/// entries twice, which count once.
///
/// # Errors
/// Those of the storage.
pub fn gather(repository: &Repository, at: usize, now: Timestamp) -> Result<usize> {
    let small = find_small(repository)?;
    if small.len() < at.max(2) {
        return Ok(0);
    }
    let (mut seen, mut entries): (HashSet<RunId>, Vec<LedgerEntry>) = Default::default();
    let mut names = Vec::with_capacity(small.len());
    for (id, page) in small {
        names.push(id);
        entries.extend(page.entries.into_iter().filter(|entry| seen.insert(entry.run)));
    }
    entries.sort_by_key(|entry| (entry.begun_at, entry.run));
    let (mut pages, mut page, mut page_bytes) = (Vec::new(), Vec::new(), 0);
    for entry in entries {
        let bytes = wire::encode(&entry).len();
        if page_bytes + bytes > PAGE_BYTES_MAX && !page.is_empty() {
            pages.push(std::mem::take(&mut page));
            page_bytes = 0;
        }
        page_bytes += bytes;
        page.push(entry);
    }
    pages.push(page);
    let encode = |entries| (LEDGER, LedgerPage { entries, extensions: Extensions::none() }.encode());
    repository.publish_records(pages.into_iter().map(encode).collect(), now)?;
    // What was published is durable with its name.
    repository.remove_records(&names)?;
    Ok(names.len())
}

/// The records of the ledger that are worth gathering. One that cannot be read stays.
fn find_small(repository: &Repository) -> Result<Vec<(RecordId, LedgerPage)>> {
    let mut small = Vec::new();
    for (id, record) in repository.read_each_record()? {
        let Ok(record) = record else { continue };
        if record.record_type == LEDGER
            && record.payload.len() < FULL_PAGE_BYTES
            && let Ok(page) = LedgerPage::decode(&record.payload)
        {
            small.push((id, page));
        }
    }
    Ok(small)
}
