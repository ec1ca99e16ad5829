//! The stages that verbs go through.

/// What a verb does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A snapshot is made.
    Snapshot,
    /// A snapshot is restored.
    Restore,
    /// What was restored is read back.
    ReadBack,
    /// Names of objects are compared with what should be there.
    CheckNames,
    /// Small objects are read.
    CheckObjects,
    /// Packs are looked at: their length, header and directory.
    CheckPacks,
    /// Pages of trees are read.
    CheckTrees,
    /// Content is read.
    CheckData,
    /// The files and snapshots that need what is damaged are looked for.
    FindAffected,
    /// What snapshots need is marked.
    Mark,
    /// A prune plans what becomes of each pack.
    Plan,
    /// A prune waits for snapshots that are being made.
    WaitForSnapshots,
    /// Packs are written again without what nothing needs.
    Rewrite,
    /// Packs are removed.
    Sweep,
    /// A repair mends what it found.
    Mend,
}

impl Stage {
    /// The code of it, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Restore => "restore",
            Self::ReadBack => "verify",
            Self::CheckNames => "check names",
            Self::CheckObjects => "check objects",
            Self::CheckPacks => "check packs",
            Self::CheckTrees => "check trees",
            Self::CheckData => "check data",
            Self::FindAffected => "find what is damaged",
            Self::Mark => "mark",
            Self::Plan => "plan",
            Self::WaitForSnapshots => "wait for running snapshots",
            Self::Rewrite => "rewrite",
            Self::Sweep => "sweep",
            Self::Mend => "mend",
        }
    }
}
