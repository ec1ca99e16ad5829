//! The difference between a place in a snapshot and a file or folder of this machine as it is now.
//!
//! Both sides are merged by name, folder by folder. A file whose length and stamps are those that the snapshot saw, and
//! that had settled by then, is taken for the same; any other is read and compared by the ids of its chunks, so that no
//! stored content is read. So a folder that was restored elsewhere is compared byte by byte.
//!
//! What the snapshot was told to leave out is no difference: the patterns of its run apply to what it does not have, by
//! the path that it would have had in the snapshot.

use crate::cancel::check_cancelled;
use std::collections::BTreeMap;

use super::diff::DiffOutcome;
use super::live_entry::{LiveFolder, LiveRoot, has_same_content};
use super::place::{Place, is_at_or_below};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Change, ChangeKind, Content, Manifest, Node, Unwanted, classify_change};
use crate::progress::{Finding, FindingKind, Progress};
use crate::repository::ChunkReader;
use crate::source::{FileType, Filter, Folder, Owners, Stat, has_cache_tag};
use crate::trees::NodeStream;
use crate::units::PathText;
use crate::wire::Extensions;

/// So many levels keep their handle; the ones above are opened again when the walk returns to them.
const OPEN_LEVELS: usize = 64;
/// Stamps that were younger when the snapshot began may hide a change (see `snapshot::compare`).
const SETTLED_SECONDS: i64 = 2;

/// Hands out what differs between `old` and the file or folder at `live`, an absolute path, in the order of names.
/// Paths are those of this machine, for what is gone those of the snapshot. Renames are not looked for. `own` are folders
/// of this program, as (device, inode), that no snapshot holds.
///
/// # Errors
/// `NotFound` when either side is not there; `Unsupported`, `Interrupted`, those of `each`.
pub fn diff_live(
    reader: &ChunkReader,
    old: &Place<'_>,
    live: &[u8],
    own: &[(u64, u64)],
    each: &mut dyn FnMut(&Change) -> Result<()>,
    progress: &dyn Progress,
) -> Result<DiffOutcome> {
    let manifest = old.manifest();
    let root = LiveRoot::open(live)?;
    let old_node = old.find(reader)?;
    if old_node.is_none() && !old.is_whole() {
        return Err(old.nothing_there());
    }
    let mut comparison = Comparison {
        reader,
        manifest,
        old,
        root: &root,
        own,
        filter: Filter::following_links_of(&manifest.options.excludes, manifest.followed()?)?,
        unwanted: manifest.unwanted()?,
        owners: Owners::default(),
        relative: Vec::new(),
        levels: Vec::new(),
        outcome: DiffOutcome::default(),
        each,
        progress,
    };
    let seen = root.stat()?;
    let new = match root.folder() {
        Some(_) => comparison.describe_folder(old_node.as_ref(), &seen)?,
        None => comparison.describe(old_node.as_ref(), root.parent(), root.name(), &seen)?,
    };
    let Some(new) = new else {
        return Err(Error::new(ErrorKind::Invalid, format!("{} is a socket, which no snapshot holds", PathText(live))));
    };
    comparison.tell(old_node.as_ref(), Some(&new))?;
    comparison.enter(old_node, Some(&new))?;
    comparison.walk()?;
    Ok(comparison.outcome)
}

/// A folder that is on at least one side.
struct Level<'r> {
    /// The entries that the snapshot has; none where it has no folder here.
    old: Option<NodeStream<'r>>,
    /// The next of them.
    next: Option<Node>,
    /// The folder itself, as the snapshot has it.
    folder: Option<Node>,
    /// The entries that are here now, those to come.
    live: BTreeMap<Vec<u8>, Stat>,
    /// None while it is closed, and where there is no folder now.
    handle: Option<LiveFolder>,
    /// How much of the path leads to this folder.
    path_bytes: usize,
}

struct Comparison<'c, 'm, 'r> {
    reader: &'r ChunkReader,
    manifest: &'m Manifest,
    old: &'c Place<'m>,
    root: &'c LiveRoot,
    own: &'c [(u64, u64)],
    filter: Filter,
    unwanted: Unwanted,
    owners: Owners,
    /// The path below the two places; empty for these, else it begins with a slash.
    relative: Vec<u8>,
    levels: Vec<Level<'r>>,
    outcome: DiffOutcome,
    each: &'c mut dyn FnMut(&Change) -> Result<()>,
    progress: &'c dyn Progress,
}

impl Comparison<'_, '_, '_> {
    fn walk(&mut self) -> Result<()> {
        while let Some(level) = self.levels.last_mut() {
            check_cancelled(self.progress)?;
            self.relative.truncate(level.path_bytes);
            if level.next.is_none() {
                match level.old.as_mut().map_or(Ok(None), NodeStream::next_node) {
                    Ok(next) => level.next = next,
                    Err(error) if error.is_damage() => {
                        let message = format!("cannot compare the rest of this folder: {error}");
                        self.progress.report(Finding::new(FindingKind::Damaged, self.old.join(&self.relative), message));
                        self.outcome.unreadable += 1;
                        self.levels.pop();
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            let first = level.live.first_key_value().map(|(name, _)| name.clone());
            let old_name = level.next.as_ref().map(|node| &node.name);
            let takes_old = old_name.is_some_and(|old| first.as_ref().is_none_or(|new| old <= new));
            let takes_new = first.as_ref().is_some_and(|new| old_name.is_none_or(|old| new <= old));
            let old = if takes_old { level.next.take() } else { None };
            let new = if takes_new { level.live.pop_first() } else { None };
            let Some(name) = old.as_ref().map(|node| node.name.clone()).or(first) else {
                self.levels.pop();
                continue;
            };
            // `/` as a source is the top itself, whose path is empty here.
            if name != b"/" {
                self.relative.push(b'/');
                self.relative.extend_from_slice(&name);
            }
            self.meet(old, &name, new.map(|(_, stat)| stat))?;
        }
        Ok(())
    }

    /// Looks at what stands under one name on both sides.
    fn meet(&mut self, old: Option<Node>, name: &[u8], stat: Option<Stat>) -> Result<()> {
        let Some(stat) = stat else {
            self.tell(old.as_ref(), None)?;
            return self.enter(old, None);
        };
        let at = self.levels.len() - 1;
        let Some(folder) = self.open_level(at)? else { return Ok(()) };
        if old.is_none() && self.is_left_out(at, &folder, name, &stat)? {
            self.levels[at].handle = Some(folder);
            return Ok(());
        }
        let described = self.describe(old.as_ref(), folder.folder(), name, &stat);
        self.levels[at].handle = Some(folder);
        let new = match described {
            Ok(new) => new,
            // It went meanwhile.
            Err(error) if error.is_not_found() || error.kind() == ErrorKind::Changed => None,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) if error.is_damage() => return self.miss(FindingKind::Damaged, self.old.join(&self.relative), &error),
            Err(error) => return self.miss(FindingKind::Unreadable, self.live_path(), &error),
        };
        if new.is_none() && old.is_none() {
            return Ok(());
        }
        self.tell(old.as_ref(), new.as_ref())?;
        self.enter(old, new.as_ref())
    }

    /// Tells of a difference, if there is one.
    fn tell(&mut self, old: Option<&Node>, new: Option<&Node>) -> Result<()> {
        let kind = match (old, new) {
            // Folders above the sources change by what nobody saved.
            (Some(old), Some(_)) if matches!(old.content, Content::Ancestor) => None,
            (Some(old), Some(new)) => classify_change(old, new),
            (Some(_), None) => Some(ChangeKind::Removed),
            (None, Some(_)) if self.relative.is_empty() => None,
            (None, Some(_)) => Some(ChangeKind::Added),
            (None, None) => None,
        };
        let Some(kind) = kind else { return Ok(()) };
        self.outcome.counts.count(kind);
        let path = if new.is_some() { self.live_path() } else { self.old.join(&self.relative) };
        (self.each)(&Change { kind, path, from: None, old: old.cloned(), new: new.cloned() })
    }

    /// Goes into what is a folder on either side.
    fn enter(&mut self, old: Option<Node>, new: Option<&Node>) -> Result<()> {
        let old_entries = match old.as_ref().map(|node| &node.content) {
            Some(Content::Directory(tree)) => Some(NodeStream::new(self.reader, tree)),
            Some(Content::Ancestor) => Some(NodeStream::of_nodes(self.reader, self.old.roots_below(&self.relative))),
            // The top of a snapshot is a folder even where no entry describes it.
            None if self.relative.is_empty() => Some(NodeStream::of_nodes(self.reader, self.old.roots_below(b""))),
            _ => None,
        };
        let (mut live, mut handle) = (BTreeMap::new(), None);
        if new.is_some_and(Node::is_directory) {
            match self.root.open_below(&self.relative).and_then(|folder| Ok((folder.list()?, folder))) {
                Ok((listed, folder)) => (live, handle) = (listed, Some(folder)),
                Err(error) if error.is_not_found() => {}
                // What is in it is unknown, and neither gone nor new.
                Err(error) => return self.miss(FindingKind::Unreadable, self.live_path(), &error),
            }
        }
        if old_entries.is_none() && handle.is_none() {
            return Ok(());
        }
        if let Some(above) = self.levels.len().checked_sub(OPEN_LEVELS) {
            self.levels[above].handle = None;
        }
        self.levels.push(Level { old: old_entries, next: None, folder: old, live, handle, path_bytes: self.relative.len() });
        Ok(())
    }

    /// The handle of a level, opened again where it was closed; the caller puts it back.
    fn open_level(&mut self, at: usize) -> Result<Option<LiveFolder>> {
        let level = &mut self.levels[at];
        if let Some(handle) = level.handle.take() {
            return Ok(Some(handle));
        }
        match self.root.open_below(&self.relative[..level.path_bytes]) {
            Ok(folder) => Ok(Some(folder)),
            Err(error) => {
                level.live.clear();
                self.miss(FindingKind::Unreadable, self.live_path(), &error)?;
                Ok(None)
            }
        }
    }

    /// Whether the run of the snapshot would have left out something that it does not have.
    fn is_left_out(&self, at: usize, folder: &LiveFolder, name: &[u8], stat: &Stat) -> Result<bool> {
        let above = self.levels[at].folder.as_ref();
        let is_folder = stat.is_directory();
        // Of a folder above its sources it looked at these alone.
        if above.is_some_and(|node| matches!(node.content, Content::Ancestor) || node.is_unseen(name)) || (above.is_none() && at == 0) {
            return Ok(true);
        }
        if self.is_excluded(is_folder) || (is_folder && self.own.contains(&stat.identity())) {
            return Ok(true);
        }
        if !is_folder {
            return Ok(stat.is_file() && self.unwanted.is_too_large(stat.size));
        }
        if self.manifest.options.one_file_system && folder.stat().device != stat.device {
            return Ok(true);
        }
        let Ok(below) = folder.folder().open_below(name) else { return Ok(false) };
        let is_marked = || self.unwanted.marks.iter().any(|mark| below.stat(mark).is_ok());
        Ok((self.manifest.options.exclude_caches && has_cache_tag(&below)) || is_marked())
    }

    /// Whether the patterns of the run leave out what lies here. Those that cover a whole source were not meant for it.
    fn is_excluded(&self, is_folder: bool) -> bool {
        let path = self.old.join(&self.relative);
        let sources = self.manifest.paths.iter().filter(|source| is_at_or_below(&path, source.strip_suffix(b"/").unwrap_or(source)));
        let unmeant: Vec<usize> = sources.flat_map(|source| self.filter.covering(source)).collect();
        self.filter.is_any_excluded([path.as_slice()], is_folder, &unmeant)
    }

    /// What stands here now, as a snapshot would have it; `None` for what no snapshot holds.
    fn describe(&self, old: Option<&Node>, folder: &Folder, name: &[u8], stat: &Stat) -> Result<Option<Node>> {
        let content = match stat.file_type {
            FileType::Directory => Content::Ancestor,
            FileType::Symlink => Content::Symlink(folder.read_link(name)?),
            FileType::Fifo => Content::Fifo,
            FileType::CharDevice(major, minor) => Content::CharDevice(major, minor),
            FileType::BlockDevice(major, minor) => Content::BlockDevice(major, minor),
            FileType::File => match old.map(|node| &node.content) {
                Some(content @ Content::File(bytes, list)) if *bytes == stat.size => {
                    let is_same = self.has_settled(old, stat) || has_same_content(self.reader, list, folder, name, stat, self.progress)?;
                    if is_same { content.clone() } else { LiveFolder::other_content(stat) }
                }
                _ => LiveFolder::other_content(stat),
            },
            _ => return Ok(None),
        };
        let metadata = match old {
            Some(node) if self.has_settled(old, stat) => node.metadata.clone(),
            _ => LiveFolder::metadata(folder, name, stat, &self.owners),
        };
        let name = old.map_or_else(|| name.to_vec(), |node| node.name.clone());
        Ok(Some(Node { name, metadata, content, flags: 0, extensions: Extensions::none() }))
    }

    /// The folder at the top, which has no name here.
    fn describe_folder(&self, old: Option<&Node>, stat: &Stat) -> Result<Option<Node>> {
        let metadata = match (old, self.root.folder()) {
            (Some(node), _) if self.has_settled(old, stat) => node.metadata.clone(),
            (_, Some(folder)) => LiveFolder::metadata_of_folder(folder, stat, &self.owners),
            (_, None) => return Ok(None),
        };
        let name = old.map_or_else(Vec::new, |node| node.name.clone());
        Ok(Some(Node { name, metadata, content: Content::Ancestor, flags: 0, extensions: Extensions::none() }))
    }

    /// Whether nothing can have changed since the snapshot saw it: it has the same inode and stamps, and they were old then.
    fn has_settled(&self, old: Option<&Node>, stat: &Stat) -> bool {
        old.is_some_and(|node| {
            let metadata = &node.metadata;
            let limit = self.manifest.started_at.plus_seconds(-SETTLED_SECONDS);
            (metadata.inode, metadata.mtime, metadata.ctime) == (stat.inode, stat.mtime, stat.ctime)
                && metadata.ctime < limit
                && self.manifest.clocks.is_empty()
                && node.flags == 0
        })
    }

    fn live_path(&self) -> Vec<u8> {
        self.root.join(&self.relative)
    }

    fn miss(&mut self, kind: FindingKind, path: Vec<u8>, error: &Error) -> Result<()> {
        self.outcome.unreadable += 1;
        self.progress.report(Finding::new(kind, path, format!("cannot be compared: {error}")));
        Ok(())
    }
}
