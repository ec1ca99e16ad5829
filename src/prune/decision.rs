//! What becomes of each snapshot, and why.

use crate::id::SnapshotId;
use crate::retention::{Candidate, Reason};

/// A snapshot that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The snapshot.
    pub id: SnapshotId,
    /// Somebody has forgotten it, and nobody has pinned it.
    pub is_forgotten: bool,
    /// No rule and no request removes it.
    pub is_pinned: bool,
    /// What its manifest and the records say of it; none when the manifest is damaged.
    pub candidate: Option<Candidate>,
}

/// Why a snapshot goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No rule keeps it.
    NoRuleKeepsIt,
    /// Somebody has forgotten it.
    Forgotten,
    /// The request names it.
    Named,
}

/// What becomes of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays, with every reason for it: at least one.
    Stays(Vec<Reason>),
    /// It goes.
    Goes(Cause),
}

/// One snapshot and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The snapshot.
    pub subject: Subject,
    /// What becomes of it.
    pub verdict: Verdict,
}

impl Decision {
    /// Whether it goes.
    pub fn goes(&self) -> bool {
        matches!(self.verdict, Verdict::Goes(_))
    }
}

/// What becomes of all snapshots that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Those that the rules are applied to: series by series in the order of their names, the oldest first.
    pub ruled: Vec<Decision>,
    /// Those that nobody forgot and that the rules are not applied to, by their ids.
    pub others: Vec<Decision>,
    /// Those that are forgotten and still there, by their ids.
    pub forgotten: Vec<Decision>,
    /// How many of those that stay would go, were they not committed too recently.
    pub protected: u64,
    /// How many series were saved once and not since (see [`saved_once`](crate::retention::saved_once)).
    pub saved_once: usize,
}

impl Decisions {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Decision> {
        self.ruled.iter().chain(&self.others).chain(&self.forgotten)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Decision> {
        self.ruled.iter_mut().chain(&mut self.others).chain(&mut self.forgotten)
    }

    /// What goes, by their ids.
    pub fn going(&self) -> Vec<SnapshotId> {
        let mut going: Vec<SnapshotId> = self.iter().filter(|decision| decision.goes()).map(|decision| decision.subject.id).collect();
        going.sort_unstable();
        going
    }
}
