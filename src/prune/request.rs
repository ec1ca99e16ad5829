//! What a prune is asked to do.

use crate::id::SnapshotId;
use crate::retention::KeepPolicy;
use crate::units::Timestamp;

/// Rules, and what they are applied to.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What is kept. An empty policy keeps everything that is not forgotten.
    pub keep: KeepPolicy,
    /// The series that they are applied to; with none, all.
    pub series: Vec<String>,
}

/// What to remove.
#[derive(Clone, Debug)]
pub struct Request {
    /// Removes what these do not keep, and all that is forgotten; with none, neither.
    pub rules: Option<Rules>,
    /// Snapshots to remove whatever the rules say. Pinned and protected ones stay all the same, and what a differential
    /// that stays is measured against.
    pub remove: Vec<SnapshotId>,
    /// Remove also what was committed too recently, and where the clock is behind the newest snapshot.
    pub override_protection: bool,
    /// Take the snapshots that are missing for gone, and go on (see [`crate::repository::Rollback`]).
    pub accept_rollback: bool,
    /// Free also what only pages may name that are lost (see [`Outcome::pages_given_up`](super::Outcome::pages_given_up)).
    pub accept_loss: bool,
    /// No other machine uses the repository now: needed where its locks may not reach others.
    pub alone: bool,
    /// The clock: it is asked for the plan, and again under each lock, which may be hours later.
    pub clock: fn() -> Timestamp,
}

impl Request {
    /// A request by rules.
    pub fn by_rules(rules: Rules) -> Self {
        Self { rules: Some(rules), ..Self::default() }
    }

    /// Whether a snapshot was asked for by itself, and not by rules.
    pub(super) fn asks_for(&self, id: &SnapshotId, is_forgotten: bool) -> bool {
        is_forgotten && self.rules.is_some() || self.remove.contains(id)
    }
}

impl Default for Request {
    /// Removes no snapshot, and frees what nothing needs.
    fn default() -> Self {
        Self {
            rules: None,
            remove: Vec::new(),
            override_protection: false,
            accept_rollback: false,
            accept_loss: false,
            alone: false,
            clock: Timestamp::now,
        }
    }
}
