//! When is a file unchanged since the base, so that it need not be read?
//!
//! Not when the time stamps of the base could hide a change: a file that was written in the same
//! moment in which it was saved may have been written again with the same stamps. A node of the base
//! is settled when its stamps are more than two seconds (more where pages were not written out, see
//! `writeback`) older than the start of the base's run and,
//! where another machine makes the stamps, older than the newest of them.

use super::writeback::settle_seconds;
use crate::manifest::{Content, FileSystemClock, Manifest, NODE_CHANGED_WHILE_READ, NODE_INCOMPLETE, Node, StatTrust};
use crate::source::{FileSystem, FileType, Stat};
use crate::units::Timestamp;

/// What may be taken from the base on one file system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trust {
    stat_trust: StatTrust,
    /// Stamps must be older; `None`: nothing is settled.
    settled_before: Option<Timestamp>,
    /// What has length 0 may have content.
    may_hide_content: bool,
}

impl Trust {
    /// The trust in the nodes of `base` that lie on `file_system`.
    pub(super) fn new(base: &Manifest, file_system: &FileSystem, chosen: Option<StatTrust>) -> Self {
        let stat_trust = chosen.unwrap_or_else(|| file_system.default_stat_trust());
        let own_clock = file_system.has_own_clock().then_some(file_system.id);
        // Nobody stamps what the kernel makes up when it is read.
        let settled_before = if file_system.is_pseudo() { None } else { settled_before(base, own_clock) };
        Self { stat_trust, settled_before, may_hide_content: file_system.may_hide_content() }
    }

    /// Whether the entry with `stat` is as `node`, an entry of the base of the same name, says.
    pub(super) fn is_unchanged(&self, node: &Node, stat: &Stat) -> bool {
        let metadata = &node.metadata;
        let Some(limit) = self.settled_before else { return false };
        let is_settled = metadata.mtime < limit && (metadata.ctime < limit || self.stat_trust == StatTrust::Mtime);
        let same_type = match (&node.content, stat.file_type) {
            (Content::File(bytes, _), FileType::File) => *bytes == stat.size && (*bytes > 0 || !self.may_hide_content),
            (Content::Directory(_), FileType::Directory) | (Content::Symlink(_), FileType::Symlink) | (Content::Fifo, FileType::Fifo) => {
                true
            }
            (Content::CharDevice(major, minor), FileType::CharDevice(a, b)) => (*major, *minor) == (a, b),
            (Content::BlockDevice(major, minor), FileType::BlockDevice(a, b)) => (*major, *minor) == (a, b),
            _ => false,
        };
        let same_stamps = metadata.mtime == stat.mtime
            && (self.stat_trust == StatTrust::Mtime || metadata.ctime == stat.ctime)
            && (self.stat_trust != StatTrust::Full || metadata.inode == stat.inode);
        let same_owner = (metadata.mode, metadata.uid, metadata.gid) == (stat.mode, stat.uid, stat.gid);
        same_type && same_stamps && same_owner && is_settled && node.flags & (NODE_CHANGED_WHILE_READ | NODE_INCOMPLETE) == 0
    }
}

fn settled_before(base: &Manifest, own_clock: Option<u64>) -> Option<Timestamp> {
    let back = -settle_seconds(base);
    let start = base.started_at.plus_seconds(back);
    match own_clock {
        None => Some(start),
        Some(id) => {
            let clock: &FileSystemClock = base.clocks.iter().find(|clock| clock.file_system == id)?;
            Some(start.min(clock.newest.plus_seconds(back)))
        }
    }
}

/// Whether two looks at one open file saw the same content.
pub(super) fn held_still(before: &Stat, after: &Stat) -> bool {
    (before.size, before.mtime, before.ctime) == (after.size, after.mtime, after.ctime)
}
