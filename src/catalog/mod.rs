//! This machine's view of manifests and records, in sled: fast to ask, and never the only copy of
//! anything.
//!
//! Everything here can be made again from the sealed objects, and nothing here is trusted: each open
//! compares the database with what is listed in the repository and heals it, and any failure ends in
//! reading the sealed objects instead. So the whole surface for most callers is [`load`], which
//! cannot fail because of the catalog, and [`add`] after a commit. Both open the database briefly,
//! because one process at a time may have it.

mod database;
mod guard;
mod key;
mod listing;
mod open;
mod place;
mod reconcile;
mod record_row;
mod row;
mod state;
mod summary;
mod verify;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use listing::{Listing, Sealed, Skipped};
pub use open::Catalog;
pub use reconcile::Reconciled;
pub use record_row::RecordRow;
pub use summary::{Summary, series_key};
pub use verify::{Difference, Object};

use crate::error::{Error, ErrorKind, Result};
use crate::id::RepositoryId;

/// What [`load`] gives.
#[derive(Debug)]
pub struct Loaded {
    /// All snapshots and records that could be read.
    pub listing: Listing,
    /// What is listed but could not be read.
    pub skipped: Skipped,
    /// The rows of a catalog gave it: an object that has a row may be damaged by now.
    pub is_of_catalog: bool,
    /// Why the catalog was of no use, if it was not; the listing is right all the same. `Busy` is
    /// ordinary: another process has it.
    pub catalog_error: Option<Error>,
}

/// Lists all snapshots and records: through the catalog in `folder`, or without one. The answers
/// are the same.
///
/// # Errors
/// `Interrupted`, from the loading functions. A manifest or record that cannot be read is skipped.
pub fn load(folder: Option<&Path>, repository: RepositoryId, sealed: &mut Sealed<'_>) -> Result<Loaded> {
    let mut catalog_error = None;
    if let Some(folder) = folder {
        // The second try finds a fresh database where the first one was given up.
        for _ in 0..2 {
            match load_through(folder, repository, sealed) {
                Ok(loaded) => return Ok(loaded),
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(error) => {
                    let may_heal = error.kind() == ErrorKind::Damaged;
                    catalog_error = Some(error);
                    if !may_heal {
                        break;
                    }
                }
            }
        }
    }
    let mut skipped = Skipped::default();
    let listing = Listing::load(sealed, &mut skipped)?;
    Ok(Loaded { listing, skipped, is_of_catalog: false, catalog_error })
}

fn load_through(folder: &Path, repository: RepositoryId, sealed: &mut Sealed<'_>) -> Result<Loaded> {
    let mut catalog = Catalog::open(folder, repository)?;
    let reconciled = catalog.reconcile(sealed)?;
    let listing = catalog.listing()?;
    if !listing.is_all_of(sealed, &reconciled.skipped) {
        catalog.quarantine();
        return Err(Error::damaged("the catalog", "it holds other snapshots than it says"));
    }
    // The listing is right by now; what fails from here on only costs the catalog.
    let mut settle = || {
        if reconciled.has_written() {
            catalog.flush()?;
            catalog.compact_where_due()?;
        }
        Ok(())
    };
    let catalog_error = settle().err();
    Ok(Loaded { listing, skipped: reconciled.skipped, is_of_catalog: true, catalog_error })
}

/// Tells the catalog of a snapshot that was just committed, durably.
///
/// # Errors
/// `Busy` when another process has the catalog, and whatever goes wrong in it. None of them matters
/// to the snapshot: the next [`load`] finds it in the listing.
pub fn add(folder: &Path, repository: RepositoryId, summary: &Summary) -> Result<()> {
    let mut catalog = Catalog::open(folder, repository)?;
    catalog.insert(summary)?;
    catalog.flush()
}
