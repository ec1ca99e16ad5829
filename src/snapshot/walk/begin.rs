//! How the walk begins with a source, and what it says of sources that it did not come by.

use std::sync::Arc;

use super::state::{SourceWalk, Way, is_file};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Content, SourceCounts};
use crate::snapshot::batch::{Batch, Pending};
use crate::snapshot::build::{Event, root_of_base};
use crate::snapshot::compare::Trust;
use crate::snapshot::cursor::InBase;
use crate::snapshot::failures::describe;
use crate::snapshot::lengths::Lengths;
use crate::snapshot::listing::FolderListing;
use crate::snapshot::paths::split_path;
use crate::snapshot::sources::Source;
use crate::source::{FileSystem, FileType, Folder, Stat};
use crate::units::PathText;

impl<'w, 's, 'scope, 'x> SourceWalk<'w, 's, 'scope, 'x>
where
    'w: 'scope,
    's: 'scope,
{
    pub(super) fn walk_source(&mut self, source: &[u8]) -> Result<()> {
        let base = root_of_base(self.with.base, source).map(|root| InBase { number: 0, node: root.node.clone() });
        let (above, name) = split_path(source);
        self.path = source.to_vec();
        // The folder above need not be readable.
        let stat = if source == b"/" { None } else { Some(Folder::open_place(above)?.stat(name)?) };
        if stat.as_ref().is_none_or(Stat::is_directory) {
            let listed = Folder::open(source).and_then(FolderListing::read);
            let is_closed = listed.as_ref().is_err_and(|error| error.kind() == ErrorKind::Denied);
            let mut listing = match (listed, self.with.inner.ways_in(source)) {
                (Err(error), Some(names)) if is_closed => {
                    self.report_problem(source.to_vec(), &describe(&error));
                    FolderListing::of_names(Arc::new(Folder::open_place(source)?), names)?
                }
                (listed, _) => listed?,
            };
            if self.with.skip.contains(&listing.stat.identity()) {
                return Err(Error::new(ErrorKind::Invalid, "it belongs to the repository itself, which cannot save itself"));
            }
            let file_system = self.file_system_of(&mut listing)?;
            self.counted.push(SourceCounts::of(source.to_vec()));
            self.send(Event::Source(source.to_vec()))?;
            let root = Arc::new(Folder::open_place(source)?);
            self.source = Some((root, if source == b"/" { 0 } else { source.len() }));
            self.enter(name.to_vec(), listing, file_system, base, Way::Usual)?;
            if let Some(level) = self.levels.last_mut() {
                level.is_incomplete = is_closed;
            }
            return self.walk_levels();
        }
        if stat.as_ref().is_some_and(|stat| stat.file_type == FileType::Symlink) {
            let target = Folder::open_place(above)?.read_link(name)?;
            let message = format!("it is a symbolic link to {}, which leads nowhere", PathText(&target));
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let folder = Arc::new(Folder::open_place(above)?);
        let file_system = FileSystem::of(&folder)?;
        self.send(Event::Source(source.to_vec()))?;
        let trust = self.with.base.map(|(manifest, _)| Trust::new(manifest, &file_system, self.with.options.stat_trust));
        let Some(stat) = stat else { return Ok(()) };
        if stat.file_type != FileType::File {
            return self.visit_other(&folder, name.to_vec(), &stat, base.as_ref(), trust);
        }
        self.with.saver.progress.add_total(1, stat.size);
        self.counted.push(SourceCounts { path: source.to_vec(), files: 1, bytes: stat.size });
        self.base_files_met += u64::from(is_file(base.as_ref().map(|base| &base.node)));
        let lengths = Lengths::of(folder.stat_self()?.device, &file_system);
        let mut batch = Batch::new(Arc::clone(&folder), above.to_vec(), lengths, None);
        batch.push(Pending { name: name.to_vec(), stat });
        self.send_batch(batch)
    }

    /// Says which trees of the base the walk will come to.
    pub(super) fn expect_base(&self, sources: &[Source]) {
        let Some(ahead) = self.base_ahead else { return };
        for (number, source) in sources.iter().enumerate() {
            if let Some(Content::Directory(tree)) = root_of_base(self.with.base, &source.path).map(|root| &root.node.content) {
                ahead.expect_root(number, tree);
            }
        }
    }

    /// Names the sources within `root` that the walk has not come by.
    pub(super) fn report_unmet(&mut self, root: &[u8]) {
        for path in self.with.inner.within(root).into_iter().filter(|path| !self.met.contains(path)) {
            let (above, name) = split_path(&path);
            let message = match Folder::open_place(above).and_then(|folder| folder.stat(name)) {
                Ok(_) => "it could not be reached and is not saved".to_owned(),
                Err(error) => describe(&error),
            };
            self.report_problem(path, &message);
        }
    }
}
