//! The one way to read what a snapshot holds: its trees, and the contents of its files.
//!
//! ```text
//! SnapshotView, Walk   one snapshot as one tree, in the order of its paths
//! Paired               two folders side by side; what they share is not read
//! NodeStream           the entries of one folder
//! visit_*              every page below many snapshots          visit_content   the pieces of one file
//!          \                 |                                        /
//!           PagePlace: a tree page, checked        ListPlace: a page of a content list, checked
//!                             \                      /
//!                              PageReader: its bytes, by its id
//! ```
//!
//! Everything above visits, and decides alone what follows where a page is lost: an iterator returns the error
//! and goes on behind the page when it is asked again; a visitor is told by `lose`, and returns the error to
//! stop, or reports it or skips the page.

mod ahead;
mod contents;
mod nodes;
mod pages;
mod paired;
mod view;
mod visit;

#[cfg(test)]
mod tests;

pub use ahead::{Ahead, read_ahead};
pub use contents::{ContentVisitor, Piece, visit_content};
pub use nodes::NodeStream;
pub use pages::{ListPlace, PagePlace, PageReader};
pub use paired::Paired;
pub use view::{SnapshotView, Step, Walk, roots_below};
pub use visit::{Look, TreeVisitor, Unvisited, visit_by_all, visit_in_order};
