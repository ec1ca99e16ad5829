//! A run of consecutive files of one folder, saved by one worker.

use std::sync::Arc;

use super::content::{SaveError, Saver};
use super::failures::{describe, refuse_shortage};
use super::file::save_file;
use super::lengths::Lengths;
use super::listed::{Late, Listed, ROUNDS_MAX};
use super::paths::join;
use super::rules::Rules;
use super::tally::{Tally, add};
use crate::error::{ErrorKind, Result};
use crate::manifest::{NODE_CHANGED_WHILE_READ, Node, Unwanted};
use crate::progress::{Finding, FindingKind, Topic};
use crate::repository::FrameGatherer;
use crate::source::{FileType, Filter, Folder, Owners, Stat};
use crate::units::PathText;

/// A batch has so many files at most …
const FILES_MAX: usize = 64;
/// … and is closed when they have so many bytes.
const BYTES_MAX: u64 = 2 << 20;

/// A file that must be read.
pub(super) struct Pending {
    pub name: Vec<u8>,
    pub stat: Stat,
}

/// Files of one folder that will be read one after the other.
pub(super) struct Batch {
    pub folder: Arc<Folder>,
    /// The path of the folder.
    pub path: Vec<u8>,
    pub files: Vec<Pending>,
    pub bytes: u64,
    pub lengths: Lengths,
    /// What else is known of the folder; not of one that is on the way to a file that was named as a source.
    pub beside: Option<Beside>,
}

/// What a batch must know of its folder to save what came late.
pub(super) struct Beside {
    pub listed: Arc<Listed>,
    pub rules: Rules,
}

/// What saving a batch needs.
pub(super) struct Saving<'b, 's> {
    pub saver: &'b Saver<'s>,
    pub owners: &'b Owners,
    pub tally: &'b Tally,
    pub filter: &'b Filter,
    pub unwanted: &'b Unwanted,
}

/// What became of a batch.
#[derive(Default)]
pub(super) struct Saved {
    /// Its files that could be read, in their order.
    pub files: Vec<Node>,
    /// Files that came since the folder was listed.
    pub late: Vec<Node>,
    /// Something is missing from the folder although it is there.
    pub is_lost: bool,
}

impl Batch {
    pub(super) fn new(folder: Arc<Folder>, path: Vec<u8>, lengths: Lengths, beside: Option<Beside>) -> Self {
        Self { folder, path, files: Vec::new(), bytes: 0, lengths, beside }
    }

    pub(super) fn push(&mut self, file: Pending) {
        self.bytes += file.stat.size;
        self.files.push(file);
    }

    pub(super) fn is_full(&self) -> bool {
        is_enough(self.files.len(), self.bytes)
    }

    /// Reads the files and stores what is new.
    ///
    /// # Errors
    /// Those of the repository; what goes wrong with a file is reported and counted.
    pub(super) fn save(mut self, with: &Saving<'_, '_>) -> Result<Saved> {
        with.saver.with_gatherer(|gatherer| {
            let files = std::mem::take(&mut self.files);
            let mut saved = Saved { files: Vec::with_capacity(files.len()), ..Saved::default() };
            let mut has_moved = false;
            for file in files {
                // The walk may be done long before the files are: hundreds of batches can wait.
                with.saver.check_interrupt()?;
                let (node, is_other) = self.save_one(with, gatherer, &file, &mut saved.is_lost)?;
                saved.files.extend(node);
                has_moved |= is_other;
            }
            if let Some(beside) = self.beside.as_ref().filter(|beside| has_moved && !beside.listed.leave_to_walk()) {
                self.save_late(beside, with, gatherer, &mut saved)?;
            }
            Ok(saved)
        })
    }

    /// Saves one file: its node, unless it could not be read; true when it is gone, or another has its name.
    fn save_one(
        &self,
        with: &Saving<'_, '_>,
        gatherer: &mut FrameGatherer,
        file: &Pending,
        is_lost: &mut bool,
    ) -> Result<(Option<Node>, bool)> {
        let Saving { saver, owners, tally, .. } = with;
        let path = join(&self.path, &file.name);
        let done_bytes = if file.stat.size > super::content::SMALL_FILE_BYTES { 0 } else { file.stat.size };
        let outcome = save_file(saver, gatherer, owners, (&self.folder, &self.lengths), &file.name, &file.stat);
        saver.progress.add_done(1, done_bytes);
        match outcome {
            Ok(result) => {
                for note in result.notes {
                    saver.progress.report(Finding::new(FindingKind::Note(Topic::Attribute), path.clone(), describe(&note)));
                }
                add(&tally.bytes_read, result.bytes_read);
                add(&tally.bytes_total, result.node.file_bytes());
                if result.node.flags & NODE_CHANGED_WHILE_READ != 0 {
                    add(&tally.problems, 1);
                    let message = "it changed while it was read; what was read is saved and marked";
                    saver.progress.report(Finding::new(FindingKind::Changed, path, message));
                }
                let inode = result.node.metadata.inode;
                let is_other = inode != file.stat.inode;
                if let (true, Some(beside)) = (is_other, &self.beside) {
                    beside.listed.note(&file.name, inode);
                }
                Ok((Some(result.node), is_other))
            }
            Err(SaveError::Repository(error)) => Err(error),
            Err(SaveError::Source(error)) => {
                refuse_shortage(&error)?;
                // What was removed while we walked is not missing; what was renamed is looked for. A file that was
                // named as a source is missing.
                let is_gone = error.kind() == ErrorKind::NotFound && self.beside.is_some();
                let kind = if is_gone { FindingKind::Note(Topic::Vanished) } else { FindingKind::Unreadable };
                if let (true, Some(beside)) = (is_gone, &self.beside) {
                    beside.listed.forget(&file.name);
                }
                let message = if is_gone { "it was removed before it could be read".to_owned() } else { describe(&error) };
                if !is_gone {
                    add(&tally.problems, 1);
                }
                saver.progress.report(Finding::new(kind, path, message));
                *is_lost |= !is_gone;
                Ok((None, is_gone))
            }
        }
    }

    /// Saves the files that came since the folder was listed: one of them may be what is gone. The walk has
    /// left the folder by now, so what else came is only told.
    fn save_late(&self, beside: &Beside, with: &Saving<'_, '_>, gatherer: &mut FrameGatherer, saved: &mut Saved) -> Result<()> {
        let Beside { listed, rules } = beside;
        let mut missed = None;
        for round in 0..=ROUNDS_MAX {
            let late = match listed.take_late(&self.folder) {
                Ok(Some(late)) => late,
                Ok(None) => {
                    self.lose(with, saved, None);
                    return Ok(());
                }
                Err(error) => {
                    refuse_shortage(&error)?;
                    self.lose(with, saved, None);
                    return Ok(());
                }
            };
            let mut has_moved = false;
            for Late { name, is_new_name, .. } in late {
                let stat = match self.folder.stat(&name) {
                    Err(error) if error.is_not_found() => {
                        has_moved = true;
                        continue;
                    }
                    stat => stat,
                };
                let is_directory = stat.as_ref().is_ok_and(Stat::is_directory);
                if rules.is_excluded(with.filter, &join(&self.path, &name), is_directory) {
                    continue;
                }
                match stat {
                    Ok(stat) if stat.file_type == FileType::Socket => {}
                    Ok(stat) if stat.is_file() && with.unwanted.is_too_large(stat.size) => {}
                    Ok(stat) if stat.is_file() && listed.is_held() && round < ROUNDS_MAX => {
                        with.saver.progress.add_total(1, stat.size);
                        let (node, is_other) = self.save_one(with, gatherer, &Pending { name, stat }, &mut saved.is_lost)?;
                        saved.late.extend(node);
                        has_moved |= is_other;
                    }
                    // What was there under this name before is saved.
                    _ if !is_new_name => {}
                    _ => missed = missed.or(Some(name)),
                }
            }
            if !has_moved {
                break;
            }
        }
        if missed.is_some() {
            self.lose(with, saved, missed.as_deref());
        }
        Ok(())
    }

    /// Says that the folder has something, such as `name`, that is not saved.
    fn lose(&self, with: &Saving<'_, '_>, saved: &mut Saved, name: Option<&[u8]>) {
        add(&with.tally.problems, 1);
        with.saver.progress.report(Finding::new(FindingKind::Changed, self.path.clone(), tell_late(name)));
        saved.is_lost = true;
    }
}

/// What is said of a folder of which something that came late, such as `name`, is not saved.
pub(super) fn tell_late(name: Option<&[u8]>) -> String {
    let what = name.map_or_else(|| "what came into it".to_owned(), |name| format!("\"{}\", which came into it,", PathText(name)));
    format!("it changed while it was read, and {what} may not be saved; the next run saves it")
}

/// Whether so many files with so many bytes are work enough for one worker at a time.
pub(super) fn is_enough(files: usize, bytes: u64) -> bool {
    files >= FILES_MAX || bytes >= BYTES_MAX
}
