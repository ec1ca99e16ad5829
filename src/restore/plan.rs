//! What a restore is going to do, before anything is done.
//!
//! A snapshot may have ten million files, so no list of them is ever made: a plan is what was asked for, found in the
//! snapshot, and the files are planned in windows of bounded size while others are written. What would become of each
//! entry is told by the same walk with the same decisions, when a plan is handed to [`foresee`](super::foresee).
//! `docs/decisions/0014-a-restore-is-planned-by-windows.md` has the reasons.

use super::place;
use super::request::Request;
use super::start::Start;
use crate::cancel::check_cancelled;
use crate::error::Result;
use crate::manifest::Manifest;
use crate::progress::Progress;
use crate::repository::ChunkReader;

/// A snapshot that is open: what a restore reads, and all that it needs of a repository.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    /// Reads its chunks.
    pub reader: &'a ChunkReader,
    /// Its manifest.
    pub manifest: &'a Manifest,
}

/// What is restored, where it begins in the snapshot, and how. It changes nothing and holds nothing in the destination.
pub struct Plan<'a> {
    pub(super) snapshot: Snapshot<'a>,
    pub(super) request: &'a Request<'a>,
    pub(super) start: Start,
}

/// Finds what `request` asks for in `snapshot`, and refuses a destination that nothing may be restored into.
///
/// # Errors
/// `NotFound` when the snapshot does not have the path; `Invalid` for a destination in a repository, or that is
/// protected; `Damaged` when a tree on the way cannot be read; `Interrupted`.
pub fn plan<'a>(snapshot: &Snapshot<'a>, request: &'a Request<'a>, progress: &dyn Progress) -> Result<Plan<'a>> {
    check_cancelled(progress)?;
    // Before anything else: nothing may be made in a repository.
    place::check(&request.destination, &request.protected)?;
    let start = Start::find(snapshot.reader, snapshot.manifest, request)?;
    Ok(Plan { snapshot: *snapshot, request, start })
}
