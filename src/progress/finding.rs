//! What a verb finds that does not end it: the sort decides how it counts, the topic says what it is about, and the message
//! says it to people. Programs go by the codes.

use std::fmt;

use crate::units::PathText;

/// What sort of finding it is; see [`Finding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// A source file or folder could not be read; the rest was.
    Unreadable,
    /// A source file changed while it was read; what was read is saved and flagged.
    Changed,
    /// A file in the way was left as it is.
    LeftAsIs,
    /// An attribute could not be restored: the user may not, or the file system cannot.
    NotRestored,
    /// Stored data is damaged.
    Damaged,
    /// Files that an earlier snapshot has are gone from a source; what is there was saved.
    Gone,
    /// Something about the repository that its owner must hear of; what was asked for is done all the same.
    Warning(Topic),
    /// Something worth knowing that harms nothing.
    Note(Topic),
}

impl FindingKind {
    /// The code of it, for programs: a word, with dashes.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Changed => "changed",
            Self::LeftAsIs => "left",
            Self::NotRestored => "not-restored",
            Self::Damaged => "damaged",
            Self::Gone => "gone",
            Self::Warning(topic) | Self::Note(topic) => topic.code(),
        }
    }

    /// Whether it is a note, which harms nothing.
    pub fn is_note(self) -> bool {
        matches!(self, Self::Note(_))
    }

    /// Whether it is a warning about the repository or the run as a whole.
    pub fn is_warning(self) -> bool {
        matches!(self, Self::Warning(_))
    }
}

/// What a warning or a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Something in a source that no snapshot holds, or that belongs to the repository itself; of a restore, what is
    /// asked for by its path and left out by the filters.
    LeftOut,
    /// It was removed before it could be read.
    Vanished,
    /// An attribute that could not be read.
    Attribute,
    /// How a source was understood.
    Source,
    /// A pattern that matches nothing.
    Pattern,
    /// There is nothing to build on, or what there is cannot be read.
    Base,
    /// Stored content or pages are damaged or missing, and what is needed of them was stored again.
    StoredAgain,
    /// What was lost is stored again, for older snapshots too.
    Healed,
    /// Snapshots are missing that nobody removed.
    Rollback,
    /// The clock is behind that of an earlier run.
    Clock,
    /// Another machine saves to the same series.
    Company,
    /// Another process has locked the repository.
    Waiting,
    /// What was saved is not whole.
    Incomplete,
    /// An object of the repository that is damaged, lost its pair, or is not one of ours.
    Object,
    /// A snapshot that was given up may take others with it.
    GivenUp,
    /// The file system of the destination cannot hold something.
    Limit,
    /// Something in the destination stays that is in doubt or could not be removed.
    Leftover,
    /// A database: how it is saved, how long it was held, or what keeps it from being saved.
    Database,
}

impl Topic {
    /// The code of it, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::LeftOut => "left-out",
            Self::Vanished => "vanished",
            Self::Attribute => "attribute",
            Self::Source => "source",
            Self::Pattern => "pattern",
            Self::Base => "base",
            Self::StoredAgain => "stored-again",
            Self::Healed => "healed",
            Self::Rollback => "rollback",
            Self::Clock => "clock",
            Self::Company => "company",
            Self::Waiting => "waiting",
            Self::Incomplete => "incomplete",
            Self::Object => "object",
            Self::GivenUp => "given-up",
            Self::Limit => "limit",
            Self::Leftover => "leftover",
            Self::Database => "database",
        }
    }
}

/// A problem, or a note, about one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What sort of problem.
    pub kind: FindingKind,
    /// The path it is about, any bytes; empty when it is about the run as a whole.
    pub path: Vec<u8>,
    /// What happened, in lower case, without a full stop.
    pub message: String,
}

impl Finding {
    /// A finding about `path`.
    pub fn new(kind: FindingKind, path: impl Into<Vec<u8>>, message: impl Into<String>) -> Self {
        Self { kind, path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", PathText(&self.path), self.message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_document_once() {
        use FindingKind::{Changed, Damaged, Gone, LeftAsIs, NotRestored, Note, Unreadable};
        use Topic::{
            Attribute, Base, Clock, Company, Database, GivenUp, Healed, Incomplete, LeftOut, Leftover, Limit, Object, Pattern, Rollback,
            Source, StoredAgain, Vanished, Waiting,
        };
        let topics = [
            LeftOut,
            Vanished,
            Attribute,
            Source,
            Pattern,
            Base,
            StoredAgain,
            Healed,
            Rollback,
            Clock,
            Company,
            Waiting,
            Incomplete,
            Object,
            GivenUp,
            Limit,
            Leftover,
            Database,
        ];
        let kinds = [Unreadable, Changed, LeftAsIs, NotRestored, Damaged, Gone].into_iter().chain(topics.map(Note));
        let line = include_str!("../../docs/json.md").lines().find(|line| line.starts_with("| `finding`")).unwrap();
        for kind in kinds {
            assert_eq!(line.matches(&format!("`{}`", kind.code())).count(), 1, "{kind:?}");
        }
    }
}
