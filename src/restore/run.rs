//! The restore itself: walks and plans, while what was planned is executed window by window, and winds up.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::clear::{Decided, decide_in};
use super::dry_run::DryRun;
use super::entries::{Entered, Left, Start, Visitor, visit};
use super::execute::Executor;
use super::folders;
use super::in_the_way::{NamesBefore, Way};
use super::leftovers;
use super::links::{LinkInWork, Linked, Role, apply_flags, make_link};
use super::matched::report_unmatched;
use super::outcome::{Count, Outcome};
use super::place;
use super::plan::{PlannedFile, plan_name};
use super::records::{Record, clear_after_killed};
use super::repositories::Takes;
use super::request::Request;
use super::set_metadata::set_metadata;
use super::specials;
use super::task::{Task, ended, first_cause, join, with_causes};
use super::verify::Verify;
use super::window::{FolderInWork, Window};
use super::writer::Writer;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, Manifest, Node};
use crate::platform::names;
use crate::progress::{FindingKind, Progress, Stage};
use crate::repository::ChunkReader;
use crate::target::Destination;

/// Restores what `request` asks for of the snapshot `manifest`. What concerns one entry only is
/// reported to `progress` and counted; the rest goes on. It is durable when this returns.
///
/// # Errors
/// `NotFound` when the snapshot does not have the path; `Full`; `Interrupted`; those of opening the
/// destination, and of the last sync. Files that were complete stay, those in work are removed.
pub fn run(reader: &ChunkReader, manifest: &Manifest, request: &Request<'_>, progress: &dyn Progress) -> Result<Outcome> {
    let task = Task::new(reader, manifest, request, progress);
    // Before anything else: nothing may be made in a repository.
    place::check(&request.destination, &request.protected)?;
    progress.stage(Stage::Restore);
    let start = Start::find(&task, manifest)?;
    task.set_origin(start.origin());
    let open = |create| Destination::open_beside(&request.destination, create, Arc::clone(&request.protected));
    if request.dry_run {
        let destination = match open(false) {
            Ok(destination) => Some(destination),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        if let (Some(destination), Some((records, path))) = (&destination, records_of(&task)) {
            clear_after_killed(&task, records, destination, &path)?;
        }
        visit(&task, manifest, &start, &mut DryRun::new(&task, destination)?)?;
        report_unmatched(&task);
        task.notes.sum_up(progress);
        return Ok(task.tally.outcome());
    }
    let writer = Writer::new(&task, open(true)?);
    let _record = write_down(&task, &writer.destination)?;
    let blocked = plan_and_execute(&writer, manifest, &start)?;
    apply_flags(&writer);
    writer.destination.folder(b"")?.end_unfinished()?;
    writer.destination.sync()?;
    if request.verify {
        progress.stage(Stage::ReadBack);
        let mut verify = Verify::new(&writer, &blocked);
        visit(&task, manifest, &start, &mut verify)?;
        verify.flush()?;
    }
    report_unmatched(&task);
    task.notes.sum_up(progress);
    Ok(task.tally.outcome())
}

/// Writes down that this restore runs, after it has removed what killed ones have left.
fn write_down(task: &Task<'_>, destination: &Arc<Destination>) -> Result<Option<Record>> {
    let Some((folder, path)) = records_of(task) else { return Ok(None) };
    clear_after_killed(task, folder, destination, &path)?;
    Ok(Record::begin(folder, &path))
}

/// Where it is written down which restores run, and the destination as it is written there.
fn records_of<'t>(task: &Task<'t>) -> Option<(&'t Path, PathBuf)> {
    let folder = task.request.records.as_deref()?;
    let path = std::fs::canonicalize(names::to_path(&task.request.destination)).ok()?;
    Some((folder, path))
}

/// Walks on this thread, and writes what was planned with all others. Returns the folders that could not
/// be made.
fn plan_and_execute(writer: &Writer<'_>, manifest: &Manifest, start: &Start) -> Result<HashSet<Vec<u8>>> {
    // No window waits in it: one is executed while another is planned, and no third is in memory.
    let (sender, receiver) = sync_channel(0);
    std::thread::scope(|threads| {
        let executing = std::thread::Builder::new()
            .spawn_scoped(threads, move || Executor::new(writer).run(&receiver))
            .map_err(|error| Error::new(ErrorKind::Other, "cannot start a thread").with_source(error))?;
        let mut planning = Planning::new(writer, sender);
        let planned = visit(writer.task, manifest, start, &mut planning).and_then(|()| {
            writer.task.progress.end_total();
            planning.send_window()
        });
        let blocked = std::mem::take(&mut planning.blocked);
        // The channel ends with it, and so does the thread.
        drop(planning);
        let executed = executing.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "the thread that writes files has ended")));
        first_cause(planned, executed).map(|()| blocked)
    })
}

fn send(writer: &Writer<'_>, windows: &SyncSender<Window>, window: Window) -> Result<()> {
    // Who executes has gone when it failed, and has said why.
    windows.send(window).map_err(|_| ended())?;
    writer.task.check()
}

/// The walk that plans.
struct Planning<'w> {
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
    blocked: HashSet<Vec<u8>>,
    /// The number of the next entry.
    ordinal: u64,
    destination_keeps_metadata: bool,
}

impl<'w> Planning<'w> {
    fn new(writer: &'w Writer<'w>, windows: SyncSender<Window>) -> Self {
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
    fn send_window(&mut self) -> Result<()> {
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
