//! Why a snapshot is kept, in words that a user can check against the rules that were given.

use std::fmt;

use crate::id::SnapshotId;
use crate::manifest::{SourceCounts, SourceLoss};
use crate::units::{ByteCount, PathText};

/// A rule that keeps one snapshot of each of a number of periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Every snapshot is a period of its own.
    Last,
    /// Hours of the local clock; an hour that the end of summer time repeats is two.
    Hourly,
    /// Days.
    Daily,
    /// ISO weeks.
    Weekly,
    /// Months.
    Monthly,
    /// Years.
    Yearly,
}

impl Rule {
    /// All rules, from the shortest period to the longest.
    pub const ALL: [Rule; 6] = [Rule::Last, Rule::Hourly, Rule::Daily, Rule::Weekly, Rule::Monthly, Rule::Yearly];

    /// `last`, `hourly`, `daily` …
    pub fn name(self) -> &'static str {
        match self {
            Rule::Last => "last",
            Rule::Hourly => "hourly",
            Rule::Daily => "daily",
            Rule::Weekly => "weekly",
            Rule::Monthly => "monthly",
            Rule::Yearly => "yearly",
        }
    }
}

/// Why a snapshot is kept. It prints as a phrase: `daily 3 of 7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no rule at all.
    NoRule,
    /// It is the newest of a period.
    Period {
        /// The rule.
        rule: Rule,
        /// Which period, counted from the newest, from 1.
        number: u64,
        /// How many periods the rule keeps.
        of: u64,
    },
    /// It lies within this time before the newest snapshot of its series.
    Within(String),
    /// It has this tag.
    Tag(String),
    /// It is pinned.
    Pinned,
    /// It is the newest of its series.
    Newest,
    /// The rules wait with the whole series until somebody accepts this snapshot, which a guard distrusts.
    Suspect(SnapshotId),
    /// It is the last one that had most of the files; one after it lost them, and they never came back.
    LastWith {
        /// What it holds; the path is empty where that is all of it.
        had: SourceCounts,
        /// What a later one holds.
        left: SourceCounts,
    },
    /// This kept differential, the newest of those that do, is measured against it.
    BaseOf(SnapshotId),
    /// It was committed too recently; it can be removed from this local time on.
    ProtectedUntil(String),
    /// Nobody asked for it.
    NotAsked,
    /// It was to stay when this was decided before, and nothing is removed that was not named then.
    DecidedBefore,
    /// Its manifest is damaged, so nothing is known of it.
    Unreadable,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoRule => f.write_str("no rule was given"),
            Reason::Period { rule, number, of } => write!(f, "{} {number} of {of}", rule.name()),
            Reason::Within(span) => write!(f, "within {span}"),
            Reason::Tag(tag) => write!(f, "tag {}", PathText(tag.as_bytes())),
            Reason::Pinned => f.write_str("pinned"),
            Reason::Suspect(id) => write!(f, "the rules wait: {} is suspect (`repo accept {0}`)", id.short()),
            Reason::Newest => f.write_str("newest of its series"),
            Reason::LastWith { had, left } => {
                let place = if had.path.is_empty() { String::new() } else { format!(" in {}", PathText(&had.path)) };
                match had.loss(left) {
                    Some(SourceLoss::Bytes) => {
                        write!(f, "last with {}{place}, later ones have {}", ByteCount(had.bytes), ByteCount(left.bytes))
                    }
                    _ => write!(f, "last with {}{place}, later ones have {}", counted(had.files), left.files),
                }
            }
            Reason::BaseOf(id) => write!(f, "base of kept differential {}", id.short()),
            Reason::ProtectedUntil(time) => write!(f, "protected until {time}"),
            Reason::NotAsked => f.write_str("not asked for"),
            Reason::DecidedBefore => f.write_str("kept when it was decided before"),
            Reason::Unreadable => f.write_str("cannot be read"),
        }
    }
}

fn counted(files: u64) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}
