//! Which lengths of files are believed, and which are found out by reading.

use crate::source::{FileSystem, Stat};

/// Which lengths are believed.
#[derive(Clone, Copy)]
pub(super) struct Lengths {
    device: u64,
    is_pseudo: bool,
    may_hide_content: bool,
}

impl Lengths {
    /// Those of files on the device of a folder that is on `file_system`.
    pub(super) fn of(device: u64, file_system: &FileSystem) -> Self {
        Self { device, is_pseudo: file_system.is_pseudo(), may_hide_content: file_system.may_hide_content() }
    }

    /// Whether only reading tells where the file ends. A single file of another file system can be
    /// mounted in a folder, so what is empty there is asked, too.
    pub(super) fn are_unknown(&self, opened: &Stat) -> bool {
        let is_elsewhere = opened.device != self.device;
        (opened.size == 0 && (self.may_hide_content || is_elsewhere)) || (self.is_pseudo && !is_elsewhere)
    }
}
