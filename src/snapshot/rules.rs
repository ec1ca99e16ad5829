//! What the filter of a run leaves out in one folder.

use std::sync::Arc;

use crate::source::Filter;

/// How the patterns of the run are meant in a folder. A copy costs little.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// The length of the path of the source that the folder is in.
    pub source_bytes: usize,
    /// Other paths of that source.
    pub others: Arc<[Vec<u8>]>,
    /// Patterns that are not meant for what is in the folder.
    pub unmeant: Arc<[usize]>,
}

impl Rules {
    /// Whether `filter` leaves out what is at `path`, by any name that the source goes by.
    pub(super) fn is_excluded(&self, filter: &Filter, path: &[u8], is_directory: bool) -> bool {
        if filter.is_empty() || (self.others.is_empty() && self.unmeant.is_empty()) {
            return filter.is_excluded(path, is_directory);
        }
        let below = path.get(self.source_bytes..).unwrap_or_default();
        let others: Vec<Vec<u8>> = self.others.iter().map(|name| [name, below].concat()).collect();
        filter.is_any_excluded(others.iter().map(Vec::as_slice).chain([path]), is_directory, &self.unmeant)
    }
}
