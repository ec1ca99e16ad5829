//! The restore itself: walks, plans, executes window by window, and winds up.

use std::collections::HashSet;
use std::sync::Arc;

use super::content::{Piece, each_piece};
use super::dry_run::DryRun;
use super::entries::{Entered, Left, Start, Visitor, visit};
use super::files::FileInWork;
use super::folders;
use super::frames::Frames;
use super::in_the_way::{NamesBefore, Way, decide};
use super::links::{LinkInWork, LinkKey, Linked, Role, apply_flags, make_link};
use super::outcome::{Count, Outcome};
use super::request::Request;
use super::specials;
use super::task::{Task, join, with_causes};
use super::verify::Verify;
use super::window::{FolderInWork, Want, Window};
use super::writer::Writer;
use crate::error::{Error, Result};
use crate::manifest::{Content, Manifest, Node};
use crate::progress::{FindingKind, Progress};
use crate::repository::ChunkReader;
use crate::target::Destination;

/// Restores what `request` asks for of the snapshot `manifest`. What concerns one entry only is
/// reported to `progress` and counted; the rest goes on. It is durable when this returns.
///
/// # Errors
/// `NotFound` when the snapshot does not have the path; `Full`; `Interrupted`; those of opening the
/// destination, and of the last sync. Files that were complete stay, those in work are removed.
pub fn run(reader: &ChunkReader<'_>, manifest: &Manifest, request: &Request<'_>, progress: &dyn Progress) -> Result<Outcome> {
    let task = Task::new(reader, request, progress);
    progress.stage("restore");
    let start = Start::find(&task, manifest)?;
    if request.dry_run {
        let destination = match Destination::open(&request.destination, false) {
            Ok(destination) => Some(destination),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        visit(&task, manifest, &start, &mut DryRun::new(&task, destination))?;
        return Ok(task.tally.outcome());
    }
    let writer = Writer::new(&task, Destination::open(&request.destination, true)?);
    let mut restore = Restore::new(&writer);
    visit(&task, manifest, &start, &mut restore)?;
    restore.execute_window()?;
    let blocked = std::mem::take(&mut restore.blocked);
    drop(restore);
    apply_flags(&writer);
    writer.destination.sync()?;
    if request.verify {
        progress.stage("verify");
        let mut verify = Verify::new(&writer, &blocked);
        visit(&task, manifest, &start, &mut verify)?;
        verify.flush()?;
    }
    task.notes.sum_up(progress);
    Ok(task.tally.outcome())
}

/// The walk that restores.
struct Restore<'w> {
    writer: &'w Writer<'w>,
    window: Window,
    frames: Frames,
    /// For each folder on the way down the names that it had before.
    before: Vec<NamesBefore>,
    /// The folder of the last entry, shared by the files in it.
    folder: Arc<[u8]>,
    /// Folders that could not be made.
    blocked: HashSet<Vec<u8>>,
    /// The number of the next entry.
    ordinal: u64,
    destination_keeps_metadata: bool,
}

impl<'w> Restore<'w> {
    fn new(writer: &'w Writer<'w>) -> Self {
        Self {
            writer,
            window: Window::default(),
            frames: Frames::default(),
            before: Vec::new(),
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

    /// Plans a regular file; a long one is executed in parts.
    fn plan_file(&mut self, folder: Arc<[u8]>, node: Node, way: Way, link: Option<LinkKey>, ordinal: u64) -> Result<()> {
        let Content::File(_, list) = &node.content else { return Ok(()) };
        let file = Arc::new(FileInWork::new(folder, &node, way, link, ordinal));
        let (reader, limits) = (self.writer.task.reader, self.writer.task.request.window);
        let mut number = self.window.add_file(&file);
        each_piece(reader, list, &mut |piece| {
            file.set_ends_with_hole(matches!(piece, Piece::Hole));
            match piece {
                Piece::Hole => {}
                Piece::Lost(range) => file.add_missing(range),
                Piece::Chunk(id, offset, bytes) => {
                    file.expect_piece();
                    let places = reader.places(&id).unwrap_or_default();
                    self.window.add_chunk(Want { id, file: number, bytes, offset }, &places);
                    if self.window.has_chunks_enough(&limits) {
                        self.execute_frames()?;
                        number = self.window.add_file(&file);
                    }
                }
            }
            if self.writer.task.is_over() { self.writer.task.check() } else { Ok(()) }
        })?;
        if file.settle(1) {
            self.window.ready.push(number);
        }
        Ok(())
    }

    /// Writes the files that are planned.
    fn execute_frames(&mut self) -> Result<()> {
        self.frames.execute(self.writer, &self.window);
        self.window.forget_files();
        self.writer.task.check()
    }

    /// Executes everything that is planned: files, then links to them, then folders around them.
    fn execute_window(&mut self) -> Result<()> {
        loop {
            self.execute_frames()?;
            for link in std::mem::take(&mut self.window.links) {
                self.writer.task.check()?;
                match make_link(self.writer, link)? {
                    Linked::Done => {}
                    Linked::NoFirst(LinkInWork { key, folder, node, way, ordinal }) => {
                        self.add_file(folder, node, way, key.0, ordinal)?;
                    }
                    Linked::Refused(LinkInWork { folder, node, way, ordinal, .. }) => self.plan_file(folder, node, way, None, ordinal)?,
                }
            }
            if self.window.files.is_empty() && self.window.links.is_empty() {
                break;
            }
        }
        for folder in std::mem::take(&mut self.window.folders) {
            self.writer.task.check()?;
            let keeps_metadata = folder.relative.is_empty() && self.destination_keeps_metadata;
            folders::finish(self.writer, &folder, keeps_metadata)?;
        }
        self.window = Window::default();
        Ok(())
    }

    fn add_file(&mut self, folder: Arc<[u8]>, node: Node, way: Way, root: usize, ordinal: u64) -> Result<()> {
        match self.writer.links.join(root, &node) {
            Role::Alone => self.plan_file(folder, node, way, None, ordinal),
            Role::First(key) => self.plan_file(folder, node, way, Some(key), ordinal),
            Role::Later(key) => {
                self.window.links.push(LinkInWork { key, folder, node, way, ordinal });
                Ok(())
            }
        }
    }

    /// Makes a link, pipe or device at once: a further name of one that was made links to it.
    fn make_special(&mut self, folder: &[u8], mut node: Node, mut way: Way, root: usize, ordinal: u64) -> Result<()> {
        let role = self.writer.links.join(root, &node);
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

    fn decide(&self, folder: &[u8], node: &Node) -> Result<Way> {
        let Some(before) = self.before.last().filter(|before| !before.is_empty()) else { return Ok(Way::Free) };
        decide(&*self.writer.destination.folder(folder)?, before, node, self.writer.task.request.overwrite)
    }
}

impl Visitor for Restore<'_> {
    fn enter(&mut self, relative: &[u8], _: Option<&Node>) -> Result<Entered> {
        const NONE: &NamesBefore = &Vec::new();
        let (entered, before) = folders::make(self.writer, self.before.last().unwrap_or(NONE), relative)?;
        if entered == Entered::Not {
            self.blocked.insert(relative.to_vec());
            return Ok(entered);
        }
        if relative.is_empty() {
            self.destination_keeps_metadata = folders::destination_keeps_metadata(&before, self.writer.task.request.overwrite);
        }
        self.before.push(before);
        Ok(entered)
    }

    fn entry(&mut self, folder: &[u8], node: Node, root: usize) -> Result<()> {
        let task = self.writer.task;
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let way = match self.decide(folder, &node) {
            Ok(way) => way,
            Err(error) => return task.fail_entry(&join(folder, &node.name), error),
        };
        match way {
            Way::Unchanged(existing) => {
                task.tally.add(Count::Unchanged);
                if let Role::First(key) = self.writer.links.join(root, &node) {
                    let folder = self.share_folder(folder);
                    self.writer.links.place(key, &folder, &node.name, existing.identity);
                }
                return Ok(());
            }
            Way::Leave => {
                task.tally.add(Count::Left);
                task.report(FindingKind::LeftAsIs, &join(folder, &node.name), "left as it is: it differs from the snapshot");
                return Ok(());
            }
            Way::Free | Way::Replace { .. } => {}
        }
        task.progress.add_total(1, node.file_bytes());
        if matches!(node.content, Content::File(..)) {
            let folder = self.share_folder(folder);
            self.add_file(folder, node, way, root, ordinal)?;
        } else {
            self.make_special(folder, node, way, root, ordinal)?;
        }
        if self.window.is_full(&task.request.window) { self.execute_window() } else { Ok(()) }
    }

    fn leave(&mut self, left: Left<'_>) -> Result<()> {
        self.before.pop();
        let Some(node) = left.node else { return Ok(()) };
        self.window.add_folder(FolderInWork {
            path: left.path.to_vec(),
            relative: left.relative.to_vec(),
            node,
            is_complete: left.is_complete,
            is_included: left.is_included,
        });
        if self.window.is_full(&self.writer.task.request.window) { self.execute_window() } else { Ok(()) }
    }

    fn unreadable(&mut self, relative: &[u8], error: Error) {
        self.writer.task.tally.add(Count::Damaged);
        self.writer.task.report(FindingKind::Damaged, relative, format!("some entries cannot be read: {}", with_causes(&error)));
    }
}
