//! What a drill has shown.

use crate::id::SnapshotId;
use crate::opening::Picture;

/// How far a drill came; each is more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// The snapshot is listed.
    Listed,
    /// Its trees were read, and what of it was chosen.
    Read,
    /// The sample was restored, every byte as its digest says.
    Restored,
    /// Every file of it opens whose form is known.
    Opened,
}

impl Rung {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Read => "read",
            Self::Restored => "restored",
            Self::Opened => "opened",
        }
    }
}

/// What does not come back as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The path in the snapshot.
    pub path: Vec<u8>,
    /// What is wrong.
    pub reason: String,
    /// The newest snapshot that has another version, which may be the good one.
    pub earlier: Option<SnapshotId>,
    /// It was restored as it was saved, so it was broken when it was saved, or has rotted since on the live disk.
    pub is_of_source: bool,
}

/// Files of one form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormCount {
    /// That open.
    pub opened: u64,
    /// Of which nobody here knows how to open them.
    pub not_known: u64,
    /// That do not open.
    pub broken: u64,
}

/// What a drill has shown.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// What the choice followed from.
    pub seed: u64,
    /// How far it came.
    pub rung: Rung,
    /// Files that were restored.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Databases among them.
    pub databases: u64,
    /// Regular files of the snapshot.
    pub files_total: u64,
    /// Their bytes.
    pub bytes_total: u64,
    /// How many were compared with the live file.
    pub compared: u64,
    /// By their form.
    pub forms: Vec<(&'static str, FormCount)>,
    /// What does not come back as it should.
    pub failures: Vec<Failure>,
    /// Files of which the live one has other bytes, though its size and time are as they were.
    pub rot_suspects: Vec<Vec<u8>>,
    /// How long the restore took, in milliseconds.
    pub restore_ms: u64,
    /// Some pictures that were restored, with their paths, for the page.
    pub pictures: Vec<(Vec<u8>, Picture)>,
    /// It was restored to the disk of the repository: that this disk can be written to was not shown.
    pub shared_disk: bool,
}

impl Outcome {
    /// Whether everything came back as it should.
    pub fn is_proved(&self) -> bool {
        self.failures.is_empty() && self.rot_suspects.is_empty() && self.rung == Rung::Opened
    }

    /// Files that were opened.
    pub fn opened(&self) -> u64 {
        self.forms.iter().map(|(_, count)| count.opened).sum()
    }

    /// How long a full restore would take at this speed, in seconds; none where too little was restored to say.
    pub fn full_seconds(&self) -> Option<u64> {
        if self.bytes < 1 << 20 || self.restore_ms == 0 {
            return None;
        }
        Some(u64::try_from(u128::from(self.bytes_total) * u128::from(self.restore_ms) / u128::from(self.bytes) / 1000).unwrap_or(u64::MAX))
    }
}
