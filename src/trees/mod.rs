//! The one way to read what a snapshot holds: its trees, and the contents of its files.

mod contents;
mod nodes;
mod pages;
mod paired;
mod view;

#[cfg(test)]
mod tests;

pub use contents::read_content_items;
pub use nodes::NodeStream;
pub use pages::{PagePlace, decode_list_page, read_list_page};
pub use paired::{Entries, Paired};
pub use view::{SnapshotView, Step, Walk};
