//! What a snapshot is made of, as data and bytes: nodes, tree pages, content lists, the manifest of
//! a run, and the records that came later. Nothing here reads or writes storage.

mod content;
mod databases;
mod difference;
mod ledger;
mod node;
mod problems;
mod record;
mod run;
mod sources;
mod tree;
mod unseen;
mod unwanted;

pub use content::{CONTENT_ITEMS_IN_NODE, ContentList, Item, ListPage, ListWriter};
pub use databases::{Account, DATABASES_FOLDER, NOTES_FOLDER, SavedDatabase, database_folder};
pub use difference::{Change, ChangeKind, classify_change};
pub use ledger::{LEDGER, LedgerEntry, LedgerPage, LedgerStep, Occasion, StepKind, StepState};
pub use node::{Content, Metadata, NODE_CHANGED_WHILE_READ, NODE_INCOMPLETE, Node, TreeRef, Xattr, check_name};
pub use problems::{Problem, ProblemKind, Problems};
pub use record::{
    ABSENT, AbsentChunks, ClassSettings, HEALED, HealedChunks, KEPT, Kept, PIN, Pin, REMOVED, Record, Removed, SERIES, SETTING, SETTINGS,
    SUSPECT, SeriesChange, Setting, Settings, Suspicion, TAG, TOMBSTONE, TagChange, Tombstone, UNFORGOTTEN, Unforgotten,
};
pub use run::{Counts, FileSystemClock, Kind, MACHINE, Manifest, RootEntry, SnapshotOptions, StatTrust};
pub use sources::{SOURCE_COUNTS, SourceCounts, SourceLoss, is_most_of_files};
pub use tree::{Page, PageRef, PageStore, TreeWriter};
pub use unseen::{NotEntered, Unseen};
pub use unwanted::Unwanted;
