//! Files that got a longer name: `a.jpg` gone, `a.jpg.locked` there, as intruders leave them.
//!
//! The lines of a comparison are sorted by path, so a name stands right before those that begin with it, and looking
//! back over a few lines is enough.

use std::collections::VecDeque;

/// So many removed paths are remembered.
const REMEMBERED: usize = 16;

/// Looks for removed paths that came back with something behind them.
#[derive(Debug, Default)]
pub(super) struct Renamed {
    removed: VecDeque<Vec<u8>>,
    /// How many did.
    pub count: u64,
}

impl Renamed {
    /// Takes a file that is gone.
    pub(super) fn take_removed(&mut self, path: &[u8]) {
        if self.removed.len() == REMEMBERED {
            self.removed.pop_front();
        }
        self.removed.push_back(path.to_vec());
    }

    /// Takes a file that is new.
    pub(super) fn take_added(&mut self, path: &[u8]) {
        let is_longer = |removed: &Vec<u8>| path.strip_prefix(&removed[..]).is_some_and(|rest| rest.len() > 1 && rest[0] == b'.');
        if let Some(at) = self.removed.iter().rposition(is_longer) {
            self.removed.remove(at);
            self.count += 1;
        }
    }
}
