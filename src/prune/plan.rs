//! What a prune is going to do, before anything is done.

use jiff::tz::TimeZone;

use super::decision::Decisions;
use super::look::look;
use super::request::Request;
use crate::cancel::check_cancelled;
use crate::error::Result;
use crate::progress::Progress;
use crate::repository::Repository;

/// What goes and what stays, as it was decided. It holds no lock, so a front may show it for as long as it likes: what has
/// a reason to stay by the time when it is carried out stays, and nothing goes that was not to go here.
///
/// What becomes of the packs depends on what snapshots add until then: [`foresee`](super::foresee) says what would, now.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) request: Request,
    pub(super) zone: TimeZone,
    pub(super) decisions: Decisions,
}

impl Plan {
    /// What becomes of each snapshot, and why.
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }
}

/// Decides what becomes of each snapshot.
///
/// # Errors
/// `Damaged` when the manifest of one cannot be read that nobody has forgotten, or when snapshots are missing that
/// nobody removed; `Invalid` when the clock is behind or the rules make no sense; `NotFound` for a series that is not
/// there; `Interrupted`; those of the storage.
pub fn plan(repository: &Repository, request: &Request, progress: &dyn Progress) -> Result<Plan> {
    check_cancelled(progress)?;
    let zone = TimeZone::system();
    // A run that goes on may be the first of the repository, so that there is nothing says nothing yet.
    let decisions = look(repository, request, None, false, &zone)?.decisions;
    Ok(Plan { request: request.clone(), zone, decisions })
}
