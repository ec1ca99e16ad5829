//! The walk that makes folders at once and plans everything else, window by window.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::clear::{Decided, decide_in};
use super::entries::{Entered, Left, Visitor};
use super::folders;
use super::in_the_way::{NamesBefore, Way};
use super::leftovers;
use super::links::{LinkInWork, Linked, Role, make_link};
use super::outcome::Count;
use super::plan_file::{PlannedFile, plan_name};
use super::repositories::Takes;
use super::set_metadata::set_metadata;
use super::specials;
use super::task::{ended, join, with_causes};
use super::window::{FolderInWork, Window};
use super::writer::Writer;
use crate::error::{Error, Result};
use crate::manifest::{Content, Node};
use crate::progress::FindingKind;

fn send(writer: &Writer<'_>, windows: &SyncSender<Window>, window: Window) -> Result<()> {
    // Who executes has gone when it failed, and has said why.
    windows.send(window).map_err(|_| ended())?;
    writer.task.check()
}

/// The walk that plans.
pub(super) struct Planning<'w> {
    writer: &'w Writer<'w>,
    windows: SyncSender<Window>,
    window: Window,
    /// For each folder on the way down the names that it had before.
    before: Vec<NamesBefore>,
    /// For the same folders whether this restore made them, or what counts as that.
    is_new: Vec<bool>,
    /// For the same folders what they take.
    takes: Vec<Takes>,
    /// The folder of the last entry, shared by the files in it.
    folder: Arc<[u8]>,
    /// Folders that could not be made.
    pub blocked: HashSet<Vec<u8>>,
    /// The number of the next entry.
    ordinal: u64,
    destination_keeps_metadata: bool,
}

impl<'w> Planning<'w> {
    pub fn new(writer: &'w Writer<'w>, windows: SyncSender<Window>) -> Self {
        Self {
            writer,
            windows,
            window: Window::default(),
            before: Vec::new(),
            is_new: Vec::new(),
            takes: Vec::new(),
            folder: Arc::from(&b""[..]),
            blocked: HashSet::new(),
            ordinal: 0,
            destination_keeps_metadata: false,
        }
    }

    fn share_folder(&mut self, folder: &[u8]) -> Arc<[u8]> {
        if *self.folder != *folder {
            self.folder = Arc::from(folder);
            self.window.add_path_bytes(folder.len());
        }
        Arc::clone(&self.folder)
    }

    fn add_file(&mut self, file: PlannedFile, role: Role) -> Result<()> {
        let windows = &self.windows;
        plan_name(self.writer, &mut self.window, file, role, &mut |window| send(self.writer, windows, window.take_files()))
    }

    /// Hands over what is planned.
    pub fn send_window(&mut self) -> Result<()> {
        send(self.writer, &self.windows, std::mem::take(&mut self.window))
    }

    /// Makes a link, pipe or device at once: a further name of one that was made links to it.
    fn make_special(&mut self, folder: &[u8], mut node: Node, mut way: Way, role: Role, ordinal: u64) -> Result<()> {
        let shared = self.share_folder(folder);
        if let Role::Later(key) = role {
            let link = LinkInWork { key, folder: Arc::clone(&shared), node, way, ordinal };
            match make_link(self.writer, link)? {
                Linked::Done => return Ok(()),
                Linked::NoFirst(link) | Linked::Refused(link) => (node, way) = (link.node, link.way),
            }
        }
        let made = specials::make(self.writer, folder, &node, way)?;
        match (role, made) {
            (Role::First(key), Some((name, identity))) => self.writer.links.place(key, &shared, &name, identity),
            (Role::First(key), None) => self.writer.links.forget(key),
            _ => {}
        }
        Ok(())
    }

    /// What the folder takes that the walk is in.
    fn takes(&self) -> Takes {
        self.takes.last().copied().unwrap_or_default()
    }

    fn decide(&self, folder: &[u8], node: &Node, role: Role) -> Result<Decided> {
        let takes = self.takes();
        let is_asked = |before: &&NamesBefore| !before.is_empty() || takes == Takes::Nothing;
        let Some(before) = self.before.last().filter(is_asked) else { return Ok(Decided::Way(Way::Free)) };
        let within = self.writer.destination.folder(folder)?;
        decide_in(self.writer.task, &self.writer.options, &self.writer.links, (&within, folder), (before, takes), (node, role))
    }
}

impl Visitor for Planning<'_> {
    fn enter(&mut self, relative: &[u8], passed: Option<&Node>) -> Result<Entered> {
        const NONE: &NamesBefore = &Vec::new();
        if self.takes().refuses(self.writer.task, &self.writer.destination, relative)? {
            self.blocked.insert(relative.to_vec());
            return Ok(Entered::Not);
        }
        let made = folders::make(self.writer, self.before.last().unwrap_or(NONE), relative, passed)?;
        if made.entered == Entered::Not {
            self.blocked.insert(relative.to_vec());
            return Ok(made.entered);
        }
        let mut names = made.names;
        leftovers::clear(self.writer.task, &self.writer.destination, relative, &mut names)?;
        let is_new = made.is_new || relative.is_empty() && names.is_empty();
        if relative.is_empty() {
            self.destination_keeps_metadata = folders::destination_keeps_metadata(is_new, self.writer.task.request.overwrite);
        }
        let takes = match (self.takes(), names.is_empty()) {
            (Takes::All, true) => Takes::All,
            (around, _) => {
                let placed =
                    if let Entered::Under(name) = &made.entered { join(folders::split_last(relative).0, name) } else { relative.to_vec() };
                Takes::of(&*self.writer.destination.folder(&placed)?, around, is_new, &names)
            }
        };
        self.takes.push(takes);
        self.is_new.push(is_new);
        self.before.push(names);
        Ok(made.entered)
    }

    fn entry(&mut self, folder: &[u8], node: Node, root: usize) -> Result<()> {
        let task = self.writer.task;
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let role = self.writer.links.join(root, &node);
        let way = match self.decide(folder, &node, role) {
            Ok(Decided::Way(way)) => way,
            Ok(Decided::Stays(why)) => {
                self.writer.links.gives_up(role);
                task.tally.add(Count::Left);
                task.report(FindingKind::LeftAsIs, &join(folder, &node.name), why);
                return Ok(());
            }
            Err(error) => {
                self.writer.links.gives_up(role);
                return task.fail_entry(&join(folder, &node.name), error);
            }
        };
        if !matches!(way, Way::Leave(_)) {
            task.warn_of_marks(&join(folder, &node.name), &node);
        }
        match way {
            Way::Unchanged(existing) | Way::SetMetadata(existing) => {
                if way == Way::Unchanged(existing) {
                    task.tally.add(Count::Unchanged);
                } else {
                    set_metadata(self.writer, folder, &node, &existing)?;
                }
                if role != Role::Alone {
                    let folder = self.share_folder(folder);
                    self.writer.links.stays(role, &folder, &node.name, &existing);
                }
                return Ok(());
            }
            Way::Leave(why) => {
                self.writer.links.gives_up(role);
                task.tally.add(Count::Left);
                task.report(FindingKind::LeftAsIs, &join(folder, &node.name), why.to_string());
                return Ok(());
            }
            Way::Free | Way::Replace { .. } => {}
        }
        task.progress.add_total(1, node.file_bytes());
        if matches!(node.content, Content::File(..)) {
            let folder = self.share_folder(folder);
            self.add_file(PlannedFile { folder, node, way, ordinal }, role)?;
        } else {
            self.make_special(folder, node, way, role, ordinal)?;
        }
        if self.window.is_full(&task.request.window) { self.send_window() } else { Ok(()) }
    }

    fn leave(&mut self, left: Left<'_>) -> Result<()> {
        self.before.pop();
        let is_new = self.is_new.pop().unwrap_or_default();
        let takes = self.takes.pop().unwrap_or_default();
        let keeps_metadata = left.relative.is_empty() && self.destination_keeps_metadata;
        if let Some(node) = &left.node {
            self.writer.task.warn_of_marks(left.relative, node);
        }
        let Some(folder) = FolderInWork::of(left, is_new, keeps_metadata, takes) else { return Ok(()) };
        self.window.add_folder(folder);
        if self.window.is_full(&self.writer.task.request.window) { self.send_window() } else { Ok(()) }
    }

    fn unreadable(&mut self, relative: &[u8], error: Error) {
        self.writer.task.tally.add(Count::Damaged);
        self.writer.task.report(FindingKind::Damaged, relative, format!("some entries cannot be read: {}", with_causes(&error)));
    }
}
