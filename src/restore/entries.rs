//! The walk over what is selected of a snapshot, and where each entry goes.
//!
//! A folder that is only above something selected is visited when the first selected entry below it
//! comes, so that a restore of one kind of file leaves no empty folders behind. So are those above what is restored
//! in its place. The path in the
//! destination is one buffer with a length for each level: a tree of many levels costs no memory
//! that grows with the square of its depth.

use super::start::{Start, ends_above};
use super::task::{Task, push_name};
use crate::error::{Error, Result};
use crate::manifest::{Content, Manifest, Node};
use crate::platform::failure::is_shortage;
use crate::trees::{SnapshotView, Step, Walk, read_ahead};

/// Folders nest no deeper in any snapshot that was taken from a file system of this world.
const DEPTH_MAX: usize = 16_384;

/// What became of a folder that was entered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entered {
    /// It is there, under its own name.
    Here,
    /// It is there, under this other name.
    Under(Vec<u8>),
    /// It is not; its entries are left out.
    Not,
}

/// A folder that was entered and is left now.
pub(super) struct Left<'n> {
    /// Its absolute path in the snapshot.
    pub path: &'n [u8],
    /// Its path in the destination.
    pub relative: &'n [u8],
    /// The entry; none for a destination that stands for no folder of the snapshot.
    pub node: Option<Node>,
    /// False when some of its entries could not be read or were not asked for.
    pub is_complete: bool,
    /// True when everything below it was taken in.
    pub is_included: bool,
    /// True when it was asked for itself, and is not only the way to something.
    pub is_selected: bool,
}

/// What is done on a walk. Errors end it.
pub(super) trait Visitor {
    /// A folder, before anything in it; `relative` is its path in the destination. `passed` is its entry
    /// when it is only the way to something that was asked for.
    fn enter(&mut self, relative: &[u8], passed: Option<&Node>) -> Result<Entered>;
    /// Anything but a folder, in the folder `folder` of the destination. `root` is the number of the
    /// source that it lies below.
    fn entry(&mut self, folder: &[u8], node: Node, root: usize) -> Result<()>;
    /// A folder that was entered, after everything in it.
    fn leave(&mut self, left: Left<'_>) -> Result<()>;
    /// Entries of the folder `relative` that cannot be read.
    fn unreadable(&mut self, relative: &[u8], error: Error);
}

struct Level {
    node: Option<Node>,
    root: usize,
    /// The length of the path in the destination, with and without this folder.
    end: usize,
    begin: usize,
    is_entered: bool,
    is_included: bool,
    is_selected: bool,
    is_complete: bool,
    is_blocked: bool,
}

/// One walk in progress.
struct Entries<'t, 'v> {
    task: &'t Task<'t>,
    manifest: &'t Manifest,
    visitor: &'v mut dyn Visitor,
    levels: Vec<Level>,
    relative: Vec<u8>,
}

/// Shows everything that is selected to `visitor`, folders before their entries, names in order.
///
/// # Errors
/// Those of the visitor; `Interrupted`.
pub(super) fn visit(task: &Task<'_>, manifest: &Manifest, start: &Start, visitor: &mut dyn Visitor) -> Result<()> {
    read_ahead(task.reader, |ahead| visit_view(task, manifest, SnapshotView::new(task.reader, manifest).with_ahead(ahead), start, visitor))
}

fn visit_view(task: &Task<'_>, manifest: &Manifest, view: SnapshotView<'_>, start: &Start, visitor: &mut dyn Visitor) -> Result<()> {
    let mut entries = Entries { task, manifest, visitor, levels: Vec::new(), relative: Vec::new() };
    let is_included = task.selection.is_included_from_above(&start.path);
    let is_selected = is_included && task.selection.is_changed(&start.path);
    let is_directory = start.node.as_ref().is_some_and(Node::is_directory);
    let folder = start.node.clone().filter(|_| is_directory && start.above.is_none());
    let is_blocked = entries.visitor.enter(b"", None)? == Entered::Not;
    let (root, is_entered, is_complete) = (start.root, true, true);
    let top = Level { node: folder, root, end: 0, begin: 0, is_entered, is_included, is_selected, is_complete, is_blocked };
    entries.levels.push(top);
    let path = if start.path.is_empty() { b"/" } else { start.path.as_slice() };
    // Only on the way: they are entered when there is something to restore.
    for node in start.above.iter().flatten() {
        entries.push(node.clone(), (start.root, false, false));
        // What else is in them was not asked for, by whatever filters.
        entries.levels.iter_mut().for_each(|level| level.is_complete = false);
    }
    match &start.node {
        Some(node) if is_directory && start.above.is_some() => {
            entries.push(node.clone(), (start.root, is_included, is_selected));
            if !is_blocked && (!is_selected || entries.enter_waiting()?) {
                entries.go(view.walk_below(path, node))?;
            }
            entries.leave(path)?;
        }
        Some(node) if is_directory => entries.go(view.walk_below(path, node))?,
        Some(node) if start.above.is_some() => {
            if !is_blocked && entries.enter_waiting()? {
                entries.visitor.entry(&entries.relative, node.clone(), start.root)?;
            }
        }
        Some(node) if !is_blocked => entries.visitor.entry(b"", node.clone(), start.root)?,
        Some(_) => {}
        None => entries.go(view.walk())?,
    }
    for end in ends_above(path).collect::<Vec<_>>().into_iter().rev().filter(|_| start.above.is_some()) {
        entries.leave(&path[..end])?;
    }
    entries.leave(if start.above.is_some() { b"/" } else { path })
}

impl Entries<'_, '_> {
    fn go(&mut self, mut walk: Walk<'_>) -> Result<()> {
        loop {
            self.task.check()?;
            match walk.next_step() {
                Ok(None) => return Ok(()),
                Ok(Some(Step::Leave)) => self.leave(walk.path())?,
                Ok(Some(Step::Entry(node))) => self.step(&mut walk, node)?,
                Err(error) if is_shortage(&error) => return Err(error),
                Err(error) => {
                    let relative = self.relative.clone();
                    if let Some(level) = self.levels.last_mut() {
                        level.is_complete = false;
                    }
                    self.visitor.unreadable(&relative, error);
                }
            }
        }
    }

    fn step(&mut self, walk: &mut Walk<'_>, node: Node) -> Result<()> {
        let Some(above) = self.levels.last() else { return Ok(()) };
        let (path, is_directory) = (walk.path(), node.is_directory());
        let is_included = above.is_included || self.task.selection.is_included(path, is_directory);
        if above.is_blocked || self.task.selection.is_excluded(path, is_directory) {
            walk.skip_entries();
            return Ok(());
        }
        self.task.matched.look_at(self.task.request.include.as_ref(), path, is_directory);
        let is_selected = is_included && self.task.selection.is_changed(path);
        if !is_directory {
            if is_selected && self.enter_waiting()? {
                let root = self.root_of(path);
                self.visitor.entry(&self.relative, node, root)?;
            }
            return Ok(());
        }
        if self.levels.len() > DEPTH_MAX {
            let error = Error::damaged("the tree", format!("folders nest deeper than {DEPTH_MAX} levels"));
            self.visitor.unreadable(&self.relative, error);
            walk.skip_entries();
            return Ok(());
        }
        let root = self.root_of(path);
        self.push(node, (root, is_included, is_selected));
        if is_selected && !self.enter_waiting()? {
            // No step says that a folder is left whose entries are skipped.
            walk.skip_entries();
            self.pop();
        }
        Ok(())
    }

    /// Comes to a folder, which waits to be entered.
    fn push(&mut self, node: Node, (root, is_included, is_selected): (usize, bool, bool)) {
        let begin = self.relative.len();
        push_name(&mut self.relative, &node.name);
        let end = self.relative.len();
        let (is_entered, is_complete, is_blocked) = (false, true, false);
        let node = Some(node);
        self.levels.push(Level { node, root, end, begin, is_entered, is_included, is_selected, is_complete, is_blocked });
    }

    /// Enters the folders on the way that wait for a first entry; false when one of them cannot be.
    fn enter_waiting(&mut self) -> Result<bool> {
        let first = self.levels.iter().rposition(|level| level.is_entered).map_or(0, |at| at + 1);
        for at in first..self.levels.len() {
            let level = &self.levels[at];
            let is_passed = |node: &&Node| !level.is_selected || matches!(node.content, Content::Ancestor);
            match self.visitor.enter(&self.relative[..level.end], level.node.as_ref().filter(is_passed))? {
                Entered::Here => {}
                Entered::Under(name) => self.rename(at, &name),
                Entered::Not => {
                    self.levels[at..].iter_mut().for_each(|level| level.is_blocked = true);
                    return Ok(false);
                }
            }
            self.levels[at].is_entered = true;
        }
        Ok(true)
    }

    /// Gives the folder at the level `at` another name in the destination.
    fn rename(&mut self, at: usize, name: &[u8]) {
        let old_end = self.levels[at].end;
        let below = self.relative.split_off(old_end);
        self.relative.truncate(self.levels[at].begin);
        push_name(&mut self.relative, name);
        let new_end = self.relative.len();
        self.relative.extend_from_slice(&below);
        self.levels[at].end = new_end;
        for level in &mut self.levels[at + 1..] {
            level.begin = level.begin - old_end + new_end;
            level.end = level.end - old_end + new_end;
        }
    }

    fn leave(&mut self, path: &[u8]) -> Result<()> {
        let relative = self.relative.clone();
        match self.pop() {
            Some(level) if level.is_entered && !level.is_blocked => self.visitor.leave(Left {
                path,
                relative: &relative,
                node: level.node,
                is_complete: level.is_complete,
                is_included: level.is_included,
                is_selected: level.is_selected,
            }),
            _ => Ok(()),
        }
    }

    fn pop(&mut self) -> Option<Level> {
        let level = self.levels.pop()?;
        self.relative.truncate(level.begin);
        Some(level)
    }

    /// The number of the source that `path`, directly below the last level, belongs to.
    fn root_of(&self, path: &[u8]) -> usize {
        let Some(above) = self.levels.last() else { return 0 };
        if above.node.as_ref().is_some_and(|node| matches!(node.content, Content::Directory(_))) {
            return above.root;
        }
        self.manifest.entries.binary_search_by(|entry| entry.path.as_slice().cmp(path)).unwrap_or(above.root)
    }
}
