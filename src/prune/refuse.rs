//! Why nothing is removed, in words that say what to do.

use crate::error::{Error, ErrorKind};
use crate::id::SnapshotId;

/// The manifest of a snapshot cannot be read that nobody has forgotten: rules would count the others as if it were not
/// there, and what it needs is unknown.
pub(super) fn refuse_unreadable(id: &SnapshotId, error: Error) -> Error {
    let hint = format!("run `repo repair`, or `repo forget {}`", id.short());
    error.context(format!("snapshot {} cannot be read, so nothing is removed", id.short())).with_hint(hint)
}

/// The rules counted a snapshot which somebody has forgotten since, or which is gone: they would keep another one.
pub(super) fn refuse_stale(id: &SnapshotId, is_gone: bool) -> Error {
    let became = if is_gone { "removed" } else { "forgotten" };
    let message = format!("snapshot {} was {became} after the rules had counted it, so nothing was removed", id.short());
    Error::new(ErrorKind::Changed, message).with_hint("run it again")
}

/// Other machines may not see that a prune is at work.
pub(super) fn refuse_unseen_locks(file_system: &str) -> Error {
    let message = format!(
        "the repository lies on a network file system ({file_system}), where a lock may not be seen by other machines; \
         make sure that no snapshot runs there, and give --alone"
    );
    Error::new(ErrorKind::Invalid, message)
}

/// An error about a snapshot that stays.
pub(super) fn refuse_unknown(id: &SnapshotId, error: Error) -> Error {
    error.context(format!("what snapshot {} needs cannot be read, so nothing is removed", id.short()))
}

/// An error about something that a snapshot needs which stays.
pub(super) fn refuse_some(error: Error) -> Error {
    error.context("what the snapshots that stay need cannot be read, so nothing is removed")
}

/// There are packs where no snapshot is there and no record says that none was to stay.
pub(super) fn refuse_emptiness(packs: usize) -> Error {
    let message = format!(
        "there is no snapshot, but there are {packs} packs, and no record says that all snapshots were removed; nothing is removed"
    );
    Error::new(ErrorKind::Damaged, message).with_hint(
        "put the folder snapshots/ back from another copy of the repository; if there never was a snapshot, or they are lost for \
         good, run this once with --accept-rollback",
    )
}

/// Pages are lost that snapshots need.
///
/// Not even snapshots go: it would free nothing, and one of them may be the last that still names, whole,
/// what the lost pages named.
pub(super) fn refuse_lost_pages(pages: u64) -> Error {
    let message = format!(
        "{pages} pages of trees that the remaining snapshots need are lost, and what lies below them is unknown, so nothing is \
         removed (`repo check` names the paths)"
    );
    Error::new(ErrorKind::Damaged, message).with_hint(
        "put the lost packs back from another copy and run `repo repair`, or take a snapshot of a source that still has these \
         folders, or forget the snapshots that need them; or give --accept-loss, and what only these pages named is freed for good",
    )
}
