//! What the user asks to keep, and what the choice is made among.

use super::reason::Rule;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MachineId, SnapshotId};
use crate::manifest::{Kind, SourceCounts};
use crate::units::Timestamp;

/// Rules; a snapshot is kept when any of them wants it. Those with a number keep the newest snapshot
/// of each of the so many most recent periods that have any; 0 is no rule.
#[derive(Clone, Debug, Default)]
pub struct KeepPolicy {
    /// So many of the newest.
    pub last: u64,
    /// So many hours.
    pub hourly: u64,
    /// So many days.
    pub daily: u64,
    /// So many ISO weeks, which begin on Monday.
    pub weekly: u64,
    /// So many months.
    pub monthly: u64,
    /// So many years.
    pub yearly: u64,
    /// All within this time before the newest snapshot of the series and machine.
    pub within: Option<jiff::Span>,
    /// All that have any of these tags.
    pub tags: Vec<String>,
}

impl KeepPolicy {
    /// Whether there is no rule. Such a policy keeps everything.
    pub fn is_empty(&self) -> bool {
        Rule::ALL.iter().all(|rule| self.number(*rule) == 0) && self.within.is_none() && self.tags.is_empty()
    }

    /// How many periods a rule keeps.
    pub fn number(&self, rule: Rule) -> u64 {
        match rule {
            Rule::Last => self.last,
            Rule::Hourly => self.hourly,
            Rule::Daily => self.daily,
            Rule::Weekly => self.weekly,
            Rule::Monthly => self.monthly,
            Rule::Yearly => self.yearly,
        }
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// `Invalid` for a `within` that does not go back in time.
    pub(super) fn check(&self) -> Result<()> {
        match &self.within {
            Some(span) if !span.is_positive() => Err(Error::new(ErrorKind::Invalid, format!("nothing lies within `{span:#}`"))),
            _ => Ok(()),
        }
    }
}

/// A snapshot as the rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The snapshot.
    pub id: SnapshotId,
    /// The line of snapshots it belongs to.
    pub series: String,
    /// The machine it was made on, where the snapshot says so.
    pub machine: Option<MachineId>,
    /// The time that the rules go by.
    pub time: Timestamp,
    /// When it was committed: protection goes by this, which nobody sets by hand.
    pub committed_at: Timestamp,
    /// The order of snapshots when clocks disagree.
    pub counter: u64,
    /// Full, incremental or differential.
    pub kind: Kind,
    /// What its change view is measured against.
    pub base: Option<SnapshotId>,
    /// How many regular files it holds.
    pub files: u64,
    /// What each of its sources holds, as far as that is known.
    pub sources: Vec<SourceCounts>,
    /// Free words.
    pub tags: Vec<String>,
    /// No rule removes it.
    pub is_pinned: bool,
    /// A guard distrusts it, and nobody has accepted it: rules wait for that with its whole series.
    pub is_suspect: bool,
}
