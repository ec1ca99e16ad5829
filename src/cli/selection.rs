//! What `SNAP[:PATH]` means on the command line, and which snapshots a list is about.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::exit::Status;
use super::message;
use super::snapshot::SnapshotKind;
use crate::browse::SnapshotFilter;
use crate::catalog::Listing;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SnapshotId;
use crate::repository::{Repository, is_future};
use crate::units::{PathText, Timestamp};

/// How help texts explain a snapshot.
pub const SNAPSHOT_HELP: &str = "The beginning of an id (4 digits or more), `latest`, `latest~2` (two before it) or `latest@SERIES`";

/// A snapshot, and a path in it where one was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The snapshot.
    pub id: SnapshotId,
    /// What stands behind the colon.
    pub path: Option<Vec<u8>>,
}

/// Reads `SNAP` or `SNAP:PATH`.
///
/// The name of a series may have colons in it, so of `latest@SERIES:PATH` the longest series that
/// exists is meant.
///
/// # Errors
/// `NotFound`, `Invalid`.
pub fn select(repository: &Repository, listing: &Listing, argument: &OsStr) -> Result<Selected> {
    let (bytes, now) = (argument.as_bytes(), Timestamp::now());
    warn_of_future(listing, bytes, now);
    let snapshot = |name: &[u8]| {
        let name =
            std::str::from_utf8(name).map_err(|_| Error::new(ErrorKind::Invalid, format!("`{}` names no snapshot", PathText(name))))?;
        repository.select(listing, name, now)
    };
    let at = |colon: usize| {
        let path = Some(bytes[colon + 1..].to_vec()).filter(|path| !path.is_empty());
        snapshot(&bytes[..colon]).map(|id| Selected { id, path })
    };
    let colons: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b':').collect();
    let Some(first) = colons.first() else {
        return snapshot(bytes).map(|id| Selected { id, path: None });
    };
    if bytes.starts_with(b"latest") && bytes[..*first].contains(&b'@') {
        // Whether a series exists is asked of what can be read: what cannot be may be of any.
        let whole = snapshot(bytes).map(|id| Selected { id, path: None });
        let tried = std::iter::once(whole).chain(colons.iter().rev().map(|colon| at(*colon)));
        let mut damage = None;
        for selected in tried {
            match selected {
                Err(error) if error.kind() == ErrorKind::Damaged => damage = damage.or(Some(error)),
                Err(_) => {}
                found => return found,
            }
        }
        if let Some(error) = damage {
            return Err(error);
        }
    }
    at(*first)
}

/// The snapshots of a list of names, each once.
///
/// # Errors
/// As [`select`]; then none of them is meant.
pub fn select_all(repository: &Repository, listing: &Listing, names: &[String]) -> Result<Vec<SnapshotId>> {
    let (mut ids, now) = (Vec::new(), Timestamp::now());
    for name in names {
        warn_of_future(listing, name.as_bytes(), now);
        let id = repository.select(listing, name, now)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// How a command ends that was asked about all snapshots: one that cannot be read is missing from the answer.
pub fn status_of(listing: &Listing) -> Status {
    if listing.unreadable().is_empty() { Status::Good } else { Status::Damage }
}

/// Says that `latest` passes over snapshots: either their clock was wrong, or the one of this machine is.
fn warn_of_future(listing: &Listing, name: &[u8], now: Timestamp) {
    let future = listing.summaries().iter().filter(|summary| is_future(summary, now)).count();
    if future > 0 && name.starts_with(b"latest") {
        message::warn(format_args!(
            "{future} snapshots have a time in the future, and none of them is taken for the latest; is the clock right?"
        ));
    }
}

/// Which snapshots are wanted.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Filters {
    /// Only snapshots of this series (may be repeated)
    #[arg(long, value_name = "SERIES")]
    series: Vec<String>,

    /// Only snapshots of this machine (may be repeated)
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,

    /// Only snapshots with this tag (may be repeated: with all of them)
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,

    /// Only snapshots that saved this absolute path, or something above or below it (may be repeated)
    #[arg(long, value_name = "PATH")]
    path: Vec<std::ffi::OsString>,

    /// Only snapshots of this kind (may be repeated)
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Vec<SnapshotKind>,

    /// Only so many of the newest of them
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

impl From<Filters> for SnapshotFilter {
    fn from(filters: Filters) -> Self {
        SnapshotFilter {
            ids: Vec::new(),
            series: filters.series,
            hosts: filters.host,
            tags: filters.tag,
            paths: filters.path.iter().map(|path| path.as_bytes().to_vec()).collect(),
            kinds: filters.kind.into_iter().map(SnapshotKind::kind).collect(),
            last: filters.last,
        }
    }
}
