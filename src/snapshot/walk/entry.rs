//! What the walk does with an entry that is no folder: it takes it from the base, or has it read.

use std::sync::Arc;

use super::state::SourceWalk;
use crate::error::Result;
use crate::manifest::{Content, Node};
use crate::progress::{FindingKind, Topic};
use crate::snapshot::batch::{Batch, Beside, Pending};
use crate::snapshot::build::Event;
use crate::snapshot::compare::Trust;
use crate::snapshot::cursor::InBase;
use crate::snapshot::known::is_content_known;
use crate::snapshot::lengths::Lengths;
use crate::snapshot::tally::add;
use crate::source::{FileType, Folder, MappedFiles, Stat, read_metadata};
use crate::wire::Extensions;

impl<'w, 's, 'scope, 'x> SourceWalk<'w, 's, 'scope, 'x>
where
    'w: 'scope,
    's: 'scope,
{
    pub(super) fn visit_file(
        &mut self,
        folder: &Arc<Folder>,
        folder_path_bytes: usize,
        name: Vec<u8>,
        stat: Stat,
        base: Option<&InBase>,
    ) -> Result<()> {
        self.with.saver.progress.add_total(1, stat.size);
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        if let (Some(InBase { number, node }), Some(trust)) = (base, &level.trust)
            && trust.is_unchanged(node, &stat)
            && is_content_known(self.with, node)
            && !(level.is_in_memory && self.mapped.get_or_insert_with(MappedFiles::now).contains(stat.identity()))
        {
            add(&self.with.tally.files_unchanged, 1);
            add(&self.with.tally.bytes_total, stat.size);
            self.with.saver.progress.add_done(1, stat.size);
            self.flush_batch()?;
            return self.keep(*number);
        }
        let path = &self.path[..folder_path_bytes.max(1)];
        let lengths = Lengths::of(level.listing.stat.device, &level.file_system);
        let batch = level.batch.get_or_insert_with(|| {
            let beside = level.listing.listed().map(|listed| Beside { listed: Arc::clone(listed), rules: level.rules.clone() });
            Batch::new(Arc::clone(folder), path.to_vec(), lengths, beside)
        });
        batch.push(Pending { name, stat });
        if batch.is_full() { self.flush_batch() } else { Ok(()) }
    }

    pub(super) fn visit_other(
        &mut self,
        folder: &Folder,
        name: Vec<u8>,
        stat: &Stat,
        base: Option<&InBase>,
        trust: Option<Trust>,
    ) -> Result<()> {
        let content = match stat.file_type {
            FileType::Symlink => match folder.read_link(&name) {
                Ok(target) => Content::Symlink(target),
                Err(error) => return self.miss(&error),
            },
            FileType::Fifo => Content::Fifo,
            FileType::CharDevice(major, minor) => Content::CharDevice(major, minor),
            FileType::BlockDevice(major, minor) => Content::BlockDevice(major, minor),
            _ => {
                self.report(FindingKind::Note(Topic::LeftOut), self.path.clone(), "it is a socket, which cannot be saved");
                return Ok(());
            }
        };
        add(&self.with.tally.others, 1);
        self.flush_batch()?;
        if let (Some(InBase { number, node }), Some(trust)) = (base, &trust)
            && trust.is_unchanged(node, stat)
            && node.content == content
        {
            return self.keep(*number);
        }
        let (metadata, notes) = read_metadata(folder, &name, stat, self.with.owners);
        self.report_notes(&notes);
        let node = Node { name, metadata, content, flags: 0, extensions: Extensions::none() };
        if let Err(error) = node.check() {
            // A file system that makes things up, such as a link to nowhere at all.
            return self.miss(&error);
        }
        self.send(Event::Entry(Box::new(node)))
    }

    /// Goes on to what took the place of a folder since that was listed.
    pub(super) fn visit_instead(&mut self, folder: &Arc<Folder>, name: Vec<u8>, stat: Stat, base: Option<&InBase>) -> Result<()> {
        let Some(way) = self.way_to(&name, &stat, false) else { return Ok(()) };
        if self.is_too_large(&stat, way) {
            self.leave_out_large(name, &stat, base);
            return Ok(());
        }
        if stat.is_file() {
            let folder_path_bytes = self.path.len() - name.len() - 1;
            return self.visit_file(folder, folder_path_bytes, name, stat, base);
        }
        let trust = self.levels.last().and_then(|level| level.trust);
        self.visit_other(folder, name, &stat, base, trust)
    }
}
