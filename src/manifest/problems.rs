//! What went wrong with single files in a run, so that who reads the exit code in the morning can ask
//! what it was about.
//!
//! It stands in an extension of the manifest. The marks of nodes say the same of what is in the trees; only
//! here stands why, and what could not be read at all.

use serde::{Deserialize, Serialize};

use super::run::Manifest;
use crate::error::Result;
use crate::wire;

/// The extension of a manifest.
const MANIFEST_PROBLEMS: u16 = 18;

/// A manifest lists at most this many problems.
const PROBLEMS_MAX: usize = 1000;
/// A manifest has at most this many bytes of paths and messages of problems.
const PROBLEM_BYTES_MAX: usize = 256 << 10;

/// What sort of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// A file or folder could not be read.
    Unreadable,
    /// A file or folder changed while it was read; what was read is saved.
    Changed,
    /// Most files of a source were gone.
    Gone,
    /// A later version knows what it is.
    Unknown,
}

/// The kinds as they are stored.
const KINDS: [(u16, ProblemKind); 3] = [(1, ProblemKind::Unreadable), (2, ProblemKind::Changed), (3, ProblemKind::Gone)];

/// One problem of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// The absolute path; empty when it is about all sources.
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    kind: u16,
    /// What happened.
    pub message: String,
}

impl Problem {
    /// A problem with `path`.
    pub fn new(kind: ProblemKind, path: Vec<u8>, message: String) -> Self {
        let kind = KINDS.iter().find(|(_, known)| *known == kind).map_or(0, |(number, _)| *number);
        Self { path, kind, message }
    }

    /// What sort of problem it is.
    pub fn kind(&self) -> ProblemKind {
        KINDS.iter().find(|(number, _)| *number == self.kind).map_or(ProblemKind::Unknown, |(_, kind)| *kind)
    }
}

/// The problems of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems {
    /// Sorted by path.
    pub listed: Vec<Problem>,
    /// How many there were beyond those.
    pub more: u64,
}

impl Problems {
    /// Adds a problem, or counts it where the list is full.
    pub fn add(&mut self, problem: Problem) {
        let bytes = |problem: &Problem| problem.path.len() + problem.message.len();
        let listed_bytes = || self.listed.iter().map(bytes).sum::<usize>();
        if self.listed.len() >= PROBLEMS_MAX || listed_bytes() + bytes(&problem) > PROBLEM_BYTES_MAX {
            self.more += 1;
            return;
        }
        self.listed.insert(self.listed.partition_point(|listed| *listed <= problem), problem);
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.more == 0
    }
}

impl Manifest {
    /// Says what went wrong in the run; nothing where nothing did.
    pub fn set_problems(&mut self, problems: &Problems) {
        if !problems.is_empty() {
            self.extensions.set(MANIFEST_PROBLEMS, wire::encode(problems));
        }
    }

    /// What went wrong in the run; `None` where the manifest does not say, because nothing did or because it is of
    /// an early version.
    ///
    /// # Errors
    /// `Damaged` when it cannot be understood.
    pub fn problems(&self) -> Result<Option<Problems>> {
        self.extensions.get(MANIFEST_PROBLEMS).map(|bytes| wire::decode(bytes, "the problems of a run")).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_problems_is_sorted_and_its_rest_is_counted() {
        let mut problems = Problems::default();
        for number in (0..PROBLEMS_MAX + 5).rev() {
            problems.add(Problem::new(ProblemKind::Changed, format!("/{number:05}").into_bytes(), "it changed".to_owned()));
        }
        assert_eq!((problems.listed.len(), problems.more), (PROBLEMS_MAX, 5));
        assert!(problems.listed.is_sorted());
        let mut long = Problems::default();
        (0..3).for_each(|_| long.add(Problem::new(ProblemKind::Gone, vec![b'x'; PROBLEM_BYTES_MAX / 2], String::new())));
        assert_eq!((long.listed.len(), long.more), (2, 1));
    }

    #[test]
    fn a_kind_of_a_later_version_is_unknown_and_read_all_the_same() {
        let later = Problem { path: b"/a".to_vec(), kind: 9, message: "odd".to_owned() };
        let problems = Problems { listed: vec![later], more: 0 };
        let read: Problems = wire::decode(&wire::encode(&problems), "a test").unwrap();
        assert_eq!(read.listed[0].kind(), ProblemKind::Unknown);
    }
}
