//! From the databases of a configuration to the profiles that hold them.

use std::time::Duration;

use super::context::Context;
use crate::catalog::Listing;
use crate::config::{Database, DatabaseKind, Floor, Job};
use crate::databases::{Chain, Dump, Profile, Sqlite};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::SavedDatabase;

/// The profiles of `job`, in its order.
///
/// # Errors
/// `Invalid` for a kind or a way that is not known here.
pub(super) fn profiles(context: &Context<'_>, job: &Job, listing: &Listing) -> Result<Vec<Box<dyn Profile>>> {
    // What was saved last says how small is too small.
    let last = match listing.newest(&job.name) {
        Some(summary) => context.repository.objects().read_manifest(&summary.id)?.databases()?,
        None => Vec::new(),
    };
    job.databases.iter().map(|database| profile(database, &last)).collect()
}

fn profile(database: &Database, last: &[SavedDatabase]) -> Result<Box<dyn Profile>> {
    let limit = database.timeout.filter(|limit| limit.0 > 0).map(|limit| Duration::from_secs(limit.0));
    match database.kind {
        DatabaseKind::Sqlite => {
            let path = database.path.clone().unwrap_or_default();
            Ok(Box::new(Sqlite::new(&database.name, path)))
        }
        DatabaseKind::Command => {
            let chain = match &database.shell {
                Some(line) => Chain::shell(line),
                None => Chain::new(database.run.clone()),
            };
            let file = database.file.clone().unwrap_or_else(|| database.name.clone());
            let dump = Dump::new(&database.name, file, chain?).time_limit(limit);
            let last = last.iter().find(|saved| saved.account.name == database.name).map(|saved| saved.account.bytes);
            Ok(Box::new(match (database.floor, last) {
                (Some(Floor::Bytes(bytes)), _) => dump.floor(bytes),
                (Some(Floor::OfLast(hundredths)), Some(last)) => dump.floor_of_last(hundredths, last),
                _ => dump,
            }))
        }
        kind => {
            let message = format!("databases of type \"{}\" cannot be saved yet; use a `command`", kind.name());
            Err(Error::new(ErrorKind::Invalid, message))
        }
    }
}
