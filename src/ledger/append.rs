//! Adds an entry.

use crate::error::Result;
use crate::manifest::{LEDGER, LedgerEntry, LedgerPage};
use crate::progress::Progress;
use crate::repository::{Repository, with_reserve};
use crate::storage::LockMode;
use crate::units::Timestamp;
use crate::wire::Extensions;

/// Of the text of a step more is not kept: an entry must fit a record whatever a tool complains about.
const MESSAGE_BYTES_MAX: usize = 4 << 10;

/// Adds `entry`, durably. Waits for the lock as `progress` says.
///
/// # Errors
/// As [`Repository::publish_record`], and of the lock.
pub fn append(repository: &Repository, mut entry: LedgerEntry, now: Timestamp, progress: &dyn Progress) -> Result<()> {
    for step in &mut entry.steps {
        if step.message.len() > MESSAGE_BYTES_MAX {
            let end = (0..=MESSAGE_BYTES_MAX).rev().find(|at| step.message.is_char_boundary(*at)).unwrap_or_default();
            step.message.truncate(end);
            step.message.push('…');
        }
    }
    let _lock = repository.wait_for_lock(LockMode::Shared, progress)?;
    let page = LedgerPage { entries: vec![entry], extensions: Extensions::none() };
    // What keeps a disk from being written to any more is what its owner must hear of.
    with_reserve(&**repository.storage(), || repository.publish_record(LEDGER, page.encode(), now).map(drop))
}
