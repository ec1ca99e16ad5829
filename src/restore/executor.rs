//! Executes windows in the order in which they were planned: the content of files, and when enough of
//! them wait for it, a sync and their names; then links to them, then the metadata of the folders
//! around them.
//!
//! It runs in a thread of its own, so that the next window is planned and its folders are made
//! meanwhile. A folder is left only after everything in it was planned, so it is never finished while
//! something is still to be made in it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::Receiver;

use rayon::prelude::*;

use super::folders;
use super::frames::Frames;
use super::links::{LinkInWork, LinkKey, Linked, Role, make_link};
use super::plan_file::{PlannedFile, plan_file};
use super::window::{FolderInWork, Window};
use super::writer::Writer;
use crate::error::Result;

/// What executes.
pub(super) struct Executor<'w> {
    writer: &'w Writer<'w>,
    frames: Frames,
    /// Links and folders that wait for the names of files.
    waiting: Window,
}

impl<'w> Executor<'w> {
    pub fn new(writer: &'w Writer<'w>) -> Self {
        Self { writer, frames: Frames::default(), waiting: Window::default() }
    }

    /// Executes what comes until nothing more does. Files that are complete get their names also when
    /// something else ends the restore.
    ///
    /// # Errors
    /// What ends the restore.
    pub fn run(mut self, windows: &Receiver<Window>) -> Result<()> {
        match windows.iter().try_for_each(|window| self.execute(window)) {
            Ok(()) => self.finish_waiting(),
            Err(error) => {
                // The first error counts. After a sync that failed nothing waits any more.
                let _ = self.writer.staging.name_all(self.writer);
                Err(error)
            }
        }
    }

    fn execute(&mut self, mut window: Window) -> Result<()> {
        self.write_files(&mut window)?;
        self.waiting.take_rest(window);
        let limits = &self.writer.task.request.window;
        let is_due = self.waiting.waiting().is_none_or(|others| self.writer.staging.is_full(others, limits));
        if is_due { self.finish_waiting() } else { Ok(()) }
    }

    /// Gives files their names, and does all that waited for that.
    fn finish_waiting(&mut self) -> Result<()> {
        self.writer.staging.name_all(self.writer)?;
        let mut window = std::mem::take(&mut self.waiting);
        let mut links = std::mem::take(&mut window.links);
        // Names that are files now because their first could not be had, and wait for no other window.
        let mut firsts = HashSet::new();
        while !links.is_empty() {
            for link in std::mem::take(&mut links) {
                self.writer.task.check()?;
                self.make_link(link, &mut window, &mut firsts)?;
            }
            self.write_files(&mut window)?;
            self.writer.staging.name_all(self.writer)?;
            links = std::mem::take(&mut window.links);
        }
        self.finish_folders(std::mem::take(&mut window.folders))
    }

    fn make_link(&mut self, link: LinkInWork, window: &mut Window, firsts: &mut HashSet<LinkKey>) -> Result<()> {
        let planned = |link: LinkInWork| PlannedFile { folder: link.folder, node: link.node, way: link.way, ordinal: link.ordinal };
        let (file, first) = match make_link(self.writer, link)? {
            Linked::Done => return Ok(()),
            Linked::Refused(link) => (planned(link), None),
            Linked::NoFirst(link) => match self.writer.links.join_again(link.key) {
                Role::Later(key) if firsts.contains(&key) => {
                    window.links.push(LinkInWork { key, ..link });
                    return Ok(());
                }
                // Its first was planned meanwhile, for a later window: not to be waited for.
                Role::Alone | Role::Later(_) => (planned(link), None),
                Role::First(key) => {
                    firsts.insert(key);
                    (planned(link), Some(key))
                }
            },
        };
        let Self { writer, frames, .. } = self;
        plan_file(writer, window, file, first, &mut |window| write_files(writer, frames, window))
    }

    fn write_files(&mut self, window: &mut Window) -> Result<()> {
        write_files(self.writer, &mut self.frames, window)
    }

    /// Gives folders their metadata, the deepest first: one that must not be entered would hide those in it.
    fn finish_folders(&self, folders: Vec<FolderInWork>) -> Result<()> {
        let mut levels: BTreeMap<Reverse<usize>, Vec<FolderInWork>> = BTreeMap::new();
        for folder in folders {
            let is_top = folder.relative.is_empty();
            let depth = if is_top { 0 } else { 1 + folder.relative.iter().filter(|byte| **byte == b'/').count() };
            levels.entry(Reverse(depth)).or_default().push(folder);
        }
        for level in levels.values() {
            level.par_iter().try_for_each(|folder| {
                self.writer.task.check()?;
                folders::finish(self.writer, folder)
            })?;
        }
        Ok(())
    }
}

fn write_files(writer: &Writer<'_>, frames: &mut Frames, window: &mut Window) -> Result<()> {
    frames.execute(writer, window);
    window.take_files();
    writer.task.check()
}
