//! The ledger: what every run of a job did, step by step, as sealed records.
//!
//! It stands in the repository, so that what was proved, checked and missed is still known when the machine is gone that
//! did it. One record is one or several entries; a prune gathers many small ones into few. An entry may so be there twice
//! for a moment, and counts once, by its run.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::id::{MachineId, RunId, SnapshotId};
use crate::units::Timestamp;
use crate::wire::{self, Extensions};

/// Record type: what runs of jobs did ([`LedgerPage`]). A program that does not know it knows less, and harms nothing.
pub const LEDGER: u16 = 12;

/// Extension of an entry: the newest window of its schedule that the run answers, a time.
const ENTRY_WINDOW: u16 = 1;

/// Entries of the ledger, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPage {
    /// The entries.
    pub entries: Vec<LedgerEntry>,
    /// Room to grow.
    pub extensions: Extensions,
}

/// What one run of one job did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The run.
    pub run: RunId,
    /// The machine.
    pub machine: MachineId,
    /// Its name.
    pub host: String,
    /// The program.
    pub program: String,
    /// The job, which is the series; empty for what concerns the repository as a whole.
    pub job: String,
    occasion: u16,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it ended, or was last seen alive.
    pub ended_at: Timestamp,
    /// What a person wrote to it.
    pub note: String,
    /// What was done, in order.
    pub steps: Vec<LedgerStep>,
    /// Room to grow.
    pub extensions: Extensions,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerStep {
    kind: u16,
    /// What it was about, among several of its kind: a hook, a database, a copy, a notice.
    pub name: String,
    state: u16,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The snapshot that it made or looked at.
    pub snapshot: Option<SnapshotId>,
    /// What happened, for people.
    pub message: String,
    /// Figures by name: `bytes-read`, `hold-ms` …
    pub figures: Vec<(String, u64)>,
    /// Room to grow.
    pub extensions: Extensions,
}

/// What made a job run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody typed it.
    Hand,
    /// It was due by its schedule.
    Schedule,
    /// A later version knows what it was.
    Unknown,
}

/// What a step was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// A command of the configuration.
    Hook,
    /// A database was held and read.
    Database,
    /// A snapshot was made.
    Snapshot,
    /// A guard looked at the snapshot.
    Guard,
    /// Rules were applied and space was freed.
    Prune,
    /// Stored data was read and compared.
    Check,
    /// A restore showed that it works.
    Drill,
    /// A copy was brought up to date.
    Copy,
    /// Somebody was told.
    Notice,
    /// What an earlier run had left held was let go.
    Release,
    /// A later version knows what it is.
    Unknown,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepState {
    /// Well.
    Good,
    /// It was not its turn, or something before it did not end well; nothing was done.
    Skipped,
    /// What it needs is not here: a disk, a network.
    Waiting,
    /// Done, but something was left out or unreadable.
    Incomplete,
    /// Done, and a guard distrusts what came of it.
    Suspect,
    /// It could not be looked at, so nothing is known.
    Unknown,
    /// It failed.
    Failed,
}

const OCCASIONS: [(u16, Occasion); 2] = [(1, Occasion::Hand), (2, Occasion::Schedule)];
const KINDS: [(u16, StepKind, &str); 10] = [
    (1, StepKind::Hook, "hook"),
    (2, StepKind::Database, "database"),
    (3, StepKind::Snapshot, "snapshot"),
    (4, StepKind::Guard, "guard"),
    (5, StepKind::Prune, "prune"),
    (6, StepKind::Check, "check"),
    (7, StepKind::Drill, "drill"),
    (8, StepKind::Copy, "copy"),
    (9, StepKind::Notice, "notice"),
    (10, StepKind::Release, "release"),
];
const STATES: [(u16, StepState, &str); 6] = [
    (1, StepState::Good, "good"),
    (2, StepState::Skipped, "skipped"),
    (3, StepState::Waiting, "waiting"),
    (4, StepState::Incomplete, "incomplete"),
    (5, StepState::Suspect, "suspect"),
    (6, StepState::Failed, "failed"),
];

impl StepKind {
    /// The code of it, for programs.
    pub fn code(self) -> &'static str {
        KINDS.iter().find(|(_, kind, _)| *kind == self).map_or("unknown", |(_, _, code)| code)
    }
}

impl StepState {
    /// The code of it, for programs.
    pub fn code(self) -> &'static str {
        STATES.iter().find(|(_, state, _)| *state == self).map_or("unknown", |(_, _, code)| code)
    }
}

impl Occasion {
    /// The code of it, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Hand => "hand",
            Self::Schedule => "schedule",
            Self::Unknown => "unknown",
        }
    }
}

impl LedgerStep {
    /// A step that begins and ends at `now`, well.
    pub fn new(kind: StepKind, name: impl Into<String>, now: Timestamp) -> Self {
        let mut step = Self {
            kind: KINDS.iter().find(|(_, known, _)| *known == kind).map_or(0, |(number, ..)| *number),
            name: name.into(),
            state: 0,
            begun_at: now,
            ended_at: now,
            snapshot: None,
            message: String::new(),
            figures: Vec::new(),
            extensions: Extensions::none(),
        };
        step.set_state(StepState::Good);
        step
    }

    /// What it was.
    pub fn kind(&self) -> StepKind {
        KINDS.iter().find(|(number, ..)| *number == self.kind).map_or(StepKind::Unknown, |(_, kind, _)| *kind)
    }

    /// How it ended.
    pub fn state(&self) -> StepState {
        STATES.iter().find(|(number, ..)| *number == self.state).map_or(StepState::Unknown, |(_, state, _)| *state)
    }

    /// Says how it ended.
    pub fn set_state(&mut self, state: StepState) {
        self.state = STATES.iter().find(|(_, known, _)| *known == state).map_or(0, |(number, ..)| *number);
    }

    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<u64> {
        self.figures.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

impl LedgerEntry {
    /// An entry without steps, which begins at `now`.
    pub fn new(
        run: RunId,
        machine: MachineId,
        host: impl Into<String>,
        job: impl Into<String>,
        occasion: Occasion,
        now: Timestamp,
    ) -> Self {
        Self {
            run,
            machine,
            host: host.into(),
            program: format!("strongroom {}", env!("CARGO_PKG_VERSION")),
            job: job.into(),
            occasion: OCCASIONS.iter().find(|(_, known)| *known == occasion).map_or(0, |(number, _)| *number),
            begun_at: now,
            ended_at: now,
            note: String::new(),
            steps: Vec::new(),
            extensions: Extensions::none(),
        }
    }

    /// The newest window of its schedule that the run answers; none for one that somebody started by hand.
    pub fn window(&self) -> Option<Timestamp> {
        self.extensions.get(ENTRY_WINDOW).and_then(|bytes| wire::decode(bytes, "the window of a run").ok())
    }

    /// Says which window of its schedule the run answers.
    pub fn set_window(&mut self, window: Timestamp) {
        self.extensions.set(ENTRY_WINDOW, wire::encode(&window));
    }

    /// What made it run.
    pub fn occasion(&self) -> Occasion {
        OCCASIONS.iter().find(|(number, _)| *number == self.occasion).map_or(Occasion::Unknown, |(_, occasion)| *occasion)
    }

    /// How it ended: as the worst of its steps, of which notices are none.
    pub fn state(&self) -> StepState {
        let counted = self.steps.iter().filter(|step| step.kind() != StepKind::Notice).map(LedgerStep::state);
        counted.filter(|state| *state != StepState::Skipped).max().unwrap_or(StepState::Good)
    }

    /// The steps of one kind.
    pub fn steps_of(&self, kind: StepKind) -> impl Iterator<Item = &LedgerStep> {
        self.steps.iter().filter(move |step| step.kind() == kind)
    }
}

impl LedgerPage {
    /// The bytes of a page.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Decodes a page.
    ///
    /// # Errors
    /// `Damaged`, or `Unsupported` for an unknown critical extension.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let page: Self = wire::decode(bytes, "a page of the ledger")?;
        page.extensions.check(&[], "a page of the ledger")?;
        for entry in &page.entries {
            entry.extensions.check(&[], "an entry of the ledger")?;
            entry.steps.iter().try_for_each(|step| step.extensions.check(&[], "a step of the ledger"))?;
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ended_as_the_worst_of_its_steps_and_a_notice_is_none() {
        let now = Timestamp::new(5, 0);
        let mut entry = LedgerEntry::new(RunId([1; 16]), MachineId([2; 16]), "desk", "shop", Occasion::Schedule, now);
        assert_eq!(entry.state(), StepState::Good);
        for (kind, state, whole) in [
            (StepKind::Snapshot, StepState::Good, StepState::Good),
            (StepKind::Prune, StepState::Skipped, StepState::Good),
            (StepKind::Copy, StepState::Waiting, StepState::Waiting),
            (StepKind::Notice, StepState::Failed, StepState::Waiting),
            (StepKind::Guard, StepState::Suspect, StepState::Suspect),
            (StepKind::Hook, StepState::Failed, StepState::Failed),
            (StepKind::Check, StepState::Incomplete, StepState::Failed),
        ] {
            let mut step = LedgerStep::new(kind, "x", now);
            step.set_state(state);
            entry.steps.push(step);
            assert_eq!(entry.state(), whole, "{kind:?}");
        }
        let page = LedgerPage { entries: vec![entry], extensions: Extensions::none() };
        assert_eq!(LedgerPage::decode(&page.encode()).unwrap(), page);
        assert!(LedgerPage::decode(&page.encode()[1..]).is_err());
    }

    #[test]
    fn numbers_of_a_later_version_are_unknown_and_kept() {
        let mut step = LedgerStep::new(StepKind::Hook, "x", Timestamp::new(5, 0));
        (step.kind, step.state) = (999, 998);
        assert_eq!((step.kind(), step.state()), (StepKind::Unknown, StepState::Unknown));
        assert_eq!((step.kind().code(), step.state().code()), ("unknown", "unknown"));
    }
}
